import {
  assignArms,
  parseAbTestLimits,
  parseTaskLimits,
  type AbTestLimitsInput,
  type Assignable,
  type FleetOutlook,
  type RolloutLimitsInput,
  type TaskLimitsInput,
} from '../experiment/index.ts';
import { baselineOf, type FleetParameters, type RobotHistory, type VersionedHistory } from '../statistics/index.ts';
import type { FleetTimes } from './fleet-clock.ts';
import type { TrialPlan } from './plan-document.ts';

/** What a trial is drafted from. */
export interface TrialFacts {
  readonly kind: TrialPlan['kind'];
  readonly policy: string;
  readonly trialId: string;
  readonly championVersion: string;
  readonly candidateVersion: string;
  readonly createdAtMs: number;
  readonly times: FleetTimes;
  readonly robots: readonly Required<Assignable>[];
  readonly excluded: readonly string[];
  readonly history: readonly VersionedHistory[];
  readonly tasks: readonly string[];
  /** Active tasks that both versions know; undefined when nobody can tell. */
  readonly catalogue?: readonly string[] | undefined;
  /** Tasks that are retired, or unknown to one of the two versions. */
  readonly leftOut?: readonly string[] | undefined;
  readonly candidateFraction: number;
  readonly effectFraction: number;
  readonly allowEquivalent: boolean;
  readonly anchorLossFraction: number | null;
  readonly approvalBefore: readonly number[];
  readonly rolloutLimits?: RolloutLimitsInput | undefined;
  readonly abTestLimits?: AbTestLimitsInput | undefined;
  readonly taskLimits?: TaskLimitsInput | undefined;
}

/** A plan with what people should know of it, or why there can be none. */
export type TrialDraft =
  | { readonly kind: 'planned'; readonly plan: TrialPlan; readonly remarks: readonly string[] }
  /** `isForPeople`: numbers cannot decide, a rollout in stages that people let begin can. */
  | { readonly kind: 'impossible'; readonly reason: string; readonly isForPeople: boolean };

/** What both kinds of plan have: robots by rank with their past, parameters, limits. */
export function common(facts: TrialFacts, parameters: Required<FleetParameters>, centred: readonly RobotHistory[]) {
  const { kind, policy, trialId, championVersion, candidateVersion, createdAtMs, times } = facts;
  const past = new Map(centred.map((robot) => [robot.robotId, baselineOf(robot)]));
  const strata = new Map(facts.robots.map(({ robotId, stratum }) => [robotId, stratum]));
  const order = assignArms({ robots: facts.robots, salt: trialId, candidates: 0 }).control;
  const robots = order.map((robotId) => ({
    robotId,
    stratum: strata.get(robotId) ?? '',
    baseline: past.get(robotId) ?? { successes: 0, episodes: 0, days: 0 },
  }));
  return {
    kind,
    policy,
    trialId,
    championVersion,
    candidateVersion,
    createdAtMs,
    times,
    robots,
    parameters,
    excluded: facts.excluded.toSorted(),
    tasks: facts.tasks.toSorted(),
    ...(facts.catalogue === undefined ? {} : { catalogue: facts.catalogue.toSorted() }),
    ...(facts.leftOut === undefined || facts.leftOut.length === 0 ? {} : { leftOut: facts.leftOut.toSorted() }),
    abTestLimits: parseAbTestLimits(facts.abTestLimits ?? {}),
    taskLimits: parseTaskLimits(facts.taskLimits ?? {}),
  };
}

/** What the planner is told of the fleet; success near 0 or 1 is taken at 2 and 98 %, as the judgement does. */
export function outlook(parameters: FleetParameters, centred: readonly RobotHistory[], robots: number): FleetOutlook {
  const past = centred.map(baselineOf).filter(({ episodes }) => episodes > 0);
  const total = past.reduce((sum, { episodes }) => sum + episodes, 0);
  const robotDays = past.reduce((sum, { days }) => sum + days, 0);
  const successFraction = Math.min(0.98, Math.max(0.02, parameters.mu));
  return {
    robots,
    successFraction,
    rho: Math.min(0.99, parameters.betweenRobotVariance / (successFraction * (1 - successFraction))),
    episodesPerRobotDay: total / Math.max(1, robotDays),
    preDays: parameters.preDays,
    phi: parameters.phi,
    dayVariance: parameters.dayVariance,
  };
}
