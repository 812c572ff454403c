import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { goldenAnswersSchema, type GoldenAnswers } from '../../../policies/golden-answers.ts';
import { tasksFile, versionTasksSchema } from '../../../policies/version-tasks.ts';
import { DeadlineMissed, withDeadline } from '../link/deadline.ts';
import { namesIn, readIfThere, removeFile, sizeOf } from '../local/durable-files.ts';
import type { Slot } from './installation.ts';
import { modelFiles, requireDigest, type ModelFiles } from './model-files.ts';
import { ModelRefusal } from './model-refusal.ts';
import { closeInBackground, loadedPolicy, openModel, type LoadedPolicy, type LoadPorts } from './policy-runtime.ts';
import { selfTest } from './self-test.ts';
import { trustedManifest } from './trusted-manifest.ts';
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
  const has = async (slot: Slot): Promise<boolean> => (await sizeOf(files.of(slot, 'manifest.json'))) > 0;

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
  const manifestBytes = await readIfThere(files.of(slot, 'manifest.json'));
  if (manifestBytes === undefined) throw new ModelRefusal('stateRecovered', `version ${version} is not whole`);
  const manifest = trustedManifest(manifestBytes, ports.trust(), slot);
  const file = files.of(slot, 'model.onnx');
  const model = await readIfThere(file);
  if (model === undefined) throw new ModelRefusal('stateRecovered', `version ${version} has no model`);
  requireDigest('model.onnx', await sha256InTurns(model), sha256);
  const golden = await readGolden(files.of(slot, 'golden.json'), manifest.files['golden.json']?.sha256);
  const tasks = await readTasks(files.of(slot, tasksFile), manifest.files[tasksFile]?.sha256, ports);
  const opened = await openModel(ports, model, tasks.length, { file, signal });
  try {
    await selfTest(opened.session, opened.sizes, golden, signal);
    signal.throwIfAborted();
  } catch (cause) {
    closeInBackground(opened.session);
    throw cause;
  }
  return loadedPolicy(ports, slot, opened, tasks);
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

/**
 * Ids of the tasks that the version knows, by index. Without the file, because the version has none or a gateway of before does not
 * give it, those of the robot type: they have the first indexes in every catalogue.
 */
async function readTasks(
  file: string,
  sha256: string | undefined,
  { robotType }: Pick<LoadPorts, 'robotType'>,
): Promise<readonly string[]> {
  const bytes = sha256 === undefined ? undefined : await readIfThere(file);
  if (bytes === undefined || sha256 === undefined) return robotType.tasks;
  requireDigest(tasksFile, createHash('sha256').update(bytes).digest('hex'), sha256);
  const parsed = versionTasksSchema.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data.tasks;
  throw new ModelRefusal('cannotLoad', 'expected the tasks that the version knows, got something else', parsed.error);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function readGolden(file: string, sha256: string | undefined): Promise<GoldenAnswers | undefined> {
  if (sha256 === undefined) return undefined;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new ModelRefusal('stateRecovered', 'expected golden answers beside the model, got none', cause);
  });
  requireDigest('golden.json', createHash('sha256').update(bytes).digest('hex'), sha256);
  const parsed = goldenAnswersSchema.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!parsed.success)
    throw new ModelRefusal('selfTestFailed', 'expected golden answers, got something else', parsed.error);
  return parsed.data;
}
