import type { z } from 'zod';

import { failure } from '../../activities/failures.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { RobotLives } from '../../domain/trial/index.ts';
import { instantMsSchema, robotIdSchema, telemetryRequestSchema, type TelemetryEntry } from '../protocol/index.ts';
import { fleetKeys, telemetryHour } from './keys.ts';

/** One line of a telemetry object (`application/x-ndjson`): a batch as a robot sent it. */
export const telemetryLineSchema = telemetryRequestSchema.safeExtend({
  robotId: robotIdSchema,
  receivedMs: instantMsSchema,
});
export type TelemetryLine = z.infer<typeof telemetryLineSchema>;

export interface StoredEntry {
  readonly robotId: string;
  readonly bootId: string;
  readonly receivedMs: number;
  /** The entry's moment by the gateway's clock. */
  readonly correctedAtMs: number;
  readonly entry: TelemetryEntry;
}

const hourMs = 3_600_000;
/** A batch lies under the hour in which it was written, at most this much after it was received. */
const writtenWithinMs = 60_000;

/** Hours of later years are not written with four digits, and would not sort. */
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Keys of the telemetry objects that may hold batches received in `[startMs, endMs)`, hour by hour. One listing of what is there:
 * hours without telemetry cost nothing, be they all since 1970.
 */
export async function* telemetryKeys(
  store: ObjectStore,
  policy: string,
  startMs: number,
  endMs: number,
): AsyncGenerator<string> {
  const lastMs = Math.min(Math.ceil(endMs + writtenWithinMs) - 1, latestMs);
  if (lastMs < startMs - (startMs % hourMs)) return;
  const first = fleetKeys.telemetryHour(policy, telemetryHour(startMs));
  const last = fleetKeys.telemetryHour(policy, telemetryHour(lastMs));
  for await (const { key } of store.list(sharedFolder(`${first}/`, `${last}/`), { after: first })) {
    if (key.slice(0, last.length) > last) return;
    // Only folders of hours hold telemetry.
    if (key[last.length] === '/') yield key;
  }
}

/** The folder below which both lie: `a/b/` of `a/b/c/` and `a/b/d/`. */
function sharedFolder(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, one.lastIndexOf('/', length - 1) + 1);
}

/** The batches of one telemetry object; `CorruptData` when it is not what a gateway wrote. */
export async function readTelemetryObject(store: ObjectStore, key: string): Promise<readonly TelemetryLine[]> {
  const bytes = await store.get(key);
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n');
  return lines.filter((line) => line !== '').map((line) => parseLine(line, key));
}

function parseLine(line: string, key: string): TelemetryLine {
  try {
    return telemetryLineSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw failure('CorruptData', 'expected a line of telemetry, got other text', { cause, coordinates: { key } });
  }
}

/** Drops what was seen before: an entry is told by (robot, boot, seq), through whatever gateway it came. */
export class TelemetryDedupe {
  readonly #lives = new RobotLives();

  /** The entries of the batch that are new; they are known from now on. */
  take(line: TelemetryLine): readonly StoredEntry[] {
    const { robotId, bootId, receivedMs, clockSkewMs } = line;
    this.#lives.hear(robotId, bootId, receivedMs);
    return line.entries
      .filter(({ seq }) => this.#lives.take(robotId, bootId, seq))
      .map((entry) => ({ robotId, bootId, receivedMs, correctedAtMs: entry.atMs - clockSkewMs, entry }));
  }
}

/**
 * Every entry that was received in `[startMs, endMs)`, once each, by hours of their receipt and in no order within one. Memory grows with robots,
 * not with entries.
 */
export async function* readTelemetry(
  store: ObjectStore,
  policy: string,
  startMs: number,
  endMs: number,
): AsyncGenerator<StoredEntry> {
  const dedupe = new TelemetryDedupe();
  for await (const key of telemetryKeys(store, policy, startMs, endMs))
    for (const line of await readTelemetryObject(store, key))
      if (line.receivedMs >= startMs && line.receivedMs < endMs) yield* dedupe.take(line);
}
