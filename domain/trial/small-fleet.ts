import { parseRolloutLimits, type RolloutLimits } from '../experiment/index.ts';

/** Fewer robots than this and an arm has fewer than ten: nothing is proven by numbers. */
export const statisticalRobots = 20;

/**
 * Limits for a rollout that people decide: a stage is passed by its least time without an alarm, because no margin could be
 * proven; it starts with a single robot and keeps one on the champion. The alarms stay as they are.
 */
export function smallFleetLimits(limits: RolloutLimits): RolloutLimits {
  const stages = limits.stages.map((stage) => ({ ...stage, minimumRobots: 1, marginFraction: null }));
  return parseRolloutLimits({ ...limits, stages, holdbackMinimumRobots: 1 });
}
