import { createHash } from 'node:crypto';

import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { aliasNames } from '../../domain/registry/index.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { isFailure } from '../../store/failures.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { Progress } from '../ports/progress.ts';
import type { RunTracker, TrackedRun } from '../ports/run-tracker.ts';
import { trainingFile } from '../registry/training-file.ts';
import { runOfCycle, runOfVersion, trackedReportSchema } from './tracked-run.ts';

const inputSchema = z.strictObject({ policy: z.string().min(1) });

export interface MirrorRegistryResult {
  /** Null: no tracker is configured. */
  readonly address: string | null;
  /** Told this time. */
  readonly runs: number;
  readonly versions: number;
  readonly aliases: number;
  /** What the tracker did not want, or what could not be read; the first few. */
  readonly refused: readonly string[];
  /** More is to be told. */
  readonly isBehind: boolean;
}

export interface MirrorPorts {
  readonly store: ObjectStore;
  readonly progress: Progress;
  /** Undefined: nobody asked for it. */
  readonly tracker?: RunTracker | undefined;
}

/** Runs and versions that one call tells; the next one goes on. What is refused uses up none: it is asked again each time. */
const itemsOfOneCall = 20;
const mostRefused = 10;
/** Files of a version that people look at; images of frames are in none of them. */
const shownFiles = ['model.onnx', 'evaluation.json', trainingFile];
const artifactFolder = 'model';

const toldSchema = z.strictObject({
  /** Run of each cycle; null: of another policy, or nothing was trained. */
  runs: dictionarySchema(z.string().nullable()),
  /** Number of each version. */
  versions: dictionarySchema(z.string()),
  /** Version of each alias. */
  aliases: dictionarySchema(z.string()),
});
type Told = z.infer<typeof toldSchema>;

const toldKey = (policy: string, address: string): string =>
  `mirrors/${policy}/${createHash('sha256').update(address).digest('hex').slice(0, 16)}.json`;

/**
 * Tells a tracker of experiments what it does not know yet: trainings, versions and aliases of a policy. Idempotent: what was told is
 * remembered after it was told, and the tracker knows each by its key. A thing that the tracker refuses holds up no other.
 */
export const mirrorRegistry =
  (ports: MirrorPorts) =>
  async (given: { readonly policy: string }): Promise<MirrorRegistryResult> => {
    const { policy } = parseActivityInput('mirrorRegistry', inputSchema, given);
    if (ports.tracker === undefined)
      return { address: null, runs: 0, versions: 0, aliases: 0, refused: [], isBehind: false };
    return new Mirror(ports, ports.tracker, policy).tell();
  };

class Mirror {
  readonly #ports: MirrorPorts;
  readonly #tracker: RunTracker;
  readonly #policy: string;
  readonly #refused: string[] = [];
  #left = itemsOfOneCall;
  #told: Told = { runs: dictionary(), versions: dictionary(), aliases: dictionary() };

