import { RobotLives, type RobotLife } from '../../domain/trial/index.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { TelemetryEntry } from '../protocol/index.ts';
import { readTelemetryObject, telemetryKeys, type TelemetryBatch, type TelemetryLog } from './telemetry-log.ts';

const hourMs = 3_600_000;
/** The clocks of gateways, and of who reads what they wrote, agree within this. */
const clocksAgreeWithinMs = 5 * 60_000;
/** Objects taken at once, by whoever asks again when there are more; a gateway writes one a second, sooner when a mebibyte is full. */
const mostObjects = 2_000;
/** Of a digest: enough to tell the objects of an hour apart. */
const digestDigits = 16;

/** The hour that gateways may still write to, at the earliest; whatever lies in the hours before it is there to be read. */
export const openHourMs = (nowMs: number): number => Math.floor((nowMs - clocksAgreeWithinMs) / hourMs) * hourMs;

/** Where a cursor stands, as whoever has one keeps it. */
export interface CursorPosition {
  /** Start of the first hour that may still hold something new. */
  readonly scanFromMs: number;
  /** Objects since then that were taken, as `2026-11-22/07/<digest>`; a digest may be cut to its first 16 digits. */
  readonly consumed: readonly string[];
}

/**
 * Reads a policy's telemetry bit by bit, each entry once: by object, so that none is read again, and by robot, boot and sequence
 * number, because a robot that heard no answer sends again through whatever gateway. `next`, `take` what it gives, `advance`; the
 * position and the lives are kept together, or neither is.
 */
export class TelemetryCursor {
  /** What was taken of each life of each robot. */
  readonly lives: RobotLives;
  #scanFromMs: number;
  #consumed: readonly string[];

  constructor(
    { scanFromMs, consumed }: CursorPosition,
    lives: Iterable<readonly [string, RobotLife]> = [],
    onForgotten?: (robotId: string, life: RobotLife) => void,
  ) {
    this.#scanFromMs = scanFromMs;
    this.#consumed = consumed;
    this.lives = new RobotLives(lives, onForgotten);
  }

  get position(): CursorPosition {
    return { scanFromMs: this.#scanFromMs, consumed: this.#consumed };
  }

  /** Keys of objects that were not taken yet, by hour; `isBehind`: there are more than `most` of them. */
  async next(
    telemetry: Pick<TelemetryLog, 'keys'>,
    policy: string,
    nowMs: number,
    most = mostObjects,
  ): Promise<{ readonly keys: readonly string[]; readonly isBehind: boolean }> {
    const known = new Set(this.#consumed.map(shortened));
    const keys: string[] = [];
    for await (const key of telemetry.keys(policy, this.#scanFromMs, nowMs)) {
      if (known.has(shortened(nameOf(key)))) continue;
      if (keys.length >= most) return { keys, isBehind: true };
      keys.push(key);
    }
    return { keys, isBehind: false };
  }

  /** The entries of a batch that are new; they are taken from now on. */
  take(batch: TelemetryBatch): readonly TelemetryEntry[] {
    return newEntries(this.lives, batch);
  }

  /** After every batch of these objects was taken: goes on to the hour that is open, unless objects were left. */
  advance(keys: readonly string[], nowMs: number, isBehind: boolean): void {
    if (!isBehind) this.#scanFromMs = Math.max(this.#scanFromMs, openHourMs(nowMs));
    const all = [...this.#consumed, ...keys.map(nameOf)];
    this.#consumed = all.filter((name) => hourOf(name) >= this.#scanFromMs);
  }
}

/** The last three parts of a key: day, hour, digest. */
const nameOf = (key: string): string => key.split('/').slice(-3).join('/');

function shortened(name: string): string {
  const [day = '', hour = '', digest = ''] = name.split('/');
  return `${day}/${hour}/${digest.slice(0, digestDigits)}`;
}

function hourOf(name: string): number {
  const [day = '', hour = ''] = name.split('/');
  return Date.parse(`${day}T${hour}:00:00Z`);
}

/** Taken objects by hour, `2026-11-22T07`, as short as they may be. */
export function consumedByHour(consumed: readonly string[]): readonly (readonly [hour: string, digests: string[]])[] {
  const hours = new Map<string, string[]>();
  for (const name of consumed) {
    const [day = '', hour = '', digest = ''] = shortened(name).split('/');
    const at = `${day}T${hour}`;
    const digests = hours.get(at) ?? [];
    hours.set(at, digests);
    digests.push(digest);
  }
  return [...hours];
}

/** The entries of a batch that none of these lives told before; they are taken from now on. */
export function newEntries(lives: RobotLives, batch: TelemetryBatch): readonly TelemetryEntry[] {
  const { robotId, bootId, receivedMs } = batch;
  lives.hear(robotId, bootId, receivedMs);
  return batch.entries.filter(({ seq }) => lives.take(robotId, bootId, seq));
}

export interface StoredEntry {
  readonly robotId: string;
  readonly bootId: string;
  readonly receivedMs: number;
  /** The entry's moment by the gateway's clock. */
  readonly correctedAtMs: number;
  readonly entry: TelemetryEntry;
}

/**
 * Every entry that was received in `[startMs, endMs)`, once each, by hours of their receipt and in no order within one. Memory grows
 * with robots, not with entries.
 */
export async function* readTelemetry(
  store: ObjectStore,
  policy: string,
  startMs: number,
  endMs: number,
  onDamage?: OnDamage,
): AsyncGenerator<StoredEntry> {
  const lives = new RobotLives();
  for await (const key of telemetryKeys(store, policy, startMs, endMs))
    for (const batch of await readTelemetryObject(store, key, onDamage)) {
      const { robotId, bootId, receivedMs, clockSkewMs } = batch;
      if (receivedMs < startMs || receivedMs >= endMs) continue;
      for (const entry of newEntries(lives, batch))
        yield { robotId, bootId, receivedMs, correctedAtMs: entry.atMs - clockSkewMs, entry };
    }
}
