import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { readJson, replaceJson } from '../local/durable-files.ts';
import { EndlessAnswer, etagIn, GatewayError, type Answered, type GatewayClient } from '../gateway-client.ts';
import type { GatewayAdditions } from './gateway-additions.ts';
import type { InstallReports } from '../versions/install-reports.ts';
import type { AtPoint } from '../local/kill-points.ts';
import { updateWindowIn, wireHeaders, type TelemetryRequest, type WireErrorType } from '../../protocol/index.ts';
import type { Recording } from '../recording/recording.ts';
import type { ShelvedSegment } from '../recording/segment-shelf.ts';
import { mostEntries as mostEntriesOfBatch } from '../recording/telemetry-queue.ts';
import type { TrustedOrders } from '../trust/trusted-orders.ts';
import type { VersionKeeper } from '../versions/version-keeper.ts';

export interface ExchangePorts {
  readonly gateway: GatewayClient;
  readonly recording: Pick<Recording, 'shelf' | 'telemetry' | 'giveUp'>;
  readonly reports: InstallReports;
  readonly additions: GatewayAdditions;
  readonly keeper: Pick<VersionKeeper, 'order' | 'leaseRenewed' | 'windowTold'>;
  /** Says what of an answer is to be obeyed. */
  readonly orders: Pick<TrustedOrders, 'take' | 'isSigned' | 'endless'>;
  /** Names the segment whose upload has begun: the gateway may have it. */
  readonly uploadingFile: string;
  /** Hears of what no gateway takes. */
  readonly setAside: (why: string, what: unknown) => void;
  /** A gateway has answered a request that only this robot can make. */
  readonly contactMade: (answer: Answered<unknown>) => void;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** What a robot brings to the gateway and fetches from it; each call is one step of a loop and returns when to come again, ms. */
export interface Exchange {
  readonly upload: () => Promise<number>;
  readonly sendTelemetry: () => Promise<number>;
  readonly sendReport: () => Promise<number>;
  readonly askForOrder: (waitMs: number) => Promise<number>;
  /** Whether the gateway may already have a segment although it waits here. */
  readonly mayBeUploaded: (name: string) => boolean;
}

const untilRung = 3_600_000;
const mostEarlyMs = 1_000;

/** What sending again cannot mend: the gateway does not take these bytes. */
const finalRefusals: readonly (number | undefined)[] = [400, 413];

/** The answer, or why the gateway never takes what was sent. Only a refusal in the words of the protocol is one. */
async function answerOrRefusal<T>(send: () => Promise<T>): Promise<T | string> {
  try {
    return await send();
  } catch (cause) {
    if (cause instanceof GatewayError && cause.type !== undefined && finalTypes.includes(cause.type))
      return cause.message;
    throw cause;
  }
}

/** How many entries of a batch a gateway refused for good while it took the others. */
function refusedEntries(headers: Headers): number {
  const count = Number(headers.get('flywheel-refused-entries') ?? 0);
  return Number.isInteger(count) && count > 0 ? count : 0;
}

const hasParts = (entry: TelemetryRequest['entries'][number]): boolean =>
  'latencyParts' in entry && entry.latencyParts !== undefined;

const finalTypes: readonly WireErrorType[] = ['malformed', 'tooLarge'];

/** Reads what a dead process had begun to upload. */
export async function createExchange(ports: ExchangePorts): Promise<Exchange> {
  const exchange = new GatewayExchange(ports, await readJson(ports.uploadingFile, z.string()));
  return {
    upload: () => exchange.upload(),
    sendTelemetry: () => exchange.sendTelemetry(),
    sendReport: () => exchange.sendReport(),
    askForOrder: (waitMs) => exchange.askForOrder(waitMs),
    mayBeUploaded: (name) => exchange.mayBeUploaded(name),
  };
}

class GatewayExchange implements Exchange {
  readonly #ports: ExchangePorts;
  #uploading: string | undefined;
  #etag: string | undefined;
  #mostEntries = mostEntriesOfBatch;

  constructor(ports: ExchangePorts, uploading: string | undefined) {
    this.#ports = ports;
    this.#uploading = uploading;
  }

  mayBeUploaded(name: string): boolean {
    return name === this.#uploading;
  }

