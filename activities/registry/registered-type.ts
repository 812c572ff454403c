import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { versionTasksFile } from '../../store/records/version-tasks.ts';
import type { RegisterModelInput } from './register-model.ts';

/** What a version's manifest says of the cameras and the frames that it sees; nothing for a model of present readings alone, whose manifest is as it always was. */
export const registeredSight = ({
  cameras = [],
  history,
}: Pick<RegisterModelInput, 'cameras' | 'history'>): Pick<RegisterModelInput, 'contract' | 'cameras' | 'history'> => ({
  ...(cameras.length === 0 && history === undefined ? {} : { contract: 2 }),
  ...(cameras.length === 0 ? {} : { cameras }),
  ...(history === undefined ? {} : { history }),
});

/** What a version's manifest says of its robot type and of the tasks that it knows. */
export function registeredType(type: RobotType): Pick<RegisterModelInput, 'robotType' | 'tasks'> {
  const { id, version } = type;
  return { robotType: { id, version, digest: robotTypeDigest(type) }, tasks: versionTasksFile(type) };
}