  constructor(ports: MirrorPorts, tracker: RunTracker, policy: string) {
    [this.#ports, this.#tracker, this.#policy] = [ports, tracker, policy];
  }

  async tell(): Promise<MirrorRegistryResult> {
    const { address } = this.#tracker;
    const key = toldKey(this.#policy, address);
    // A damaged memory is a new one: the tracker knows what it was told.
    this.#told = (await readSoundJson(this.#ports.store, key, toldSchema, this.#setAside)) ?? this.#told;
    const manifests = await this.#manifests();
    const runs = await this.#tellCycles(manifests);
    const versions = await this.#tellVersions(manifests);
    const isBehind = this.#left <= 0;
    const aliases = isBehind ? 0 : await this.#tellAliases();
    return { address, runs, versions, aliases, refused: this.#refused, isBehind };
  }

  readonly #setAside = ({ key, why }: { readonly key: string; readonly why: string }): void => this.#refuse(key, why);
  #refuse(what: string, why: string): void {
    if (this.#refused.length < mostRefused) this.#refused.push(`${what}: ${why}`);
  }

  async #remember(): Promise<void> {
    await this.#ports.store.put(toldKey(this.#policy, this.#tracker.address), jsonBytes(this.#told));
  }

  /** Undefined for what the tracker does not want; whatever else fails ends the call. */
  async #try<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    this.#ports.progress({ stage: 'telling', what });
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error, 'TrackerRefused')) throw error;
      this.#refuse(what, error.message);
      return undefined;
    }
  }

  /** Of the policy, in the order of their registration. */
  async #manifests(): Promise<readonly ModelManifest[]> {
    const found: ModelManifest[] = [];
    for await (const { key } of this.#ports.store.list(`models/${this.#policy}/`)) {
      if (!key.endsWith('/manifest.json')) continue;
      const signed = await readSoundJson(this.#ports.store, key, signedManifestSchema, this.#setAside);
      if (signed !== undefined) found.push(signed.manifest);
    }
    return found.toSorted((one, other) => one.registeredAtMs - other.registeredAtMs);
  }

  async #tellCycles(manifests: readonly ModelManifest[]): Promise<number> {
    const { store } = this.#ports;
    let runs = 0;
    for await (const { key } of store.list('reports/')) {
      const [, cycleId] = /^reports\/([^/]+)\.json$/.exec(key) ?? [];
      if (cycleId === undefined || Object.hasOwn(this.#told.runs, cycleId)) continue;
      if (this.#left <= 0) break;
      const report = await readSoundJson(store, key, trackedReportSchema, this.#setAside);
      if (report === undefined) continue;
      const { training } = report;
      if (report.policy !== this.#policy || training === null) {
        this.#told.runs[cycleId] = null;
        continue;
      }
      const made = manifests.find((manifest) => manifest.training?.cycleId === cycleId);
      const artifacts = made === undefined ? [] : await this.#artifacts(made);
      const runId = await this.#try(key, () => this.#tracker.putRun(runOfCycle(report, training, artifacts)));
      if (runId === undefined) continue;
      this.#left -= 1;
      this.#told.runs[cycleId] = runId;
      runs += 1;
      await this.#remember();
    }
    await this.#remember();
    return runs;
  }

  async #tellVersions(manifests: readonly ModelManifest[]): Promise<number> {
    let versions = 0;
    for (const manifest of manifests) {
      const { policy, version } = manifest;
      if (Object.hasOwn(this.#told.versions, version)) continue;
      if (this.#left <= 0) break;
      const number = await this.#try(`${policy} ${version}`, async () =>
        this.#tracker.putVersion({
          model: policy,
          version,
          description: `${policy} ${version}, registered ${new Date(manifest.registeredAtMs).toISOString()}`,
          tags: new Map([['flywheel.modelSha256', manifest.files['model.onnx']?.sha256 ?? 'unknown']]),
          runId: await this.#runOf(manifest),
          artifactFolder,
        }),
      );
      if (number === undefined) continue;
      this.#left -= 1;
      this.#told.versions[version] = number;
      versions += 1;
      await this.#remember();
    }
    return versions;
  }

  async #runOf(manifest: ModelManifest): Promise<string> {
    const cycleId = manifest.training?.cycleId;
    const known = cycleId === undefined ? undefined : this.#told.runs[cycleId];
    return known ?? this.#tracker.putRun(runOfVersion(manifest, await this.#artifacts(manifest)));
  }

  async #artifacts({ policy, version }: ModelManifest): Promise<TrackedRun['artifacts']> {
    const found: { path: string; bytes: Uint8Array }[] = [];
    for (const name of shownFiles) {
      const bytes = await this.#ports.store.get(modelFile(policy, version, name));
      if (bytes !== undefined) found.push({ path: `${artifactFolder}/${name}`, bytes });
    }
    return found;
  }

  async #tellAliases(): Promise<number> {
    const now = await readAliases(this.#ports)({ policy: this.#policy });
    let moved = 0;
    for (const alias of aliasNames) {
      const version = now[alias];
      if (version === this.#told.aliases[alias]) continue;
      const number = version === undefined ? undefined : this.#told.versions[version];
      if (version !== undefined && number === undefined) continue;
      const isTold = await this.#try(`alias ${alias}`, async () => {
        await this.#tracker.setAlias(this.#policy, alias, number);
        return true;
      });
      if (isTold !== true) continue;
      if (version === undefined) delete this.#told.aliases[alias];
      else this.#told.aliases[alias] = version;
      moved += 1;
      await this.#remember();
    }
    return moved;
  }
}
