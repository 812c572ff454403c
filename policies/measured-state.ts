import type { RobotType } from '../datasets/robot-type.ts';

type Measuring = Pick<RobotType, 'actions' | 'observations'>;

/** Which reading measures each continuous action: the one it names, else the one of its own name; undefined where none does. */
export function measuredColumns(type: Measuring): readonly (number | undefined)[] {
  if (type.actions.kind !== 'continuous') return [];
  const columns = new Map(type.observations.map(({ name }, column) => [name, column]));
  return type.actions.ranges.map(({ name, measuredBy }) => columns.get(measuredBy ?? name));
}

/** True for a type whose robots measure at least one of their continuous actions. */
export const isStateMeasured = (type: Measuring): boolean =>
  measuredColumns(type).some((column) => column !== undefined);
