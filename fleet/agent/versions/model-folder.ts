import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { ServedBody } from '../../../policies/body-mapping.ts';
import { bodiesFile } from '../../../policies/version-bodies.ts';
import { tasksFile } from '../../../policies/version-tasks.ts';
import { DeadlineMissed, withDeadline } from '../link/deadline.ts';
import { namesIn, readIfThere, removeFile, sizeOf } from '../local/durable-files.ts';
import type { Slot } from './installation.ts';
import { modelFiles, requireDigest, type ModelFiles } from './model-files.ts';
import { ModelRefusal } from './model-refusal.ts';
import { closeInBackground, loadedPolicy, openModel, type LoadedPolicy, type LoadPorts } from './policy-runtime.ts';
import { selfTest } from './self-test.ts';
import { trustedManifest, type ReadManifest } from './trusted-manifest.ts';
import { readGolden, readTasks, requireBody, digestOf } from './version-files.ts';
import { createQueue } from '../local/waiting.ts';
import { VersionDownload, type VersionDownloadPorts } from './version-download.ts';

export interface ModelFolderPorts extends LoadPorts, Omit<VersionDownloadPorts, 'robotType' | 'monotonic'> {
  readonly directory: string;
  readonly loadTimeoutMs: number;
}

/** Versions on the robot's disk; a folder with a manifest is complete. */
export interface ModelFolder {
  has(slot: Slot): Promise<boolean>;
  /**
   * Downloads what is missing, going on where it stopped, and checks every byte. `ModelRefusal`, `GatewayError` or the signal's
   * reason otherwise. Downloads run one after the other; what is on the disk already waits for none.
   */
  fetch(slot: Slot, signal: AbortSignal): Promise<void>;
  /**
   * Checks the files again, loads the model and lets it pass its self-test, all within `loadTimeoutMs`; `ModelRefusal` or the
   * signal's reason otherwise.
   */
  load(slot: Slot, signal: AbortSignal): Promise<LoadedPolicy>;
  /** Deletes a version that is damaged, so that it is fetched anew. */
  discard(slot: Slot): Promise<void>;
  /** Deletes every version and download but these. */
  keepOnly(slots: readonly Slot[]): Promise<void>;
}

export function openModelFolder(ports: ModelFolderPorts): ModelFolder {
  const { directory, loadTimeoutMs } = ports;
  const files = modelFiles(directory);
  const oneDownload = createQueue();
  const has = async (slot: Slot): Promise<boolean> =>
    (await sizeOf(path.join(await files.home(slot), 'manifest.json'))) > 0;

  /** The manifest goes first: a half-deleted version must not look complete. */
  async function remove(name: string): Promise<void> {
    await removeFile(path.join(directory, name, 'manifest.json')).catch(() => undefined);
    await rm(path.join(directory, name), { recursive: true, force: true });
  }

  return {
    has,
    discard: ({ sha256 }) => remove(sha256),
    async fetch(slot, signal) {
      const download = new VersionDownload(ports, files, slot, signal);
      if (await has(slot)) return download.renewManifest();
      await oneDownload(async () => {
        if (!(await has(slot))) await download.whole();
      });
    },
    async load(slot, signal) {
      try {
        const what = `${slot.version} to load and to pass its self-test`;
        return await withDeadline(what, loadTimeoutMs, signal, (end) => load(ports, files, slot, end));
      } catch (cause) {
        if (!(cause instanceof DeadlineMissed)) throw cause;
        throw new ModelRefusal('deadlineMissed', cause.message, cause);
      }
    },
    async keepOnly(slots) {
      const kept = new Set(slots.flatMap(({ sha256 }) => [sha256, `${sha256}.part`]));
      for (const name of await namesIn(directory)) if (!kept.has(name)) await remove(name);
    },
  };
}

async function load(
  ports: ModelFolderPorts,
  files: ModelFiles,
  slot: Slot,
  signal: AbortSignal,
): Promise<LoadedPolicy> {
  const { version, sha256 } = slot;
  const home = await files.home(slot);
  const manifestBytes = await readIfThere(path.join(home, 'manifest.json'));
  if (manifestBytes === undefined) throw new ModelRefusal('stateRecovered', `version ${version} is not whole`);
  const manifest = trustedManifest(manifestBytes, ports.trust(), slot);
  const { sizes: body, mapping } = await readBody(path.join(home, bodiesFile), manifest, ports);
  const file = files.model(slot);
  const model = await readIfThere(file);
  if (model === undefined) throw new ModelRefusal('stateRecovered', `version ${version} has no model`);
  requireDigest('model.onnx', await sha256InTurns(model), sha256);
  const golden = await readGolden(path.join(home, 'golden.json'), manifest.files['golden.json']?.sha256);
  const tasks = await readTasks(path.join(home, tasksFile), manifest.files[tasksFile]?.sha256, ports.robotType);
  const sizes = { ...body, taskCount: tasks.length };
  const session = await openModel(ports, model, sizes, { file, signal });
  try {
    await selfTest(session, sizes, golden, signal);
    signal.throwIfAborted();
  } catch (cause) {
    closeInBackground(session);
    throw cause;
  }
  return loadedPolicy(ports, slot, { session, sizes, mapping, tasks });
}

const bytesPerTurn = 4 * 1024 * 1024;

/** The digest of bytes, in turns of the event loop: a large model must not hold up the robot's heartbeats. */
async function sha256InTurns(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < bytes.length; start += bytesPerTurn) {
    hash.update(bytes.subarray(start, start + bytesPerTurn));
    await nextTurn();
  }
  return hash.digest('hex');
}

/** The robot may have got another body since the version was fetched; what lies on the disk is held against the one it has. */
async function readBody(
  file: string,
  manifest: ReadManifest,
  { robotType }: Pick<LoadPorts, 'robotType'>,
): Promise<ServedBody> {
  const sha256 = manifest.files[bodiesFile]?.sha256;
  const bytes = sha256 === undefined ? undefined : await readIfThere(file);
  if (bytes !== undefined && sha256 !== undefined) requireDigest(bodiesFile, digestOf(bytes), sha256);
  return requireBody(manifest, bytes, robotType);
}