  async upload(): Promise<number> {
    const segments = this.#ports.recording.shelf.all();
    const segment = segments.find(({ name }) => name === this.#uploading) ?? segments[0];
    if (segment === undefined) return untilRung;
    await this.#put(segment);
    return 0;
  }

  async #put(segment: ShelvedSegment): Promise<void> {
    const { gateway, recording, uploadingFile, at } = this.#ports;
    if (this.#uploading !== segment.name) {
      this.#uploading = segment.name;
      await replaceJson(uploadingFile, segment.name);
    }
    const bytes = await readFile(recording.shelf.pathOf(segment));
    if (createHash('sha256').update(bytes).digest('hex') !== segment.sha256)
      return this.#giveUp(segment, 'it is damaged on this disk');
    try {
      await gateway.segment(segment.sha256, bytes);
    } catch (cause) {
      if (!(cause instanceof GatewayError) || !finalRefusals.includes(cause.status)) throw cause;
      return this.#giveUp(segment, cause.message);
    }
    at('upload.answered');
    await recording.shelf.remove(segment);
    at('segment.removed');
  }

  async #giveUp(segment: ShelvedSegment, why: string): Promise<void> {
    this.#ports.log(`a segment is given up, and counted as dropped: ${why} [segment=${segment.name}]`);
    await this.#ports.recording.giveUp([segment]);
  }

  async sendTelemetry(): Promise<number> {
    const { gateway, recording, additions, at, log } = this.#ports;
    const tellsParts = additions.knows('latencyParts');
    const batch = recording.telemetry.next(this.#mostEntries, tellsParts);
    if (batch === undefined) return untilRung;
    const answer = await answerOrRefusal(() => gateway.telemetry(batch, recording.telemetry.policyOf(batch)));
    if (typeof answer !== 'string') additions.heard(answer.headers);
    // Another gateway took it, of before: what it refused of the batch is sent again in its form; what it took counts once.
    if (batch.entries.some(hasParts) && (typeof answer === 'string' || !additions.knows('latencyParts'))) {
      additions.refused();
      return 0;
    }
    if (typeof answer === 'string') return this.#narrow(batch, answer);
    this.#mostEntries = Math.min(2 * this.#mostEntries, mostEntriesOfBatch);
    const lastSeq = batch.entries.at(-1)?.seq;
    const refused = refusedEntries(answer.headers);
    if (refused > 0) log(`the gateway refused ${refused} of ${batch.entries.length} entries of telemetry`);
    else if (answer.body.lastSeq !== lastSeq)
      throw new GatewayError(`expected entries up to ${lastSeq} to be stored, got ${answer.body.lastSeq}`, {});
    at('telemetry.answered');
    await recording.telemetry.acknowledge(batch);
    return 0;
  }

  /** One bad entry must not keep the others back: the batch is halved until it stands alone. */
  async #narrow(batch: TelemetryRequest, why: string): Promise<number> {
    this.#mostEntries = Math.max(1, batch.entries.length >> 1);
    if (batch.entries.length === 1) await this.#ports.recording.telemetry.giveUp(batch, why);
    return 0;
  }

  async sendReport(): Promise<number> {
    const { gateway, reports, setAside, at } = this.#ports;
    const report = reports.next();
    if (report === undefined) return untilRung;
    const answer = await answerOrRefusal(() => gateway.installReport(reports.dated(report), report.policy));
    if (typeof answer === 'string') setAside(answer, report);
    at('report.answered');
    await reports.acknowledge(report);
    return 0;
  }

  async askForOrder(waitMs: number): Promise<number> {
    const { gateway, orders, contactMade } = this.#ports;
    try {
      const answer = await gateway.desired(this.#etag, waitMs, orders.isSigned());
      contactMade(answer);
      return await this.#obey(answer, waitMs);
    } catch (cause) {
      // A policy without a champion: nothing to run yet, and nothing wrong.
      if (cause instanceof GatewayError && cause.status === 404) return waitMs;
      if (cause instanceof EndlessAnswer) await orders.endless(cause.message);
      throw cause;
    }
  }

  async #obey(answer: Awaited<ReturnType<GatewayClient['desired']>>, waitMs: number): Promise<number> {
    const { keeper, orders } = this.#ports;
    const taken = await orders.take(answer);
    await keeper.windowTold(updateWindowIn(answer.headers.get(wireHeaders.updateWindow)));
    // Whoever answers a long poll at once, and with nothing, is not asked faster for it.
    const early = Math.max(0, Math.min(waitMs, mostEarlyMs) - (answer.receivedMs - answer.sentMs));
    switch (taken.kind) {
      case 'obey':
        await keeper.order(taken.order, taken.leaseMs);
        this.#etag = etagIn(answer.headers);
        return this.#etag === undefined ? waitMs : 0;
      case 'renewed':
        if (taken.leaseMs !== undefined) await keeper.leaseRenewed(taken.leaseMs);
        return early;
      case 'askAgain':
        if (this.#etag === undefined) return Math.min(waitMs, mostEarlyMs);
        this.#etag = undefined;
        return 0;
      case 'nothing':
        return Math.min(waitMs, Math.max(taken.pauseMs, early));
      default:
        return taken satisfies never;
    }
  }
}
