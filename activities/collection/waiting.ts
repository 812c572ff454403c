import { z } from 'zod';

import { isRevokedRobot, readRegistrations, readRobots, type RobotRecord } from '../../fleet/desk/index.ts';
import { landingPlace, type SegmentFacts } from '../../datasets/validation/segment-facts.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { recordedRobot } from '../../datasets/landing.ts';

/**
 * Why a segment stays in landing: it is of a robot type that another policy's collection takes in; or of a robot that nobody
 * registered, that is quarantined, or whose every token was revoked. What waits is neither refused nor learned from.
 */
export const waitingReasons = ['otherType', 'unregistered', 'quarantined', 'revoked'] as const;
export type WaitingReason = (typeof waitingReasons)[number];

/** Segments that wait for one reason; `name` is the robot type or the robot. */
export const waitingSchema = z.strictObject({
  reason: z.enum(waitingReasons),
  name: z.string(),
  segments: z.int().min(0),
});
export type Waiting = z.infer<typeof waitingSchema>;

/** How a registered robot stands. */
export type RobotStanding = 'welcome' | Exclude<WaitingReason, 'otherType' | 'unregistered'>;
export interface RegisteredRobot {
  readonly standing: RobotStanding;
  /** When it was added first. */
  readonly registeredMs?: number | undefined;
}
/** Every registered robot by id. */
export type RobotStandings = () => Promise<ReadonlyMap<string, RegisteredRobot>>;

/** Who may be learned from, and since when it is there, by what the desk has registered. */
export async function registeredStandings(store: ObjectStore): Promise<ReadonlyMap<string, RegisteredRobot>> {
  const robots = await readRobots(store);
  // A first record that cannot be read takes the lower bound of instants away, nothing else.
  const registered = await readRegistrations(store, robots.keys(), () => undefined);
  return new Map(
    [...robots].map(([robotId, robot]) => [
      robotId,
      {
        standing: standingOf(robot),
        registeredMs: registered.get(robotId),
      },
    ]),
  );
}

/** Whoever is retired did good work until then: what it brought is learned from, unless it is in quarantine. */
function standingOf(robot: RobotRecord): RobotStanding {
  if (robot.isQuarantined) return 'quarantined';
  return isRevokedRobot(robot) && robot.retiredMs === undefined ? 'revoked' : 'welcome';
}

const maxListed = 100;

/** Counts what waits: the names with the most segments each, the rest of a reason taken together. */
export class WaitingCount {
  private readonly counts = new Map<string, Waiting>();

  add(reason: WaitingReason, name: string): void {
    const key = `${reason}/${name}`;
    this.counts.set(key, { reason, name, segments: (this.counts.get(key)?.segments ?? 0) + 1 });
  }

  list(): Waiting[] {
    const sorted = [...this.counts.values()].toSorted(
      (a, b) => b.segments - a.segments || (`${a.reason}/${a.name}` < `${b.reason}/${b.name}` ? -1 : 1),
    );
    const rest = new Map<WaitingReason, number>();
    for (const { reason, segments } of sorted.slice(maxListed)) rest.set(reason, (rest.get(reason) ?? 0) + segments);
    return [
      ...sorted.slice(0, maxListed),
      ...[...rest].map(([reason, segments]) => ({ reason, name: '(others)', segments })),
    ];
  }
}

export interface Landing {
  /** Says of a segment why it waits, or nothing when the collection takes it. */
  reasonToWait(key: string, facts: SegmentFacts): Pick<Waiting, 'reason' | 'name'> | undefined;
  /**
   * When the robot of a segment was registered; undefined for one that was not, without standings, and for what was received under the id of
   * an imported recording before a robot was registered under it.
   */
  registeredMs(key: string, receivedMs: number): number | undefined;
}

/** `others`: robot types that are taken in with the wanted one. Without standings every robot is taken in. Robot types nobody published are nobody's: they are refused rather than left for ever. */
export async function readLanding(
  store: ObjectStore,
  wanted: string,
  robotStandings: RobotStandings | undefined,
  others: ReadonlySet<string> = new Set(),
): Promise<Landing> {
  const typeIds = await publishedTypeIds(store);
  const standings = await robotStandings?.();
  const recorded = standings === undefined ? new Set<string>() : await recordedRobots(store);
  const reasonToWait: Landing['reasonToWait'] = (key, { footer: { robotType } }) => {
    const isTaken = robotType === undefined || robotType === wanted || others.has(robotType);
    if (!isTaken && typeIds.has(/^(.+)@\d+$/.exec(robotType)?.[1] ?? '')) {
      return { reason: 'otherType', name: robotType };
    }
    const robotId = landingPlace(key)?.robotId;
    if (standings === undefined || robotId === undefined) return undefined;
    const standing = standings.get(robotId)?.standing ?? (recorded.has(robotId) ? 'welcome' : 'unregistered');
    return standing === 'welcome' ? undefined : { reason: standing, name: robotId };
  };
  return {
    reasonToWait,
    registeredMs: (key, receivedMs) => {
      const robotId = landingPlace(key)?.robotId ?? '';
      const registeredMs = standings?.get(robotId)?.registeredMs;
      const isOfTheRecording = recorded.has(robotId) && registeredMs !== undefined && receivedMs < registeredMs;
      return isOfTheRecording ? undefined : registeredMs;
    },
  };
}

async function publishedTypeIds(store: ObjectStore): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { key } of store.list('config/robot-types/')) ids.add(key.split('/')[2] ?? '');
  return ids;
}

/** Robots that exist in recordings only; see `landSegment`. */
async function recordedRobots(store: ObjectStore): Promise<ReadonlySet<string>> {
  const robots = new Set<string>();
  for await (const { key } of store.list('recordings/')) {
    const robotId = recordedRobot(key);
    if (robotId !== undefined) robots.add(robotId);
  }
  return robots;
}
