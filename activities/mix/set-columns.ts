import type { NumberColumn } from '../../datasets/arrow-rows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';

/** The columns every set has: observation, label, task, in this order. */
export const labelledColumns = (robotType: Pick<RobotType, 'observations' | 'actions'>): readonly NumberColumn[] => [
  { name: 'observation', kind: 'float32', size: robotType.observations.length },
  robotType.actions.kind === 'continuous'
    ? { name: 'label', kind: 'float32', size: robotType.actions.ranges.length }
    : { name: 'label', kind: 'int32' },
  { name: 'task', kind: 'int32' },
];
