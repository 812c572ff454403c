import { judgeFailureReasons, type ReasonChange, type RobotFailures } from './failure-reasons.ts';
import type { Finding } from './incidents.ts';
import type { MonitorLimits } from './monitor-limits.ts';
import { currentHalves, referenceEnd, referenceHalves, type FleetMemory } from './robot-memory.ts';
import { dictionary } from '../dictionary.ts';

/** What the fleet's failures say; `isKnown` false while there is too little to say anything. */
export interface FailureFindings {
  readonly findings: readonly Finding[];
  readonly isKnown: boolean;
  /** Share of episodes that failed, before and now; null without episodes. */
  readonly failureFraction: { readonly reference: number | null; readonly current: number | null };
}

/** Fewer episodes in either window say nothing. */
const leastEpisodes = 100;
const leastRobots = 2;

/**
 * Do robots fail more often, or for other reasons, than in the week before? The last two half days against the fourteen
 * before, each robot's scatter counted, each reason at a false-discovery rate; all failures together are `errorRate`. While an
 * incident of this is open since `openedHour` the week before it is what is compared with: what is wrong never becomes the past.
 */
export function judgeFailures(
  memory: FleetMemory,
  nowHour: number,
  limits: MonitorLimits,
  openedHour?: number,
): FailureFindings {
  const half = Math.floor(nowHour / 12);
  const before = referenceEnd(openedHour ?? nowHour);
  const current = windowOf(memory, half - currentHalves, half);
  const reference = windowOf(memory, before - referenceHalves, before);
  const isKnown = [current, reference].every(
    (window) => window.length >= leastRobots && episodesOf(window) >= leastEpisodes,
  );
  const failureFraction = { reference: failedShare(reference), current: failedShare(current) };
  if (!isKnown) return { findings: [], isKnown, failureFraction };
  const reasons = rising(reference, current, limits.failureRiseFraction).map(({ reason, sentence }): Finding => ({
    cause: 'failureReason',
    subject: reason,
    reason: sentence,
  }));
  const errors = rising(reference.map(allFailures), current.map(allFailures), limits.errorRiseFraction).map(
    ({ sentence }): Finding => ({ cause: 'errorRate', subject: 'fleet', reason: sentence }),
  );
  return { findings: [...reasons, ...errors], isKnown, failureFraction };
}

const rising = (reference: RobotFailures[], current: RobotFailures[], riseFraction: number): ReasonChange[] =>
  judgeFailureReasons({ reference, current, limits: { riseFraction } }).filter((change) => change.rising);

/** Every robot's failures in the half days `(after, upTo]`. */
function windowOf(memory: FleetMemory, after: number, upTo: number): RobotFailures[] {
  return Object.entries(memory).flatMap(([robotId, { halves }]) => {
    const reasons = dictionary<number>();
    let episodes = 0;
    for (const [half, sums] of Object.entries(halves)) {
      if (Number(half) <= after || Number(half) > upTo) continue;
      episodes += sums.episodes;
      for (const [reason, count] of Object.entries(sums.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
    }
    return episodes > 0 ? [{ robotId, episodes, reasons }] : [];
  });
}

const failuresOf = ({ reasons }: RobotFailures): number =>
  Object.values(reasons).reduce((sum, count) => sum + count, 0);

const allFailures = (robot: RobotFailures): RobotFailures => ({ ...robot, reasons: { failed: failuresOf(robot) } });

const episodesOf = (robots: readonly RobotFailures[]): number =>
  robots.reduce((sum, { episodes }) => sum + episodes, 0);

function failedShare(robots: readonly RobotFailures[]): number | null {
  const episodes = episodesOf(robots);
  return episodes > 0 ? robots.reduce((sum, robot) => sum + failuresOf(robot), 0) / episodes : null;
}
