import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import { fileSha256 } from '../../../datasets/landing.ts';
import { partSizeOf, partsOf, wireLimits, type WireErrorType } from '../../protocol/index.ts';
import { GatewayError, type GatewayClient } from '../gateway-client.ts';
import { nextClip, type ShelvedClip } from '../images/clip-shelf.ts';
import type { EpisodeImages } from '../images/episode-images.ts';
import type { ImageDropReason } from '../images/image-drops.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { MonotonicClock } from '../local/times.ts';
import { openClipBudget, type ClipBudget } from './clip-budget.ts';

interface ClipUploadPorts {
  readonly gateway: Pick<GatewayClient, 'clip' | 'clipPart' | 'completeClip'>;
  readonly images: Pick<EpisodeImages, 'shelf' | 'drop' | 'uploaded'>;
  /** Segments wait: they go first. */
  readonly hasSegments: () => boolean;
  readonly budget: ClipBudget;
  /** Part of the time in which clips may use the line, in (0, 1]. */
  readonly lineFraction: number;
  readonly monotonic: MonotonicClock;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** Brings clips to the gateway, part by part, when nothing of more worth waits. */
export interface ClipUpload {
  /** One request at most or few; returns when to come again, ms. */
  readonly step: () => Promise<number>;
  /** Name of the clip whose upload has begun. */
  readonly uploading: () => string | undefined;
}

const untilRung = 3_600_000;
const segmentsFirstMs = 1_000;
/** A gateway of before clips may be replaced at any time. */
const noClipsMs = 10 * 60_000;
/** A day that ends may be looked for earlier. */
const longestWaitMs = 10 * 60_000;
/** A clip whose bytes are right here and wrong there so often is given up. */
const mostMismatches = 3;

/** What sending again cannot mend. */
const finalTypes: readonly (WireErrorType | undefined)[] = ['malformed', 'tooLarge', 'mediaRefused'];

export interface OpenClipUploadPorts extends Omit<
  ClipUploadPorts,
  'images' | 'hasSegments' | 'budget' | 'lineFraction'
> {
  readonly recording: { readonly images: ClipUploadPorts['images']; readonly shelf: { all(): readonly unknown[] } };
  /** Keeps what was sent today. */
  readonly budgetFile: string;
  readonly limits: { readonly clipBytesPerDay: number; readonly clipLineFraction: number };
  /** By the gateway's clock. */
  readonly nowMs: () => number;
}

/** Reads what a dead process had sent today. */
export async function openClipUpload(ports: OpenClipUploadPorts): Promise<ClipUpload> {
  const { recording, limits } = ports;
  const upload = new PartByPart({
    ...ports,
    images: recording.images,
    hasSegments: () => recording.shelf.all().length > 0,
    budget: await openClipBudget(ports.budgetFile, limits.clipBytesPerDay, ports.nowMs),
    lineFraction: limits.clipLineFraction,
  });
  return { step: () => upload.step(), uploading: () => upload.uploading };
}

class PartByPart {
  readonly #ports: ClipUploadPorts;
  #clip: ShelvedClip | undefined;
  /** Parts that gateways have; undefined: they are to be asked. */
  #received: Set<number> | undefined;
  #mismatches = 0;
  /** Nothing is sent before this moment, whoever rings. */
  #pausedUntilMs = 0;
  #isUnknownTold = false;
  /** Today's budget has no room for the next part of the clip under way; a smaller one of more worth may still go. */
  #isOverBudget = false;

  constructor(ports: ClipUploadPorts) {
    this.#ports = ports;
  }

  get uploading(): string | undefined {
    return this.#clip?.name;
  }

  async step(): Promise<number> {
    const { monotonic, hasSegments } = this.#ports;
    const pauseMs = this.#pausedUntilMs - monotonic();
    if (pauseMs > 0) return pauseMs;
    const clip = this.#chosen();
    if (clip === undefined) return untilRung;
    if (hasSegments()) return segmentsFirstMs;
    try {
      const waitMs = await this.#send(clip);
      // The day may end at any ring; looking costs nothing.
      return this.#isOverBudget ? waitMs : this.#pause(waitMs);
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      return this.#pause(await this.#refused(clip, cause));
    }
  }

  #pause(waitMs: number): number {
    this.#pausedUntilMs = this.#ports.monotonic() + waitMs;
    return waitMs;
  }

