import { sampleRatioMismatch, type Effect, type FleetParameters, type RobotEvidence } from '../statistics/index.ts';
import type { Guardrail } from './guardrails.ts';
import type { AbTestLimits, RolloutLimits } from './limits.ts';

/** p of the arms being filled as the robots' own past makes one expect. */
export function sampleRatio(
  { robots, parameters }: { robots: readonly RobotEvidence[]; parameters: FleetParameters },
  effect: Effect,
): number {
  const treated = robots.filter(({ arm }) => arm === 'candidate');
  const preEpisodes = episodesBefore(robots);
  const all = presentOf(robots, ({ baseline }) => baseline.episodes);
  // Whoever left was there for a part of the time only.
  const share =
    all > 0
      ? presentOf(treated, ({ baseline }) => baseline.episodes) / all
      : presentOf(treated, () => 1) /
        Math.max(
          1,
          presentOf(robots, () => 1),
        );
  const total = effect.treatedEpisodes + effect.controlEpisodes;
  const ratePhi = Math.max(1, parameters.ratePhi ?? 1);
  const known = preEpisodes > 0 ? { preEpisodes } : {};
  return sampleRatioMismatch({ treated: effect.treatedEpisodes, total, share, ratePhi, ...known }).p;
}

/** With fewer candidates a safety event of one is one of the candidate. */
const leastForLone = 3;

const presentOf = (robots: readonly RobotEvidence[], weight: (robot: RobotEvidence) => number): number =>
  robots.reduce((sum, robot) => sum + weight(robot) * (robot.left?.presentFraction ?? 1), 0);

const episodesBefore = (robots: readonly RobotEvidence[]): number =>
  robots.reduce((sum, { baseline }) => sum + baseline.episodes, 0);

/** Why no effect of this test may be believed or acted on; nothing if it may. */
export function reasonsToBlock(
  { robots, blockedTasks = [] }: { robots: readonly RobotEvidence[]; blockedTasks?: readonly string[] },
  effect: Effect,
  guardrails: readonly Guardrail[],
  sampleRatioP: number,
  limits: AbTestLimits,
): string[] {
  const reasons: string[] = [];
  const unsafe = robots.filter(({ arm, safetyEvents = 0 }) => arm === 'candidate' && safetyEvents > 0);
  // A lone robot is the guard's: it goes back, and a second one ends the test.
  if (unsafe.length > 1 || (unsafe.length > 0 && effect.treatedRobots < leastForLone))
    reasons.push(`safety event on ${unsafe.map(({ robotId }) => robotId).join(', ')}`);
  if (blockedTasks.length > 0) reasons.push(`proven harm in task ${blockedTasks.join(', ')}`);
  if (effect.treatedEpisodes === 0 || effect.controlEpisodes === 0) {
    reasons.push(
      `missing telemetry: ${effect.treatedEpisodes} candidate and ${effect.controlEpisodes} control episodes`,
    );
  } else if (sampleRatioP < limits.sampleRatioP) {
    reasons.push(`sample-ratio mismatch: p ${sampleRatioP.toExponential(1)} < ${limits.sampleRatioP}`);
  }
  const missing = missingShare(robots, 'candidate') - missingShare(robots, 'control');
  if (Math.abs(missing) >= limits.missingFraction) {
    reasons.push(`missing telemetry: ${Math.round(100 * Math.abs(missing))} % more robots of one arm never reported`);
  }
  for (const { metric, verdict } of guardrails) {
    if (verdict === 'missingInOneArm') reasons.push(`missing telemetry: only one arm reports ${metric}`);
  }
  return reasons;
}

function missingShare(robots: readonly RobotEvidence[], arm: RobotEvidence['arm']): number {
  const group = robots.filter((robot) => robot.arm === arm && robot.left === undefined);
  return group.length > 0 ? group.filter(({ blocks }) => blocks.length === 0).length / group.length : 1;
}

/** How many of the cells that robots are counted in (a rollout's blocks) make one block of a test; at least 1. */
export const cellsPerTestBlock = (
  test: Pick<AbTestLimits, 'blockMinutes'>,
  rollout: Pick<RolloutLimits, 'blockMinutes'>,
): number => Math.max(1, Math.round(test.blockMinutes / rollout.blockMinutes));
