import type { FleetMemory, WatchedRobot } from '../../domain/monitoring/index.ts';
import type { DamagedObject } from '../../store/damaged-objects.ts';
import { trialsOf, type Fleet } from '../../fleet/desk/index.ts';

export interface WatchedFleet {
  readonly presence: 'known' | 'unknown';
  /** Every robot of the policy. */
  readonly robots: readonly WatchedRobot[];
  /** Robots that run a candidate under a trial whose lease lives: the trial's to judge. */
  readonly onTrial: ReadonlySet<string>;
  readonly isTrialOpen: boolean;
  /** Robots whose body the champion does not serve. */
  readonly notServed: number;
  /** Objects of the fleet that could not be read. */
  readonly damaged: readonly DamagedObject[];
}

/** What is known of the policy's robots now, and whom a trial watches already. */
export async function watchRobots(
  { fleet }: { readonly fleet: Pick<Fleet, 'readFleet' | 'readAssignments' | 'readLeaseEnd'> },
  policy: string,
  nowMs: number,
  memory: FleetMemory,
): Promise<WatchedFleet> {
  const { presence, robots, damaged } = await fleet.readFleet(policy);
  const trial = await robotsOnTrial(fleet, policy, nowMs);
  const ids = robots.map(({ robotId }) => robotId);
  return {
    presence,
    damaged,
    isTrialOpen: trial !== undefined,
    notServed: robots.filter(({ notServed }) => notServed !== undefined).length,
    onTrial: new Set(ids.filter((robotId) => trial?.(robotId) === true)),
    robots: robots.map(({ robotId, site, contact, lastSeenMs, lastInstall }) => ({
      robotId,
      ...(site === undefined ? {} : { site }),
      contact,
      unheardMs: lastSeenMs === null ? null : nowMs - lastSeenMs,
      install: lastInstall === null ? null : { ...lastInstall.report, receivedMs: lastInstall.receivedMs },
      memory: memory[robotId],
    })),
  };
}

async function robotsOnTrial(
  fleet: Pick<Fleet, 'readAssignments' | 'readLeaseEnd'>,
  policy: string,
  nowMs: number,
): Promise<((robotId: string) => boolean) | undefined> {
  const { current } = await fleet.readAssignments(policy);
  if (current === undefined) return undefined;
  const live = new Set<string>();
  for (const trialId of trialsOf(current.record))
    if (((await fleet.readLeaseEnd(policy, trialId)) ?? 0) > nowMs) live.add(trialId);
  if (live.size === 0) return undefined;
  const { overrides, trialId, championVersion } = current.record;
  const byRobot = new Map(overrides.flatMap((override) => override.robotIds.map((id) => [id, override] as const)));
  return (robotId) => {
    const override = byRobot.get(robotId);
    const own = override?.trialId ?? trialId;
    const version = override?.version ?? current.record.defaultVersion;
    return own !== null && live.has(own) && version !== championVersion;
  };
}
