import type { z } from 'zod';

import type { OnDamage } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { instantMsSchema, robotIdSchema, telemetryRequestSchema } from '../protocol/index.ts';
import { fleetKeys, telemetryHour } from './keys.ts';

/** One line of a telemetry object (`application/x-ndjson`): a batch as a robot sent it. */
export const telemetryLineSchema = telemetryRequestSchema.safeExtend({
  robotId: robotIdSchema,
  receivedMs: instantMsSchema,
});
export type TelemetryBatch = z.infer<typeof telemetryLineSchema>;

/** Telemetry as gateways stored it, in objects by the hour of receipt. */
export interface TelemetryLog {
  /** Keys of the objects that may hold batches received in `[startMs, endMs)`, hour by hour. */
  keys(policy: string, startMs: number, endMs: number): AsyncIterable<string>;
  /** The batches that can be read; `onDamage` is told of an object, or a line of it, that cannot. */
  read(key: string, onDamage: OnDamage): Promise<readonly TelemetryBatch[]>;
}

export const openTelemetryLog = (store: ObjectStore): TelemetryLog => ({
  keys: (policy, startMs, endMs) => telemetryKeys(store, policy, startMs, endMs),
  read: (key, onDamage) => readTelemetryObject(store, key, onDamage),
});

const hourMs = 3_600_000;
/** A batch lies under the hour in which its gateway wrote it, at most this much after that received it. */
const committedWithinMs = 60_000;

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
  const lastMs = Math.min(Math.ceil(endMs + committedWithinMs) - 1, latestMs);
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

/**
 * The batches of one telemetry object. A line that is not what a gateway wrote is passed over with a word to `onDamage`, the others
 * count: without `onDamage` it is `CorruptData`.
 */
export async function readTelemetryObject(
  store: ObjectStore,
  key: string,
  onDamage?: OnDamage,
): Promise<readonly TelemetryBatch[]> {
  const bytes = await store.get(key);
  const lines: TelemetryBatch[] = [];
  let damaged = 0;
  for (const line of new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n')) {
    if (line === '') continue;
    const parsed = parseLine(line);
    if ('line' in parsed) lines.push(parsed.line);
    else if (onDamage === undefined)
      throw failure('CorruptData', notALine, { cause: parsed.cause, coordinates: { key } });
    else damaged += 1;
  }
  if (damaged > 0) onDamage?.({ key, why: `${notALine}: ${damaged} lines` });
  return lines;
}

const notALine = 'expected a line of telemetry, got other text';

function parseLine(text: string): { readonly line: TelemetryBatch } | { readonly cause: unknown } {
  try {
    return { line: telemetryLineSchema.parse(JSON.parse(text)) };
  } catch (cause) {
    return { cause };
  }
}
