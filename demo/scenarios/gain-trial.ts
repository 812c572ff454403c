import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import { margins } from './learn.ts';

const stageFractions = [0.5, 0.6, 0.7, 1];

/**
 * Trials that are planned for a large gain show it within minutes; one of a single point takes thirty robots weeks. The A/B test proves the gain as
 * surely as everywhere; the stages after it, that nothing is worse by more than thirty robots can tell within a minute or two. `latencyMargin`: by how
 * much decisions may be slower, see the limits.
 */
export const gainTrial = (dayMs: number, gain: number, latencyMargin?: number) => {
  const latency = latencyMargin === undefined ? {} : { latencyMargin };
  return {
    profile: 'compressed',
    times: { dayMs, leastStageTicks: 4 },
    candidateFraction: 0.5,
    effectFraction: gain,
    abTestLimits: { lookHours: 3, firstLook: 3, ...latency },
    rolloutLimits: {
      guard: latency,
      advance: { tau: gain },
      stages: defaultRolloutLimits.stages.map((stage, index) => ({
        ...stage,
        fleetFraction: stageFractions[index] ?? stage.fleetFraction,
        marginFraction: margins[index] ?? null,
        minimumHours: 3,
        minimumTotalHours: 0,
      })),
    },
  };
};
