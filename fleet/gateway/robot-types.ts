import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { camerasOf } from '../../datasets/camera.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import type { RobotRecord } from '../desk/robots.ts';
import { WireError } from './wire-error.ts';

export interface KnownRobotType {
  readonly digest: string;
  /** What robots of the type can be asked for. */
  readonly tasks: ReadonlySet<string>;
  /** Cameras whose images may leave the robot. */
  readonly sendingCameras: ReadonlySet<string>;
}

/** Robot types that registered robots are of, read once each: a version never changes once it is there. */
export interface RobotTypes {
  /** `conflict` for a type that nobody published. Fails when the store does. */
  of(robot: Pick<RobotRecord, 'robotType'>): Promise<KnownRobotType>;
}

const maxRemembered = 256;

export function robotTypes(store: ObjectStore): RobotTypes {
  const known = new Map<string, Promise<KnownRobotType>>();
  return {
    of({ robotType: { id, version } }) {
      const name = robotTypeName({ id, version });
      const remembered = known.get(name);
      if (remembered !== undefined) return remembered;
      const read = readKnown(store, id, version);
      if (known.size >= maxRemembered) known.clear();
      known.set(name, read);
      read.catch(() => known.delete(name));
      return read;
    },
  };
}

async function readKnown(store: ObjectStore, id: string, version: number): Promise<KnownRobotType> {
  const type = await readRobotType(store, id, version).catch((error: unknown) => {
    if (isFailure(error, 'NotFound')) throw new WireError('conflict', `robot type ${id}@${version} is not published`);
    throw error;
  });
  const sending = camerasOf(type).filter(({ mayLeaveRobot }) => mayLeaveRobot);
  return {
    digest: robotTypeDigest(type),
    tasks: new Set(type.tasks),
    sendingCameras: new Set(sending.map(({ name }) => name)),
  };
}
