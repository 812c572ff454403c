import type { Camera } from '../../datasets/camera.ts';
import type { Driver } from './driver.ts';
import { seenPictures, takePictures, type FramePictures } from './pictures.ts';
import type { SimulatedFailure, Surroundings } from './surroundings.ts';

/** One frame of an episode as it happened; `readings` is a copy. */
export interface SimulatedFrame {
  readonly readings: Float32Array;
  readonly action: number;
  readonly expertAction: number;
  /** Only where they are kept. */
  readonly pictures?: FramePictures;
}

export interface SimulatedEpisode {
  /** Position in the list of robots. */
  readonly robot: number;
  readonly frames: readonly SimulatedFrame[];
  readonly failure: SimulatedFailure | undefined;
}

export interface EpisodeOptions {
  readonly framesPerEpisode: number;
  readonly leastFrames?: number;
  /** The robot type's; a robot in a place without a task of that name has the first one. */
  readonly tasks?: readonly string[];
  /** Of the robots; each takes an image with every frame. None unless told. */
  readonly cameras?: readonly Camera[] | undefined;
  /** Whether frames keep what cameras saw. */
  readonly keepsPictures?: boolean;
}

/**
 * Lets every robot live one episode, all in step: each frame is one call of the driver for those still under way. An
 * episode ends after `framesPerEpisode` frames or at its first failure, but not before `leastFrames`. Order of robots.
 */
export async function runEpisodes(
  robots: readonly Surroundings[],
  driver: Driver,
  { framesPerEpisode, leastFrames = 1, tasks = [], cameras = [], keepsPictures = false }: EpisodeOptions,
): Promise<readonly SimulatedEpisode[]> {
  const frames = robots.map((): SimulatedFrame[] => []);
  for (const robot of robots) robot.begin();
  const taskOf = robots.map((robot) => Math.max(0, tasks.indexOf(robot.place() ?? '')));
  let underWay = robots.map((_, index) => index);
  for (let frame = 0; frame < framesPerEpisode && underWay.length > 0; frame += 1) {
    const readings = gather(robots, underWay);
    const pictures = underWay.map((index) => takePictures(robots[index] as Surroundings, { cameras }));
    const actions = await driver.choose(
      readings,
      Int32Array.from(underWay, (index) => taskOf[index] ?? 0),
      seenPictures(pictures, driver.cameras ?? []),
      Int32Array.from(underWay, (index) => robots[index]?.expertAction() ?? 0),
    );
    const width = readings.length / underWay.length;
    underWay.forEach((index, position) => {
      const [robot, action] = [robots[index], actions[position] ?? 0];
      if (robot === undefined) return;
      const seen = readings.subarray(position * width, (position + 1) * width);
      const looked = keepsPictures ? { pictures: pictures[position] ?? new Map<string, never>() } : {};
      frames[index]?.push({ readings: seen, action, expertAction: robot.expertAction(), ...looked });
      robot.act(action);
    });
    underWay = underWay.filter((index) => frame + 1 < leastFrames || robots[index]?.failure() === undefined);
  }
  return robots.map((robot, index) => ({ robot: index, frames: frames[index] ?? [], failure: robot.failure() }));
}

/** Readings of the chosen robots, one after the other, in memory of their own. */
function gather(robots: readonly Surroundings[], chosen: readonly number[]): Float32Array {
  const width = robots[0]?.readings.length ?? 0;
  const readings = new Float32Array(chosen.length * width);
  chosen.forEach((index, position) => readings.set(robots[index]?.readings ?? [], position * width));
  return readings;
}
