import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { fileSha256 } from '../../../datasets/landing.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { goldenAnswersSchema, type GoldenAnswers } from '../../../policies/golden-answers.ts';
import { etagOf, wireLimits, type ModelFile } from '../../protocol/index.ts';
import { DeadlineMissed, withDeadline } from '../link/deadline.ts';
import { DownloadError, piecesOf, type DownloadLimits } from './download.ts';
import { isMissing, namesIn, readIfThere, removeFile, replaceFile, syncDirectory } from '../local/durable-files.ts';
import { GatewayError, type GatewayClient } from '../gateway-client.ts';
import type { Slot } from './installation.ts';
import type { AtPoint } from '../local/kill-points.ts';
import { ModelRefusal } from './model-refusal.ts';
import { closeInBackground, loadedPolicy, openModel, type LoadedPolicy, type LoadPorts } from './policy-runtime.ts';
import { selfTest } from './self-test.ts';
import type { ManifestTrust } from '../trust/trusted-orders.ts';
import { trustedManifest } from './trusted-manifest.ts';
import { createQueue } from '../local/waiting.ts';

export interface ModelFolderPorts extends LoadPorts {
  readonly directory: string;
  readonly gateway: Pick<GatewayClient, 'model'>;
  /** Which keys may sign manifests, as of now. */
  readonly trust: () => ManifestTrust;
  readonly download: DownloadLimits;
  readonly loadTimeoutMs: number;
  readonly at: AtPoint;
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
  const folderOf = ({ sha256 }: Slot): string => path.join(ports.directory, sha256);
  const fileOf = (slot: Slot, name: ModelFile): string => path.join(folderOf(slot), name);
  const partOf = ({ sha256 }: Slot): string => path.join(ports.directory, `${sha256}.part`);

  const oneDownload = createQueue();

  async function* pieces(slot: Slot, name: ModelFile, body: ReadableStream<Uint8Array>, signal: AbortSignal) {
    yield* piecesOf(body, `${name} of ${slot.version}`, { limits: ports.download, monotonic: ports.monotonic, signal });
  }

  async function fetchSmall(slot: Slot, name: ModelFile, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const { body } = await request(slot, name, undefined, signal);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of pieces(slot, name, body, signal)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes)
        throw new ModelRefusal('wrongDigest', `expected a ${name} of at most ${maxBytes} bytes, got more`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async function request(
    slot: Slot,
    name: ModelFile,
    resume: { startBytes: number; etag: string } | undefined,
    signal: AbortSignal,
  ) {
    try {
      const file = { policy: slot.policy, version: slot.version, name };
      return await ports.gateway.model(file, resume, signal);
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 404)
        throw new ModelRefusal('downloadFailed', `the gateway has no ${name} of ${slot.version}`, cause);
      throw cause;
    }
  }

