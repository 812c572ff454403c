import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { versionTasksFile } from '../../store/records/version-tasks.ts';
import type { RegisterModelInput } from './register-model.ts';

/** What a version's manifest says of the cameras and the frames that it sees, and of the actions that it answers; nothing for a model of the present alone, whose manifest is as it always was. */
export const registeredSight = ({
  cameras = [],
  history,
  horizon,
  imageHistory,
}: Pick<RegisterModelInput, 'cameras' | 'history' | 'horizon' | 'imageHistory'>): Pick<
  RegisterModelInput,
  'contract' | 'cameras' | 'history' | 'horizon' | 'imageHistory'
> => ({
  ...(cameras.length === 0 && history === undefined && horizon === undefined ? {} : { contract: 2 }),
  ...(cameras.length === 0 ? {} : { cameras }),
  ...(history === undefined ? {} : { history }),
  ...(horizon === undefined ? {} : { horizon }),
  ...(imageHistory === undefined ? {} : { imageHistory }),
});

/** What a version's manifest says of its robot type and of the tasks that it knows. */
export function registeredType(type: RobotType): Pick<RegisterModelInput, 'robotType' | 'tasks'> {
  const { id, version } = type;
  return { robotType: { id, version, digest: robotTypeDigest(type) }, tasks: versionTasksFile(type) };
}
