import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import { fileSha256 } from '../../datasets/landing.ts';
import { goldenAnswersSchema, type GoldenAnswers } from '../../policies/golden-answers.ts';
import { etagOf, wireLimits, type ModelFile } from '../protocol/index.ts';
import { isMissing, namesIn, readIfThere, removeFile, replaceFile, syncDirectory } from './durable-files.ts';
import { GatewayError, type GatewayClient } from './gateway-client.ts';
import type { Slot } from './installation.ts';
import type { AtPoint } from './kill-points.ts';
import { ModelRefusal } from './model-refusal.ts';
import { loadedPolicy, openModel, type LoadedPolicy, type LoadPorts } from './policy-runtime.ts';
import { selfTest } from './self-test.ts';
import { trustedManifest } from './trusted-manifest.ts';

export interface ModelFolderPorts extends LoadPorts {
  readonly directory: string;
  readonly gateway: Pick<GatewayClient, 'model'>;
  /** PEM of the one key whose signature is trusted. */
  readonly publicKeyPem: string;
  readonly at: AtPoint;
}

/** Versions on the robot's disk; a folder with a manifest is complete. */
export interface ModelFolder {
  has(slot: Slot): Promise<boolean>;
  /** Downloads what is missing, going on where it stopped, and checks every byte. `ModelRefusal` or `GatewayError` otherwise. */
  fetch(slot: Slot): Promise<void>;
  /** Checks the files again, loads the model and lets it pass its self-test; `ModelRefusal` otherwise. */
  load(slot: Slot): Promise<LoadedPolicy>;
  /** Deletes a version that is damaged, so that it is fetched anew. */
  discard(slot: Slot): Promise<void>;
  /** Deletes every version and download but these. */
  keepOnly(slots: readonly Slot[]): Promise<void>;
}

export function openModelFolder(ports: ModelFolderPorts): ModelFolder {
  const folderOf = ({ sha256 }: Slot): string => path.join(ports.directory, sha256);
  const fileOf = (slot: Slot, name: ModelFile): string => path.join(folderOf(slot), name);
  const partOf = ({ sha256 }: Slot): string => path.join(ports.directory, `${sha256}.part`);

  async function fetchSmall(slot: Slot, name: ModelFile): Promise<Buffer> {
    const { body } = await request(slot, name);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of body) {
      sizeBytes += chunk.length;
      if (sizeBytes > wireLimits.maxSegmentBytes) throw new ModelRefusal('wrongDigest', `expected a small ${name}`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async function request(slot: Slot, name: ModelFile, resume?: { startBytes: number; etag: string }) {
    try {
      const file = { policy: slot.policy, version: slot.version, name };
      return await ports.gateway.model(file, resume);
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 404)
        throw new ModelRefusal('downloadFailed', `the gateway has no ${name} of ${slot.version}`, cause);
      throw cause;
    }
  }

  /** Leaves the whole file, right or wrong, in the part file. */
  async function download(slot: Slot, sizeBytes: number): Promise<void> {
    const part = partOf(slot);
    const haveBytes = await sizeOf(part);
    if (haveBytes === sizeBytes) return;
    const startBytes = haveBytes < sizeBytes ? haveBytes : 0;
    const resume = startBytes > 0 ? { startBytes, etag: etagOf(slot.sha256) } : undefined;
    const { status, body } = await request(slot, 'model.onnx', resume);
    const handle = await open(part, status === 206 ? 'a' : 'w');
    try {
      let writtenBytes = status === 206 ? startBytes : 0;
      for await (const chunk of body) {
        writtenBytes += chunk.length;
        if (writtenBytes > sizeBytes)
          throw new ModelRefusal('wrongDigest', `expected ${sizeBytes} bytes, got more [version=${slot.version}]`);
        await handle.write(chunk);
        ports.at('model.partial');
      }
      await handle.sync();
    } catch (cause) {
      if (cause instanceof ModelRefusal) throw cause;
      throw new GatewayError(`the download broke off [version=${slot.version}]`, { cause });
    } finally {
      await handle.close();
    }
    if ((await sizeOf(part)) < sizeBytes)
      throw new GatewayError(`the download broke off [version=${slot.version}]`, {});
  }

  const trusted = (bytes: Uint8Array, slot: Slot) => trustedManifest(bytes, ports.publicKeyPem, slot);

  const has = async (slot: Slot): Promise<boolean> => (await sizeOf(fileOf(slot, 'manifest.json'))) > 0;

  /** The manifest goes first: a half-deleted version must not look complete. */
  async function remove(name: string): Promise<void> {
    await removeFile(path.join(ports.directory, name, 'manifest.json')).catch(() => undefined);
    await rm(path.join(ports.directory, name), { recursive: true, force: true });
  }

  return {
    has,
    discard: ({ sha256 }) => remove(sha256),
    async fetch(slot) {
      if (await has(slot)) return;
      const manifestBytes = await fetchSmall(slot, 'manifest.json');
      const { files, robotType } = trusted(manifestBytes, slot);
      if (robotType.id !== ports.robotType.id || robotType.version !== ports.robotType.version)
        throw new ModelRefusal(
          'cannotLoad',
          `expected a policy for ${ports.robotType.id}, got one for ${robotType.id}`,
        );
      await mkdir(folderOf(slot), { recursive: true });
      const golden = files['golden.json'];
      if (golden !== undefined) {
        const bytes = await fetchSmall(slot, 'golden.json');
        requireDigest('golden.json', createHash('sha256').update(bytes).digest('hex'), golden.sha256);
        await replaceFile(fileOf(slot, 'golden.json'), bytes);
      }
      await download(slot, files['model.onnx']?.sizeBytes ?? 0);
      const sha256 = await fileSha256(partOf(slot));
      if (sha256 !== slot.sha256) await removeFile(partOf(slot));
      requireDigest('model.onnx', sha256, slot.sha256);
      await rename(partOf(slot), fileOf(slot, 'model.onnx'));
      ports.at('model.downloaded');
      await replaceFile(fileOf(slot, 'manifest.json'), manifestBytes);
      await syncDirectory(ports.directory);
    },
    async load(slot) {
      const manifestBytes = await readIfThere(fileOf(slot, 'manifest.json'));
      if (manifestBytes === undefined) throw new ModelRefusal('stateRecovered', `version ${slot.version} is not whole`);
      const { files } = trusted(manifestBytes, slot);
      const model = await readIfThere(fileOf(slot, 'model.onnx'));
      if (model === undefined) throw new ModelRefusal('stateRecovered', `version ${slot.version} has no model`);
      requireDigest('model.onnx', createHash('sha256').update(model).digest('hex'), slot.sha256);
      const golden = await readGolden(fileOf(slot, 'golden.json'), files['golden.json']?.sha256);
      const opened = await openModel(ports, model);
      try {
        await selfTest(opened.session, opened.sizes, golden);
      } catch (cause) {
        await opened.session.close();
        throw cause;
      }
      return loadedPolicy(ports, slot, opened);
    },
    async keepOnly(slots) {
      const kept = new Set(slots.flatMap(({ sha256 }) => [sha256, `${sha256}.part`]));
      for (const name of await namesIn(ports.directory)) if (!kept.has(name)) await remove(name);
    },
  };
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
