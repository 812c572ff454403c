import { z } from 'zod';

import { readRobots } from '../../fleet/desk/index.ts';
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
/** Every registered robot by id. */
export type RobotStandings = () => Promise<ReadonlyMap<string, RobotStanding>>;

/** Who may be learned from, by what the desk has registered. */
export async function registeredStandings(store: ObjectStore): Promise<ReadonlyMap<string, RobotStanding>> {
  const robots = await readRobots(store);
  return new Map(
    [...robots].map(([robotId, { isQuarantined, tokenHashes }]) => [
      robotId,
      isQuarantined ? 'quarantined' : tokenHashes.length === 0 ? 'revoked' : 'welcome',
    ]),
  );
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

/** Says of a segment why it waits, or nothing when the collection of `wanted` takes it. */
export type WaitingRule = (key: string, facts: SegmentFacts) => Pick<Waiting, 'reason' | 'name'> | undefined;

/** Without standings every robot is taken in. Robot types nobody published are nobody's: they are refused rather than left for ever. */
export async function waitingRule(
  store: ObjectStore,
  wanted: string,
  robotStandings: RobotStandings | undefined,
): Promise<WaitingRule> {
  const typeIds = await publishedTypeIds(store);
  const standings = await robotStandings?.();
  const recorded = standings === undefined ? new Set<string>() : await recordedRobots(store);
  return (key, { footer: { robotType } }) => {
    if (robotType !== undefined && robotType !== wanted && typeIds.has(/^(.+)@\d+$/.exec(robotType)?.[1] ?? '')) {
      return { reason: 'otherType', name: robotType };
    }
    const robotId = landingPlace(key)?.robotId;
    if (standings === undefined || robotId === undefined) return undefined;
    const standing = standings.get(robotId) ?? (recorded.has(robotId) ? 'welcome' : 'unregistered');
    return standing === 'welcome' ? undefined : { reason: standing, name: robotId };
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
