import type { Camera as BodyCamera } from '../../../datasets/camera.ts';
import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import type { Pose } from './body.ts';
import { drawAppearance, type KindsOf, type ObstacleKind } from './camera/appearance.ts';
import { cameraSchema, type Camera } from './camera/camera.ts';
import { openRoomCamera, type RoomCamera } from './camera/room-camera.ts';
import type { RoomFamily } from './families.ts';
import type { RoomPlan } from './room-plan.ts';

/** Lenses by the name of a body's camera: all look ahead, level, from the robot's centre. */
const lenses: Readonly<Record<string, Pick<Camera, 'fieldOfViewDegrees' | 'mountHeightM'>>> = {
  front: { fieldOfViewDegrees: 90, mountHeightM: 0.4 },
  wide: { fieldOfViewDegrees: 140, mountHeightM: 0.4 },
};

export interface EyesInput {
  readonly plan: RoomPlan;
  readonly family: RoomFamily;
  /** Of the room: it looks as `drawAppearance` says. */
  readonly seed: number;
  /** Of its obstacles; default: all there are. */
  readonly obstacles?: KindsOf<ObstacleKind> | undefined;
  readonly cameras: readonly BodyCamera[];
  /** The cameras' own, by name: what a robot reads and does is the same without them. */
  readonly random: (camera: string) => RandomStream;
}

/** The cameras of one robot in one room. */
export interface Eyes {
  /** What a camera sees: RGB, [height, width, 3]; overwritten by its next image. */
  see(camera: string, pose: Pose, quirks: Quirks, episode?: number): Uint8Array;
}

/** Throws for a camera that has no lens here, or a size that the ray caster does not draw. */
export function openEyes({ plan, family, seed, obstacles, cameras, random }: EyesInput): Eyes {
  const lensOf = new Map(cameras.map((camera) => [camera.name, asDrawn(camera)]));
  const opened = new Map<string, RoomCamera>();

  function openOne(name: string): RoomCamera {
    const camera = lensOf.get(name);
    if (camera === undefined)
      throw new Error(`expected a camera of the body (${[...lensOf.keys()].join(', ') || 'it has none'}), got ${name}`);
    const appearance = drawAppearance(plan, family, seed, obstacles);
    const one = openRoomCamera({ plan, appearance, camera, random: random(name) });
    opened.set(name, one);
    return one;
  }

  return {
    see(name, pose, quirks, episode) {
      const camera = opened.get(name) ?? openOne(name);
      camera.capture(pose, quirks.camera, episode);
      return camera.image;
    },
  };
}

function asDrawn({ name, width, height }: BodyCamera): Camera {
  const lens = Object.hasOwn(lenses, name) ? lenses[name] : undefined;
  if (lens === undefined)
    throw new Error(`expected a body whose cameras are named ${Object.keys(lenses).join(' or ')}, got ${name}`);
  const camera = cameraSchema.safeParse({ width, height, ...lens });
  if (camera.success) return camera.data;
  throw new Error(`expected a camera ${name} of 16 × 12 to 320 × 240 pixels, got ${width} × ${height}`);
}
