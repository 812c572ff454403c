import { camerasOf, type Camera } from '../../datasets/camera.ts';
import { dictionary } from '../../domain/dictionary.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import type { RobotImage, RobotImages } from '../agent/index.ts';
import type { Surroundings } from './surroundings.ts';

/** An image as an agent records it. */
export interface TakenImage {
  readonly camera: string;
  /** Raw pixels: RGB, or grey of a grey camera. Overwritten by the camera's next image. */
  readonly bytes: Uint8Array;
}

/** The cameras of one robot, which take images at their rates while it drives. */
export interface Viewer {
  /** A new episode: every camera takes an image with its first frame. */
  begin(): void;
  /** The images that are due at a frame, counted from 0 in its episode; none when the frame was looked at before. */
  look(frame: number): readonly TakenImage[];
  /** Every camera's last image, as a policy sees it. */
  images(): RobotImages;
}

/** Throws for a camera that is faster than the robot: it would see nothing new. */
export function openViewer(robotType: RobotType, surroundings: Surroundings): Viewer {
  const cameras = camerasOf(robotType);
  for (const { name, rateHz } of cameras)
    if (rateHz > robotType.rateHz)
      throw new Error(
        `expected cameras of at most the ${robotType.rateHz} images a second of a simulated ${robotTypeName(robotType)}, got ${name} with ${rateHz}`,
      );
  let looked = -1;
  let latest = dictionary<RobotImage>();
  return {
    begin() {
      looked = -1;
      latest = dictionary();
    },
    look(frame) {
      if (frame <= looked) return [];
      looked = frame;
      return cameras.flatMap((camera) => {
        if (!isDue(camera, robotType, frame)) return [];
        const rgb = surroundings.see?.(camera.name);
        if (rgb === undefined) throw new Error(`expected surroundings that a camera ${camera.name} sees, got others`);
        latest[camera.name] = asSeen(camera, rgb);
        return [{ camera: camera.name, bytes: camera.colour === 'rgb' ? rgb : greyOf(rgb) }];
      });
    },
    images: () => latest,
  };
}

/** Images are spread evenly over frames, the first one with the first frame. */
const isDue = ({ rateHz }: Camera, robot: RobotType, frame: number): boolean =>
  frame === 0 || Math.floor((frame * rateHz) / robot.rateHz) > Math.floor(((frame - 1) * rateHz) / robot.rateHz);

function asSeen({ width, height, colour, learned }: Camera, rgb: Uint8Array): RobotImage {
  const seen = colour === 'rgb' ? rgb : rgbOf(greyOf(rgb));
  return learned.width === width && learned.height === height ? seen : { rgb: seen, width, height };
}

/** Luma of ITU-R BT.601, rounded. */
const greyOf = (rgb: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: rgb.length / 3 }, (_, pixel) =>
    Math.round(0.299 * (rgb[3 * pixel] ?? 0) + 0.587 * (rgb[3 * pixel + 1] ?? 0) + 0.114 * (rgb[3 * pixel + 2] ?? 0)),
  );

const rgbOf = (grey: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: grey.length * 3 }, (_, at) => grey[Math.floor(at / 3)] ?? 0);
