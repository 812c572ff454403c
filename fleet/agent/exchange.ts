import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { GatewayError, leaseRemainingMs, type Answered, type GatewayClient } from './gateway-client.ts';
import type { InstallReports } from './install-reports.ts';
import type { AtPoint } from './kill-points.ts';
import type { SegmentShelf, ShelvedSegment } from './segment-shelf.ts';
import type { Steward } from './steward.ts';
import type { TelemetryQueue } from './telemetry-queue.ts';

export interface ExchangePorts {
  readonly gateway: GatewayClient;
  readonly shelf: SegmentShelf;
  readonly telemetry: TelemetryQueue;
  readonly reports: InstallReports;
  readonly steward: Steward;
  readonly skewMs: () => number;
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

export function createExchange(ports: ExchangePorts): Exchange {
  const { gateway, shelf, telemetry, reports, steward, at } = ports;
  const begun = new Set<string>();
  let etag: string | undefined;

  async function put(segment: ShelvedSegment): Promise<void> {
    const bytes = await readFile(shelf.pathOf(segment));
    if (createHash('sha256').update(bytes).digest('hex') !== segment.sha256)
      ports.log(`a segment is damaged on this disk and will be refused [segment=${segment.name}]`);
    begun.add(segment.name);
    await gateway.segment(segment.sha256, bytes);
  }

  return {
    mayBeUploaded: (name) => begun.has(name),
    async upload() {
      const [segment] = shelf.all();
      if (segment === undefined) return untilRung;
      await put(segment);
      at('upload.answered');
      await shelf.remove(segment);
      at('segment.removed');
      begun.delete(segment.name);
      return 0;
    },
    async sendTelemetry() {
      const batch = telemetry.next(ports.skewMs());
      if (batch === undefined) return untilRung;
      const { body } = await gateway.telemetry(batch);
      const lastSeq = batch.entries.at(-1)?.seq;
      if (body.lastSeq !== lastSeq)
        throw new GatewayError(`expected entries up to ${lastSeq} to be stored, got ${body.lastSeq}`, {});
      at('telemetry.answered');
      await telemetry.acknowledge(batch);
      return 0;
    },
    async sendReport() {
      const report = reports.next();
      if (report === undefined) return untilRung;
      await gateway.installReport(report);
      at('report.answered');
      await reports.acknowledge(report);
      return 0;
    },
    async askForOrder(waitMs) {
      try {
        const answer = await gateway.desired(etag, waitMs);
        ports.contactMade(answer);
        const remainingMs = leaseRemainingMs(answer.headers);
        if (answer.body !== undefined) {
          await steward.order(answer.body);
          etag = answer.headers.get('etag') ?? undefined;
        }
        if (remainingMs !== undefined) await steward.leaseRenewed(remainingMs);
        return etag === undefined ? waitMs : 0;
      } catch (cause) {
        // A policy without a champion: nothing to run yet, and nothing wrong.
        if (cause instanceof GatewayError && cause.status === 404) return waitMs;
        throw cause;
      }
    },
  };
}