  /** Leaves the whole file, right or wrong, in the part file. */
  async function download(slot: Slot, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const part = partOf(slot);
    const haveBytes = await sizeOf(part);
    if (haveBytes === sizeBytes) return;
    const startBytes = haveBytes < sizeBytes ? haveBytes : 0;
    const resume = startBytes > 0 ? { startBytes, etag: etagOf(slot.sha256) } : undefined;
    const { status, body } = await requestRest(slot, resume, signal);
    const handle = await open(part, status === 206 ? 'a' : 'w');
    try {
      let writtenBytes = status === 206 ? startBytes : 0;
      for await (const chunk of pieces(slot, 'model.onnx', body, signal)) {
        writtenBytes += chunk.length;
        if (writtenBytes > sizeBytes)
          throw new ModelRefusal('wrongDigest', `expected ${sizeBytes} bytes, got more [version=${slot.version}]`);
        await handle.write(chunk);
        ports.at('model.partial');
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const gotBytes = await sizeOf(part);
    if (gotBytes < sizeBytes)
      throw new DownloadError(
        `the download of ${slot.version} broke off: expected ${sizeBytes} bytes, got ${gotBytes}`,
        {},
      );
  }

  /** A gateway that has fewer bytes than we already have is asked for all of them next time. */
  async function requestRest(slot: Slot, resume: Parameters<typeof request>[2], signal: AbortSignal) {
    try {
      return await request(slot, 'model.onnx', resume, signal);
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 416) await removeFile(partOf(slot));
      throw cause;
    }
  }

  const trusted = (bytes: Uint8Array, slot: Slot) => trustedManifest(bytes, ports.trust(), slot);

  const has = async (slot: Slot): Promise<boolean> => (await sizeOf(fileOf(slot, 'manifest.json'))) > 0;

  /** The manifest goes first: a half-deleted version must not look complete. */
  async function remove(name: string): Promise<void> {
    await removeFile(path.join(ports.directory, name, 'manifest.json')).catch(() => undefined);
    await rm(path.join(ports.directory, name), { recursive: true, force: true });
  }

  /** A manifest that does not count any more, because its key was revoked, may have been signed anew. */
  async function renewManifest(slot: Slot, signal: AbortSignal): Promise<void> {
    const known = await readIfThere(fileOf(slot, 'manifest.json'));
    try {
      if (known !== undefined) trusted(known, slot);
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      const bytes = await fetchSmall(slot, 'manifest.json', mostManifestBytes, signal);
      trusted(bytes, slot);
      await replaceFile(fileOf(slot, 'manifest.json'), bytes);
    }
  }

  async function fetchWhole(slot: Slot, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (await has(slot)) return;
    const manifestBytes = await fetchSmall(slot, 'manifest.json', mostManifestBytes, signal);
    const { files, robotType } = trusted(manifestBytes, slot);
    if (robotType.id !== ports.robotType.id || robotType.version !== ports.robotType.version)
      throw new ModelRefusal('cannotLoad', `expected a policy for ${ports.robotType.id}, got one for ${robotType.id}`);
    const digest = robotTypeDigest(ports.robotType);
    if (robotType.digest !== digest)
      throw new ModelRefusal(
        'wrongRobotType',
        `expected a policy for ${robotType.id} with digest ${digest}, got one for ${robotType.digest}`,
      );
    await mkdir(folderOf(slot), { recursive: true });
    const golden = files['golden.json'];
    if (golden !== undefined) {
      const mostBytes = Math.min(golden.sizeBytes, wireLimits.maxSegmentBytes);
      const bytes = await fetchSmall(slot, 'golden.json', mostBytes, signal);
      requireDigest('golden.json', createHash('sha256').update(bytes).digest('hex'), golden.sha256);
      await replaceFile(fileOf(slot, 'golden.json'), bytes);
    }
    await download(slot, files['model.onnx']?.sizeBytes ?? 0, signal);
    const sha256 = await fileSha256(partOf(slot));
    if (sha256 !== slot.sha256) await removeFile(partOf(slot));
    requireDigest('model.onnx', sha256, slot.sha256);
    await rename(partOf(slot), fileOf(slot, 'model.onnx'));
    ports.at('model.downloaded');
    await replaceFile(fileOf(slot, 'manifest.json'), manifestBytes);
    await syncDirectory(ports.directory);
  }

  async function loadInTime(slot: Slot, signal: AbortSignal): Promise<LoadedPolicy> {
    try {
      return await withDeadline(
        `${slot.version} to load and to pass its self-test`,
        ports.loadTimeoutMs,
        signal,
        (end) => load(slot, end),
      );
    } catch (cause) {
      if (!(cause instanceof DeadlineMissed)) throw cause;
      throw new ModelRefusal('deadlineMissed', cause.message, cause);
    }
  }

  async function load(slot: Slot, signal: AbortSignal): Promise<LoadedPolicy> {
    const manifestBytes = await readIfThere(fileOf(slot, 'manifest.json'));
    if (manifestBytes === undefined) throw new ModelRefusal('stateRecovered', `version ${slot.version} is not whole`);
    const { files } = trusted(manifestBytes, slot);
    const file = fileOf(slot, 'model.onnx');
    const model = await readIfThere(file);
    if (model === undefined) throw new ModelRefusal('stateRecovered', `version ${slot.version} has no model`);
    requireDigest('model.onnx', await sha256InTurns(model), slot.sha256);
    const golden = await readGolden(fileOf(slot, 'golden.json'), files['golden.json']?.sha256);
    const opened = await openModel(ports, model, { file, signal });
    try {
      await selfTest(opened.session, opened.sizes, golden, signal);
      signal.throwIfAborted();
    } catch (cause) {
      closeInBackground(opened.session);
      throw cause;
    }
    return loadedPolicy(ports, slot, opened);
  }

  return {
    has,
    discard: ({ sha256 }) => remove(sha256),
    async fetch(slot, signal) {
      if (await has(slot)) await renewManifest(slot, signal);
      else await oneDownload(() => fetchWhole(slot, signal));
    },
    load: (slot, signal) => loadInTime(slot, signal),
    async keepOnly(slots) {
      const kept = new Set(slots.flatMap(({ sha256 }) => [sha256, `${sha256}.part`]));
      for (const name of await namesIn(ports.directory)) if (!kept.has(name)) await remove(name);
    },
  };
}

/** A signed manifest holds names, digests, metrics and gates: far below this. */
const mostManifestBytes = 8 * 1024 * 1024;
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

function requireDigest(name: string, got: string, expected: string): void {
  if (got !== expected) throw new ModelRefusal('wrongDigest', `expected ${name} with sha256 ${expected}, got ${got}`);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    if (isMissing(cause)) return 0;
    throw cause;
  }
}
