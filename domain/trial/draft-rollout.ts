import { maximumHours, parseRolloutLimits, stageLimits, stageRobots, type RolloutLimits } from '../experiment/index.ts';
import type { FleetParameters, RobotHistory } from '../statistics/index.ts';
import { common, outlook, type TrialDraft, type TrialFacts } from './draft-facts.ts';
import { leastStageHours, type FleetTimes } from './fleet-clock.ts';
import { provableLimits } from './provable-stages.ts';
import { smallFleetLimits } from './small-fleet.ts';
import type { TrialStage } from './plan-document.ts';

/** Stages of a rollout; with a `doubt` that numbers can prove anything, people let every stage begin. */
export function draftRollout(
  facts: TrialFacts,
  parameters: Required<FleetParameters>,
  centred: readonly RobotHistory[],
  doubt: string | undefined,
): TrialDraft {
  const robots = facts.robots.length;
  const wanted = parseRolloutLimits(facts.rolloutLimits ?? {});
  const provable =
    doubt === undefined
      ? provableLimits(wanted, outlook(parameters, centred, robots))
      : {
          limits: smallFleetLimits(wanted),
          remarks: [`${doubt}: a person lets every stage begin, and the guard watches`],
        };
  const limits = withLeastTicks(provable.limits, facts.times);
  const stages = limits.stages.map((_, stage): TrialStage => {
    const { minimumHours, marginFraction } = stageLimits(limits, stage);
    return {
      // The last robot of a fleet has nobody to be compared with; people watch it.
      robots: Math.max(1, stageRobots(limits, stage, robots)),
      minimumHours,
      maximumHours: maximumHours(limits, stage, robots),
      marginFraction,
    };
  });
  const grows = stages.every(({ robots }, index) => robots > (stages[index - 1]?.robots ?? 0));
  // Of a few robots people try one, then the others: stages may stay as they are.
  if (!grows && doubt === undefined)
    return {
      kind: 'impossible',
      isForPeople: false,
      reason: `${robots} robots cannot be exposed in ${stages.length} growing stages beside a holdback: ${stages.map((stage) => stage.robots).join(', ')}`,
    };
  return {
    kind: 'planned',
    remarks: provable.remarks,
    plan: {
      ...common(facts, parameters, centred),
      rolloutLimits: limits,
      stages,
      approvalBefore: doubt === undefined ? [...facts.approvalBefore] : stages.map((_, index) => index),
      abTest: null,
    },
  };
}

/** A day in a minute leaves few ticks: no stage is shorter than its least. */
function withLeastTicks(limits: RolloutLimits, times: FleetTimes): RolloutLimits {
  const least = leastStageHours(times);
  const stages = limits.stages.map((stage) => ({
    ...stage,
    minimumHours: Math.max(least, stage.minimumHours),
    maximumHours: Math.max(least, stage.maximumHours),
  }));
  return parseRolloutLimits({ ...limits, stages });
}
