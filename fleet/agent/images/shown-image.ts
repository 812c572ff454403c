import { camerasOf, type Camera } from '../../../datasets/camera.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { RobotImage } from '../versions/robot-images.ts';
import { imageFormatOf } from './image-format.ts';

/** An image as `recordImage` takes it, as `decide` takes it. Throws a TypeError for an unknown camera and for what is no image of it. */
export function shownImage(robotType: RobotType, name: string, bytes: Uint8Array): RobotImage {
  const camera = camerasOf(robotType).find((each) => each.name === name);
  if (camera === undefined)
    throw new TypeError(`expected a camera of the robot type, got ${JSON.stringify(name.slice(0, 63))}`);
  if (imageFormatOf(camera, bytes) !== 'raw') return { encoded: bytes };
  const { width, height } = camera;
  return { rgb: rgbOf(camera, bytes), width, height };
}

function rgbOf({ colour }: Camera, bytes: Uint8Array): Uint8Array {
  if (colour === 'rgb') return bytes;
  const rgb = new Uint8Array(bytes.length * 3);
  for (const [index, grey] of bytes.entries()) rgb.fill(grey, index * 3, index * 3 + 3);
  return rgb;
}
