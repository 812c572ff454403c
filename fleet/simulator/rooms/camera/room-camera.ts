import type { RandomStream } from '../../../../policies/random.ts';
import { noCameraQuirks, type CameraQuirks } from '../../quirks.ts';
import type { Pose } from '../body.ts';
import type { RoomPlan } from '../room-plan.ts';
import type { FloorKind, ObstacleKind, RoomAppearance } from './appearance.ts';
import type { Camera } from './camera.ts';
import { expose } from './image-sensor.ts';
import { openLens } from './lens.ts';
import { openRayCaster, type SeenColumns } from './ray-caster.ts';
import { openScene } from './scene.ts';

/** What an image shows in truth, whatever light and lens make of it. */
export interface ImageLabels {
  /** The obstacle in view nearest the middle column, the nearer of two that are equally near it; `none` if no column shows one. */
  readonly obstacle: ObstacleKind | 'none';
  /** Its distance from the camera in the column nearest the middle, metres along the floor; undefined without one. */
  readonly obstacleDistanceM: number | undefined;
  /** Columns in which it is the nearest obstacle. */
  readonly obstacleColumns: number;
  /** The floor at the bottom of the image in the middle; where something hides it, the floor at its foot. */
  readonly floor: FloorKind;
  /** Distance from the camera to the first wall or obstacle straight ahead, metres along the floor. */
  readonly aheadM: number;
}

/** A camera in a room. */
export interface RoomCamera {
  /** RGB, [height, width, 3], top row first, 0–255; overwritten by `capture`. */
  readonly image: Uint8Array;
  /** `episode`: dirt that moves lies elsewhere in each. */
  capture(pose: Pose, quirks?: CameraQuirks, episode?: number): ImageLabels;
}

export interface RoomCameraInput {
  readonly plan: RoomPlan;
  readonly appearance: RoomAppearance;
  readonly camera: Camera;
  /** Its own: noise and dirt; so a robot that gets a camera reads and does what it did without. */
  readonly random: RandomStream;
}

/** Every image is a pure function of the input, the pose, the quirks, the episode, and how many images came before. */
export function openRoomCamera({ plan, appearance, camera, random }: RoomCameraInput): RoomCamera {
  const caster = openRayCaster(openScene(plan, appearance), camera);
  const lens = openLens(camera.width, camera.height, seedFrom(random));
  const image = new Uint8Array(camera.height * camera.width * 3);
  const clamped = new Uint8ClampedArray(image.buffer);
  return {
    image,
    capture(pose, quirks = noCameraQuirks, episode = 0) {
      caster.render(pose);
      if (quirks.blurFraction > 0) lens.blur(caster.radiance, quirks.blurFraction);
      if (quirks.dirtFraction > 0)
        lens.soil(caster.radiance, quirks.dirtFraction, quirks.dirtMoves === true ? episode : 0);
      expose(caster.radiance, quirks, seedFrom(random), clamped);
      return {
        ...nearestTheMiddle(caster.seen, appearance),
        floor: appearance.floors[caster.floorAhead(pose)].kind,
        aheadM: caster.aheadM(pose),
      };
    },
  };
}

const seedFrom = (random: RandomStream): number => Math.floor(random() * 2 ** 32);

function nearestTheMiddle(
  { obstacle, distanceM }: SeenColumns,
  { obstacles }: RoomAppearance,
): Pick<ImageLabels, 'obstacle' | 'obstacleDistanceM' | 'obstacleColumns'> {
  let nearest = -1;
  const offCentre = (column: number): number => Math.abs(2 * column + 1 - obstacle.length);
  obstacle.forEach((index, column) => {
    if (index === -1) return;
    const difference = nearest === -1 ? -1 : offCentre(column) - offCentre(nearest);
    if (difference < 0 || (difference === 0 && (distanceM[column] ?? 0) < (distanceM[nearest] ?? 0))) nearest = column;
  });
  const index = obstacle[nearest] ?? -1;
  const kind = obstacles[index]?.kind;
  if (kind === undefined) return { obstacle: 'none', obstacleDistanceM: undefined, obstacleColumns: 0 };
  return {
    obstacle: kind,
    obstacleDistanceM: distanceM[nearest],
    obstacleColumns: obstacle.filter((other) => other === index).length,
  };
}
