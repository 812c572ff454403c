import { readLog } from '../../activities/append-log.ts';
import { readJson } from '../../activities/json-objects.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { fleetKeys, logKey } from '../desk/keys.ts';
import { robotRecordSchema, type RobotRecord } from '../desk/robots.ts';

interface Known {
  readonly seq: number;
  readonly record: RobotRecord | undefined;
  readonly checkedMs: number;
}

/** Registered robots as the store has them now, at most `recheckMs` ago: one read for a robot that talks, none for others. */
export interface RobotDirectory {
  /** The robot's last record; undefined for a robot that was never added. Fails when the store does. */
  find(robotId: string): Promise<RobotRecord | undefined>;
}

export interface RobotDirectoryOptions {
  readonly store: ObjectStore;
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number;
  /** Rotated and revoked tokens take effect within this time. */
  readonly recheckMs: number;
  /** Robots remembered; the one asked longest ago is forgotten first. */
  readonly maxRobots: number;
}

export function robotDirectory(options: RobotDirectoryOptions): RobotDirectory {
  const { store, monotonicMs, recheckMs, maxRobots } = options;
  const known = new Map<string, Known>();
  const looking = new Map<string, Promise<Known>>();

  async function look(robotId: string): Promise<Known> {
    const checkedMs = monotonicMs();
    const log = fleetKeys.robotLog(robotId);
    const last = known.get(robotId) ?? (await lastOf(log));
    let { seq, record } = last;
    for (;;) {
      const next = await readJson(store, logKey(log, seq + 1), robotRecordSchema);
      if (next === undefined) break;
      seq += 1;
      record = next;
    }
    const found = { seq, record, checkedMs };
    known.delete(robotId);
    known.set(robotId, found);
    const oldest = known.size > maxRobots ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    return found;
  }

  async function lastOf(log: string): Promise<Pick<Known, 'seq' | 'record'>> {
    const last = (await readLog(store, log, robotRecordSchema)).at(-1);
    return last ?? { seq: -1, record: undefined };
  }

  return {
    async find(robotId) {
      const found = known.get(robotId);
      if (found !== undefined && monotonicMs() - found.checkedMs < recheckMs) return found.record;
      const running = looking.get(robotId) ?? look(robotId).finally(() => looking.delete(robotId));
      looking.set(robotId, running);
      return (await running).record;
    },
  };
}
