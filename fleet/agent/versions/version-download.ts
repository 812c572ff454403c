import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';

import { fileSha256 } from '../../../datasets/landing.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { etagOf, wireLimits, type ModelFile } from '../../protocol/index.ts';
import { bodiesFile, mostBodiesFileBytes } from '../../../policies/version-bodies.ts';
import { tasksFile } from '../../../policies/version-tasks.ts';
import { GatewayError, type GatewayClient } from '../gateway-client.ts';
import { readIfThere, removeFile, replaceFile, sizeOf, syncDirectory } from '../local/durable-files.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { MonotonicClock } from '../local/times.ts';
import type { ManifestTrust } from '../trust/trusted-orders.ts';
import { DownloadError, piecesOf, type DownloadLimits } from './download.ts';
import type { Slot } from './installation.ts';
import { requireDigest, type ModelFiles, type SideFile } from './model-files.ts';
import { ModelRefusal } from './model-refusal.ts';
import { trustedManifest } from './trusted-manifest.ts';
import { digestOf, requireBody } from './version-files.ts';

export interface VersionDownloadPorts {
  readonly robotType: RobotType;
  readonly gateway: Pick<GatewayClient, 'model'>;
  /** Which keys may sign manifests, as of now. */
  readonly trust: () => ManifestTrust;
  readonly download: DownloadLimits;
  readonly monotonic: MonotonicClock;
  readonly at: AtPoint;
}

interface SignedFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

type Resume = { readonly startBytes: number; readonly etag: string } | undefined;

/** A signed manifest holds names, digests, metrics and gates: far below this. */
const mostManifestBytes = 8 * 1024 * 1024;
/** 1,024 ids of 63 characters. */
const mostTasksBytes = 128 * 1024;

/** One version on its way from the gateway to the disk. `ModelRefusal`, `GatewayError` or the signal's reason when it does not come. */
export class VersionDownload {
  readonly #ports: VersionDownloadPorts;
  readonly #files: ModelFiles;
  readonly #slot: Slot;
  readonly #signal: AbortSignal;

  constructor(ports: VersionDownloadPorts, files: ModelFiles, slot: Slot, signal: AbortSignal) {
    this.#ports = ports;
    this.#files = files;
    this.#slot = slot;
    this.#signal = signal;
  }

