import { mappedLabelSql, observationSql, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { labelSql } from '../../datasets/label.ts';
import type { RobotType } from '../../datasets/robot-type.ts';

/**
 * SQL of the two columns a robot type gives a shape: fixed lists that the engine hands over without copying. Rows of `bodies` are mapped,
 * by column `body_index` of `e`; a label that the robot type does not have is NULL.
 */
export function shapedColumns(
  robotType: Pick<RobotType, 'observations' | 'actions'>,
  frame: string,
  labelledByOutcome: string,
  bodies: readonly NumberedBody[],
): { readonly observation: string; readonly label: string } {
  const label = labelSql(frame, labelledByOutcome);
  const { actions } = robotType;
  const observation = observationSql(bodies, 'e.body_index', `${frame}.observation`);
  const names = actions.kind === 'discrete' ? actions.names : undefined;
  const mapped = mappedLabelSql(bodies, 'e.body_index', label, names);
  return {
    observation: `(${observation})::FLOAT[${robotType.observations.length}]`,
    label: actions.kind === 'continuous' ? `(${mapped})::FLOAT[${actions.ranges.length}]` : `(${mapped})`,
  };
}
