import { parseAbTestLimits, parseRolloutLimits, planAbTest } from '../experiment/index.ts';
import {
  baselineOf,
  centreHistory,
  estimateFleetParameters,
  type FleetParameters,
  type RobotHistory,
} from '../statistics/index.ts';
import { common, outlook, type TrialDraft, type TrialFacts } from './draft-facts.ts';
import { draftRollout } from './draft-rollout.ts';
import { lookHoursOf } from './fleet-clock.ts';
import { statisticalRobots } from './small-fleet.ts';
import type { TrialStage } from './plan-document.ts';

/**
 * Drafts an A/B test or a rollout: order of the robots, fleet parameters from their past, sizes, looks, stages. Below 20 robots
 * or without any past there is no statistical test: an A/B test is `impossible`, a rollout asks a person before every stage
 * and the guard watches. Same facts, same plan.
 */
export function draftTrial(facts: TrialFacts): TrialDraft {
  const robots = facts.robots.length;
  const centred = centreHistory({ history: facts.history, champion: facts.championVersion });
  const episodes = centred.reduce((sum, robot) => sum + baselineOf(robot).episodes, 0);
  const doubt = whyNotStatistical(robots, episodes);
  const parameters = estimateFleetParameters(centred);
  if (facts.kind === 'abTest') {
    if (doubt !== undefined) return { kind: 'impossible', reason: `${doubt}: no A/B test`, isForPeople: true };
    return draftAbTest(facts, parameters, centred);
  }
  return draftRollout(facts, parameters, centred, doubt);
}

function whyNotStatistical(robots: number, episodes: number): string | undefined {
  if (robots < statisticalRobots)
    return `${robots} robots are fewer than the ${statisticalRobots} a statistical test needs`;
  return episodes > 0 ? undefined : 'no episode of the champion in the last 28 days to compare with';
}

function draftAbTest(
  facts: TrialFacts,
  parameters: Required<FleetParameters>,
  centred: readonly RobotHistory[],
): TrialDraft {
  const limits = parseAbTestLimits(facts.abTestLimits ?? {});
  const { candidateRobots, looks, informationMax, days, minimumDetectableEffect } = planAbTest({
    ...outlook(parameters, centred, facts.robots.length),
    effect: facts.effectFraction,
    candidateFraction: facts.candidateFraction,
    limits: facts.abTestLimits ?? {},
  });
  const lookHours = lookHoursOf(facts.times, limits.lookHours);
  const hours = looks * lookHours;
  const remarks =
    typeof days === 'object' && days !== null
      ? [
          `${days.infeasible}; the test runs its ${limits.maximumDays} days and sees ${points(minimumDetectableEffect)} or more`,
        ]
      : [];
  const stage: TrialStage = {
    robots: candidateRobots,
    minimumHours: limits.firstLook * lookHours,
    maximumHours: hours,
    marginFraction: null,
  };
  return {
    kind: 'planned',
    remarks,
    plan: {
      ...common(facts, parameters, centred),
      rolloutLimits: parseRolloutLimits(facts.rolloutLimits ?? {}),
      stages: [stage],
      approvalBefore: [],
      abTest: {
        looks,
        lookHours,
        informationMax,
        allowEquivalent: facts.allowEquivalent,
        anchorLossFraction: facts.anchorLossFraction,
      },
    },
  };
}

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;
