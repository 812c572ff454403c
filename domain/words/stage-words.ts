/** Stages of every rollout. */
const stagesOfRollout = 4;

/**
 * A stage as people count: from 1. Machines count from 0.
 *
 * stageWords(0) → 'stage 1 of 4'
 */
export const stageWords = (stage: number, stages = stagesOfRollout): string =>
  `stage ${stage + 1} of ${Math.max(stages, stage + 1)}`;