  /** A manifest that does not count any more, because its key was revoked, may have been signed anew. */
  async renewManifest(): Promise<void> {
    const file = path.join(await this.#files.home(this.#slot), 'manifest.json');
    const known = await readIfThere(file);
    try {
      if (known !== undefined) this.#trusted(known);
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      const bytes = await this.#small('manifest.json', mostManifestBytes);
      this.#trusted(bytes);
      await replaceFile(file, bytes);
    }
  }

  /** Everything, the manifest last: a folder with a manifest is complete. Goes on where an earlier download stopped. */
  async whole(): Promise<void> {
    this.#signal.throwIfAborted();
    const manifestBytes = await this.#small('manifest.json', mostManifestBytes);
    const manifest = this.#trusted(manifestBytes);
    const { files } = manifest;
    const bodies = await this.#newer(bodiesFile, files[bodiesFile], mostBodiesFileBytes);
    requireBody(manifest, bodies, this.#ports.robotType);
    const home = await this.#files.home(this.#slot);
    await mkdir(home, { recursive: true });
    const golden = files['golden.json'];
    if (golden !== undefined) await this.#golden(home, golden);
    await keep(path.join(home, bodiesFile), bodies);
    await keep(path.join(home, tasksFile), await this.#newer(tasksFile, files[tasksFile], mostTasksBytes));
    await this.#model(files['model.onnx']?.sizeBytes ?? 0);
    await replaceFile(path.join(home, 'manifest.json'), manifestBytes);
    await syncDirectory(this.#files.folder(this.#slot));
    await syncDirectory(this.#files.directory);
  }

  #trusted(bytes: Uint8Array): ReturnType<typeof trustedManifest> {
    return trustedManifest(bytes, this.#ports.trust(), this.#slot);
  }

  async #golden(home: string, { sizeBytes, sha256 }: SignedFile): Promise<void> {
    const bytes = await this.#small('golden.json', Math.min(sizeBytes, wireLimits.maxSegmentBytes));
    requireDigest('golden.json', digestOf(bytes), sha256);
    await replaceFile(path.join(home, 'golden.json'), bytes);
  }

  /** A file that gateways of before do not know; undefined where it does not come. */
  async #newer(name: SideFile, file: SignedFile | undefined, mostBytes: number): Promise<Buffer | undefined> {
    if (file === undefined) return undefined;
    let bytes: Buffer;
    try {
      bytes = await this.#small(name, Math.min(file.sizeBytes, mostBytes));
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 400) return undefined;
      throw cause;
    }
    requireDigest(name, digestOf(bytes), file.sha256);
    return bytes;
  }

  async #model(sizeBytes: number): Promise<void> {
    const model = this.#files.model(this.#slot);
    // Another version has the same model.
    if ((await sizeOf(model)) === sizeBytes && (await fileSha256(model)) === this.#slot.sha256) return;
    const part = this.#files.part(this.#slot);
    await this.#fillPart(part, sizeBytes);
    const sha256 = await fileSha256(part);
    if (sha256 !== this.#slot.sha256) await removeFile(part);
    requireDigest('model.onnx', sha256, this.#slot.sha256);
    await rename(part, model);
    this.#ports.at('model.downloaded');
  }

  /** Leaves the whole file, right or wrong, in the part file. */
  async #fillPart(part: string, sizeBytes: number): Promise<void> {
    const { version, sha256 } = this.#slot;
    const haveBytes = await sizeOf(part);
    if (haveBytes === sizeBytes) return;
    const startBytes = haveBytes < sizeBytes ? haveBytes : 0;
    const resume = startBytes > 0 ? { startBytes, etag: etagOf(sha256) } : undefined;
    const { status, body } = await this.#requestRest(part, resume);
    const handle = await open(part, status === 206 ? 'a' : 'w');
    try {
      let writtenBytes = status === 206 ? startBytes : 0;
      for await (const chunk of this.#pieces('model.onnx', body)) {
        writtenBytes += chunk.length;
        if (writtenBytes > sizeBytes)
          throw new ModelRefusal('wrongDigest', `expected ${sizeBytes} bytes, got more [version=${version}]`);
        await handle.write(chunk);
        this.#ports.at('model.partial');
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const gotBytes = await sizeOf(part);
    if (gotBytes < sizeBytes)
      throw new DownloadError(`the download of ${version} broke off: expected ${sizeBytes} bytes, got ${gotBytes}`, {});
  }

  /** A gateway that has fewer bytes than we already have is asked for all of them next time. */
  async #requestRest(part: string, resume: Resume) {
    try {
      return await this.#request('model.onnx', resume);
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 416) await removeFile(part);
      throw cause;
    }
  }

  async #small(name: ModelFile, maxBytes: number): Promise<Buffer> {
    const { body } = await this.#request(name, undefined);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.#pieces(name, body)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes)
        throw new ModelRefusal('wrongDigest', `expected a ${name} of at most ${maxBytes} bytes, got more`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async #request(name: ModelFile, resume: Resume) {
    const { policy, version } = this.#slot;
    try {
      return await this.#ports.gateway.model({ policy, version, name }, resume, this.#signal);
    } catch (cause) {
      if (cause instanceof GatewayError && cause.status === 404)
        throw new ModelRefusal('downloadFailed', `the gateway has no ${name} of ${version}`, cause);
      throw cause;
    }
  }

  #pieces(name: ModelFile, body: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
    const { download: limits, monotonic } = this.#ports;
    return piecesOf(body, `${name} of ${this.#slot.version}`, { limits, monotonic, signal: this.#signal });
  }
}

const keep = (file: string, bytes: Buffer | undefined): Promise<void> =>
  bytes === undefined ? removeFile(file) : replaceFile(file, bytes);
