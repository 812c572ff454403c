import { bodyMap } from '../../datasets/bodies/body-map.ts';
import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import type { BodyCount, BodyLeftOut } from '../../datasets/training-set.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotTypeVersions } from '../../store/records/robot-types.ts';

/** As many bodies as a version of a policy can list. */
const mostBodies = 64;

/** What a policy's body reads of its robot type: the body itself first, with number 0, then every version that maps to it. */
export interface LakeBodies {
  readonly read: readonly NumberedBody[];
  readonly refused: readonly { readonly type: RobotType; readonly reason: string }[];
}

/** A body alone: what sets of earlier versions were made of. */
export const ownBody = (type: RobotType): LakeBodies => ({ read: [{ index: 0, type, map: undefined }], refused: [] });

/**
 * The bodies whose rows are read as those of `type`: all known versions of the robot type, the newest first; with `only`, those of
 * these names, to make a set again.
 */
export async function readBodies(store: ObjectStore, type: RobotType, only?: readonly string[]): Promise<LakeBodies> {
  const chain = await readRobotTypeVersions(store, type.id);
  const read: NumberedBody[] = [...ownBody(type).read];
  const refused: { type: RobotType; reason: string }[] = [];
  for (const other of chain.toReversed()) {
    if (other.version === type.version) continue;
    if (only !== undefined && !only.includes(robotTypeName(other))) continue;
    const map = bodyMap({ from: other, to: type, chain });
    if (map.kind === 'refusal') refused.push({ type: other, reason: map.reason });
    else if (read.length < mostBodies) read.push({ index: read.length, type: other, map });
    else refused.push({ type: other, reason: `a policy reads at most ${mostBodies} bodies, the newest` });
  }
  return { read, refused };
}

/** Episodes of each body in scope, and what was left out. */
export interface FoundBodies {
  /** Only bodies that have episodes. */
  readonly present: readonly (NumberedBody & { readonly episodes: number; readonly leftOutFrames: number })[];
  readonly leftOut: readonly BodyLeftOut[];
  /** Training frames by number of the body, where they were counted. */
  readonly takenFrames?: ReadonlyMap<number, number> | undefined;
}

/** What a manifest says of bodies: nothing where all is of the set's own. */
export function bodiesOf({ present, leftOut, takenFrames }: FoundBodies): {
  readonly bodies?: readonly BodyCount[];
  readonly bodiesLeftOut?: readonly BodyLeftOut[];
} {
  const isOwnOnly = present.every(({ map }) => map === undefined);
  return {
    ...(isOwnOnly
      ? {}
      : {
          bodies: present.map(({ index, type, episodes, leftOutFrames }) => ({
            robotType: robotTypeName(type),
            digest: robotTypeDigest(type),
            episodes,
            ...(takenFrames === undefined ? {} : { takenFrames: takenFrames.get(index) ?? 0 }),
            ...(leftOutFrames === 0 ? {} : { leftOutFrames }),
          })),
        }),
    ...(leftOut.length === 0 ? {} : { bodiesLeftOut: leftOut }),
  };
}
