import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { versionTasksFile } from '../../store/records/version-tasks.ts';
import type { RegisterModelInput } from './register-model.ts';

/** What a version's manifest says of the cameras that it sees; nothing for a model of readings alone, whose manifest is as it always was. */
export const registeredCameras = (
  cameras: RegisterModelInput['cameras'] = [],
): Pick<RegisterModelInput, 'contract' | 'cameras'> => (cameras.length === 0 ? {} : { contract: 2, cameras });

/** What a version's manifest says of its robot type and of the tasks that it knows. */
export function registeredType(type: RobotType): Pick<RegisterModelInput, 'robotType' | 'tasks'> {
  const { id, version } = type;
  return { robotType: { id, version, digest: robotTypeDigest(type) }, tasks: versionTasksFile(type) };
}