  /** The one that is under way, as long as it is there; else the one of most worth. */
  #chosen(): ShelvedClip | undefined {
    const clips = this.#ports.images.shelf.all();
    const current = clips.find(({ name }) => name === this.#clip?.name);
    const next = nextClip(clips);
    const mayOvertake = this.#isOverBudget && next !== undefined && next.worth !== current?.worth;
    if (current !== undefined && !mayOvertake) return current;
    this.#clip = next;
    this.#isOverBudget = false;
    this.#received = undefined;
    this.#mismatches = 0;
    return this.#clip;
  }

  async #send(clip: ShelvedClip): Promise<number> {
    const { gateway } = this.#ports;
    const parts = partsOf(clip.sizeBytes);
    if (this.#received === undefined) {
      const { body } = await gateway.clip(clip.sha256);
      const isWhole = body.outcome === 'stored';
      this.#received = new Set(isWhole ? Array.from({ length: parts }, (_, part) => part) : body.received);
      return 0;
    }
    for (let part = 0; part < parts; part++) if (!this.#received.has(part)) return this.#sendPart(clip, part);
    return this.#complete(clip, parts);
  }

  async #sendPart(clip: ShelvedClip, part: number): Promise<number> {
    const { gateway, images, budget, lineFraction, monotonic, at } = this.#ports;
    const waitMs = await budget.take(partSizeOf(clip.sizeBytes, part));
    this.#isOverBudget = waitMs > 0;
    if (this.#isOverBudget) return Math.min(waitMs, longestWaitMs);
    const bytes = await partOf(images.shelf.pathOf(clip), clip.sizeBytes, part);
    if (bytes === undefined) return this.#giveUp(clip, 'damaged', 'it is shorter than it was');
    const startedMs = monotonic();
    await gateway.clipPart({ ...clip, part, partSha256: createHash('sha256').update(bytes).digest('hex') }, bytes);
    at('clipPart.answered');
    this.#received?.add(part);
    return (monotonic() - startedMs) * (1 / lineFraction - 1);
  }

  async #complete(clip: ShelvedClip, parts: number): Promise<number> {
    const { gateway, images, at } = this.#ports;
    const { sha256, sizeBytes, camera, episodeId, startedAtUs } = clip;
    await gateway.completeClip(sha256, { sizeBytes, parts, camera, episodeId, startedAtUs });
    at('clip.answered');
    await images.uploaded(clip);
    at('clip.removed');
    return 0;
  }

  async #refused(clip: ShelvedClip, cause: GatewayError): Promise<number> {
    if (finalTypes.includes(cause.type)) return this.#giveUp(clip, 'refused', cause.message);
    if (cause.type === 'mediaMismatch' || cause.type === 'mediaIncomplete' || cause.type === 'wrongDigest') {
      this.#received = undefined;
      this.#mismatches += 1;
      const { shelf } = this.#ports.images;
      const isSound = (await fileSha256(shelf.pathOf(clip)).catch(() => '')) === clip.sha256;
      if (!isSound) return this.#giveUp(clip, 'damaged', 'it is damaged on this disk');
      if (this.#mismatches >= mostMismatches) return this.#giveUp(clip, 'refused', cause.message);
    }
    if (cause.status === 404) return this.#waitForClips();
    if ((cause.status === 429 || cause.status === 503) && cause.retryAfterMs !== undefined) {
      this.#ports.log(`clips wait ${Math.ceil(cause.retryAfterMs / 1000)} s: ${cause.message}`);
      return cause.retryAfterMs;
    }
    throw cause;
  }

  #waitForClips(): number {
    if (!this.#isUnknownTold) this.#ports.log('clips wait: the gateway knows none yet');
    this.#isUnknownTold = true;
    this.#received = undefined;
    return noClipsMs;
  }

  async #giveUp(clip: ShelvedClip, reason: ImageDropReason, why: string): Promise<number> {
    this.#ports.log(`a clip is given up, and its images are counted as dropped: ${why} [clip=${clip.name}]`);
    await this.#ports.images.drop(reason, [clip]);
    return 0;
  }
}

/** The bytes of a part; undefined where the file has fewer. */
async function partOf(file: string, sizeBytes: number, part: number): Promise<Buffer | undefined> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const size = partSizeOf(sizeBytes, part);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, part * wireLimits.partBytes);
    return bytesRead === size ? buffer : undefined;
  } finally {
    await handle.close();
  }
}
