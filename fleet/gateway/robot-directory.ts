import { readLog } from '../../store/append-log.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys, logKey, parseLogKey } from '../desk/keys.ts';
import { robotRecordSchema, type RobotRecord } from '../desk/robots.ts';

interface Known {
  readonly seq: number;
  readonly record: RobotRecord;
  readonly checkedMs: number;
}

/** Registered robots as the store has them now, at most `recheckMs` ago: one read for a robot that talks, none for others. */
export interface RobotDirectory {
  /** The robot's last record; undefined for a robot that was never added. Fails when the store does. */
  find(robotId: string): Promise<RobotRecord | undefined>;
  /** The store has something new of this robot: what was known is looked at again when it is asked for. */
  recheck(robotId: string): void;
}

export interface RobotDirectoryOptions {
  readonly store: ObjectStore;
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number;
  /** Rotated and revoked tokens take effect within this time. */
  readonly recheckMs: number;
  /** Robots remembered; the one asked longest ago is forgotten first. */
  readonly maxRobots: number;
  /** Ids of nobody that are remembered, apart from robots. */
  readonly maxUnknown: number;
  /** Unknown ids that are looked for in the store one by one, a second over time and at once; beyond it one listing answers all. */
  readonly lookupsPerSecond: number;
  readonly burstLookups: number;
}

/** A listing is made again after so many times as long as it took. */
const listingShare = 10;

/**
 * Strangers make up ids: those are remembered apart from robots, and looked for in the store one by one only as often as the
 * bound says. Beyond it the list of all robots answers for all of them at once, so that a flood of made-up ids neither costs
 * a read each, nor pushes robots out, nor keeps a robot away that is really registered.
 */
export function robotDirectory(options: RobotDirectoryOptions): RobotDirectory {
  const { store, monotonicMs, recheckMs, maxRobots, maxUnknown, lookupsPerSecond, burstLookups } = options;
  const known = new Map<string, Known>();
  const unknown = new Map<string, number>();
  const looking = new Map<string, Promise<RobotRecord | undefined>>();
  const registered = registeredRobots(options);
  let lookups = burstLookups;
  let refilledMs = monotonicMs();

  function mayLookUp(): boolean {
    const nowMs = monotonicMs();
    lookups = Math.min(burstLookups, lookups + ((nowMs - refilledMs) / 1_000) * lookupsPerSecond);
    refilledMs = nowMs;
    if (lookups < 1) return false;
    lookups -= 1;
    return true;
  }

  async function look(robotId: string): Promise<RobotRecord | undefined> {
    const checkedMs = monotonicMs();
    const log = fleetKeys.robotLog(robotId);
    const last = known.get(robotId) ?? (await readLog(store, log, robotRecordSchema)).at(-1);
    if (last === undefined) {
      remember(unknown, robotId, checkedMs, maxUnknown);
      return undefined;
    }
    let { seq, record } = last;
    for (;;) {
      const next = await readJson(store, logKey(log, seq + 1), robotRecordSchema);
      if (next === undefined) break;
      seq += 1;
      record = next;
    }
    unknown.delete(robotId);
    remember(known, robotId, { seq, record, checkedMs }, maxRobots);
    return record;
  }

  async function findUnknown(robotId: string): Promise<RobotRecord | undefined> {
    const missingSinceMs = unknown.get(robotId);
    if (missingSinceMs !== undefined && monotonicMs() - missingSinceMs < recheckMs) return undefined;
    if (mayLookUp() || (await registered.has(robotId))) return look(robotId);
    remember(unknown, robotId, monotonicMs(), maxUnknown);
    return undefined;
  }

  return {
    async find(robotId) {
      const found = known.get(robotId);
      if (found !== undefined && monotonicMs() - found.checkedMs < recheckMs) return found.record;
      const asked = looking.get(robotId);
      if (asked !== undefined) return asked;
      const running = (found === undefined ? findUnknown(robotId) : look(robotId)).finally(() =>
        looking.delete(robotId),
      );
      looking.set(robotId, running);
      return running;
    },
    recheck(robotId) {
      const found = known.get(robotId);
      if (found !== undefined) known.set(robotId, { ...found, checkedMs: Number.NEGATIVE_INFINITY });
      unknown.delete(robotId);
    },
  };
}

/** The ids of all registered robots by one listing, which is made again when somebody asks for an id that the last one lacks. */
function registeredRobots({ store, monotonicMs, recheckMs }: RobotDirectoryOptions) {
  let ids: ReadonlySet<string> = new Set();
  let nextMs = Number.NEGATIVE_INFINITY;
  let listing: Promise<void> | undefined;

  async function list(): Promise<void> {
    const startMs = monotonicMs();
    const found = new Set<string>();
    for await (const { key } of store.list(`${fleetKeys.robots}/`)) {
      const log = parseLogKey(key)?.log;
      if (log !== undefined) found.add(log.slice(fleetKeys.robots.length + 1));
    }
    ids = found;
    const endMs = monotonicMs();
    nextMs = endMs + Math.max(recheckMs, listingShare * (endMs - startMs));
  }

  return {
    async has(robotId: string): Promise<boolean> {
      if (ids.has(robotId)) return true;
      if (monotonicMs() < nextMs) return false;
      listing ??= list().finally(() => {
        listing = undefined;
      });
      await listing;
      return ids.has(robotId);
    },
  };
}

/** Sets as the newest; the oldest beyond the bound is forgotten. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.size > max ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
