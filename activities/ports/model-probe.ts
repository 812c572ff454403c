import type { RobotType } from '../../datasets/robot-type.ts';
import type { AbsoluteFacts } from '../../policies/gates/index.ts';
import type { Progress } from './progress.ts';

/**
 * Finds out what a model file does without any data, keeping the worker safe from it: whatever the model does ends up in the
 * facts, never as a dead or hanging worker. Throws only when `progress` does.
 */
export interface ModelProbe {
  probe(modelPath: string, type: RobotType, progress: Progress): Promise<AbsoluteFacts>;
}
