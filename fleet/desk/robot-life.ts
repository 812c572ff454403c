import { robotTypeName } from '../../datasets/robot-type.ts';
import { readLog } from '../../store/append-log.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { Clock } from '../../store/clock.ts';
import { failure, isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys, parseLogKey } from './keys.ts';
import { orderedNow } from './robot-orders.ts';
import {
  changeRobot,
  keeping,
  mostQuarantines,
  quarantinesOf,
  requireRobot,
  robotRecordSchema,
  type RobotChange,
  type RobotRecord,
} from './robots.ts';

interface RobotPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/**
 * Leaves a robot out of trials and of what is learned from now on; it keeps what it is ordered now, as {@link keptVersion} says. One that is in quarantine
 * stays there as it is; what it is ordered is written down anew where that is something else by now. A trial does the same to a robot that it takes out as faulty.
 */
export async function quarantineRobot(ports: RobotPorts, change: RobotChange): Promise<RobotRecord> {
  const keeps = await orderedNow(ports, await requireRobot(ports.store, change.robotId));
  return changeRobot(ports, change, (now) => {
    if (now.isQuarantined) return keeping(now, keeps);
    const { who, why } = change;
    const quarantine = { sinceMs: ports.clock(), untilMs: null, who, why, ...(keeps === undefined ? {} : { keeps }) };
    return { isQuarantined: true, quarantines: [...quarantinesOf(now), quarantine].slice(-mostQuarantines) };
  });
}

/** The same for a robot that may be retired by now: then there is nothing to do. */
export async function quarantineFaultyRobot(ports: RobotPorts, change: RobotChange): Promise<void> {
  try {
    await quarantineRobot(ports, change);
  } catch (error) {
    if (!isFailure(error, 'Conflict')) throw error;
  }
}

/** Takes a robot back from quarantine: what waits of it is learned from, and the next trial may have it. */
export const releaseRobot = (ports: RobotPorts, change: RobotChange): Promise<RobotRecord> =>
  changeRobot(ports, change, (now) => {
    if (!now.isQuarantined)
      throw failure('Conflict', 'expected a robot in quarantine, got one that is not', {
        coordinates: { robotId: now.robotId },
      });
    const quarantines = quarantinesOf(now);
    const last = quarantines.at(-1);
    const ended = last === undefined ? [] : [{ ...last, untilMs: Math.max(last.sinceMs, ports.clock()) }];
    return { isQuarantined: false, quarantines: [...quarantines.slice(0, -1), ...ended] };
  });

/** Takes a robot out of service for good: its tokens die, its data stays, it counts nowhere from now on. */
export const retireRobot = (ports: RobotPorts, change: RobotChange): Promise<RobotRecord> =>
  changeRobot(ports, change, () => ({ tokenHashes: [], retiredMs: ports.clock() }));

/** Puts a robot to another site or stratum. What it did before keeps the site it was done at. */
export const moveRobot = (
  ports: RobotPorts,
  {
    site,
    stratum,
    ...change
  }: RobotChange & { readonly site?: string | undefined; readonly stratum?: string | undefined },
): Promise<RobotRecord> =>
  changeRobot(ports, change, (now) => {
    // Where the stratum was the site, it goes along.
    const along = stratum ?? (site !== undefined && now.stratum === now.site ? site : now.stratum);
    const next = { site: site ?? now.site, stratum: along };
    if (next.site === now.site && next.stratum === now.stratum)
      throw failure('Conflict', 'expected another site or stratum, got the current ones', {
        coordinates: { robotId: now.robotId, site: next.site, stratum: next.stratum },
      });
    return next;
  });

/**
 * Says that a robot has another body from now on: another version of its robot type. It is ordered what serves that body, and its agent must
 * say the same; in quarantine it keeps that. What it did before stays what its old body did. `Conflict` for the body it has, or for another robot type.
 */
export async function rebodyRobot(
  ports: RobotPorts,
  { robotType, ...change }: RobotChange & { readonly robotType: RobotRecord['robotType'] },
): Promise<RobotRecord> {
  const before = await requireRobot(ports.store, change.robotId);
  const keeps = before.isQuarantined ? await orderedNow(ports, { ...before, robotType }) : undefined;
  return changeRobot(ports, change, (now) => {
    const { robotId, bodyChangesMs = [] } = now;
    const [has, gets] = [robotTypeName(now.robotType), robotTypeName(robotType)];
    const changes = [...bodyChangesMs, ports.clock()].slice(-mostQuarantines);
    if (now.robotType.id === robotType.id && has !== gets)
      return { robotType, bodyChangesMs: changes, ...keeping(now, keeps) };
    const expected =
      now.robotType.id === robotType.id ? `another body than ${has}` : `a version of ${now.robotType.id}`;
    throw failure('Conflict', `expected ${expected}, got ${gets}`, { coordinates: { robotId } });
  });
}

/** Everything that was ever done to a robot, oldest first; empty for one that was never added. */
export const readRobotLife = async (store: ObjectStore, robotId: string): Promise<readonly RobotRecord[]> =>
  (await readLog(store, fleetKeys.robotLog(robotId), robotRecordSchema)).map(({ record }) => record);

/** The same without the records that cannot be read, each with a word to `onDamage`. */
export async function readSoundRobotLife(
  store: ObjectStore,
  robotId: string,
  onDamage: OnDamage,
): Promise<readonly RobotRecord[]> {
  const life: RobotRecord[] = [];
  for await (const { key } of store.list(`${fleetKeys.robotLog(robotId)}/`)) {
    if (parseLogKey(key) === undefined) continue;
    const record = await readSoundJson(store, key, robotRecordSchema, onDamage);
    if (record !== undefined) life.push(record);
  }
  return life;
}
