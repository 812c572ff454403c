import { cameraSchema } from '../fleet/simulator/rooms/camera/camera.ts';
import type { CameraPart, CameraPartResult } from './camera/part.ts';
import { inProcess } from './in-process.ts';

export interface CameraBenchOptions {
  readonly seed: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Episodes a process and round. */
  readonly episodes: number;
  /** Processes that share the work; one a core. */
  readonly processes?: number;
  /** Rounds with and without camera, in turn; the medians count. */
  readonly rounds: number;
  readonly progress: (line: string) => void;
}

export interface CameraBenchResult {
  readonly leg: 'camera';
  readonly width: number;
  readonly height: number;
  readonly framesPerEpisode: number;
  readonly episodesPerSecond: number;
  readonly withoutEpisodesPerSecond: number;
  /** With / without camera. */
  readonly ratio: number;
  /** Processor time of an episode with the camera; other work on the machine changes it less than the episodes a second. */
  readonly cpuMsPerEpisode: number;
  /** What the camera adds to a frame, processor time. */
  readonly cameraCpuUsPerFrame: number;
  /** The slowest and the fastest round with the camera. */
  readonly leastEpisodesPerSecond: number;
  readonly mostEpisodesPerSecond: number;
}

const framesPerEpisode = 60;

/** How fast episodes in `rooms` are driven by the expert with an image of every frame, against the same episodes without. No agents, no policy. */
export async function measureCamera(options: CameraBenchOptions): Promise<CameraBenchResult> {
  const { seed, width, height, episodes, processes = 2, rounds, progress } = options;
  const camera = cameraSchema.parse({ width, height });
  const withCamera: Round[] = [];
  const without: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const part = { seed: seed + round, episodes, framesPerEpisode };
    without.push(await measureRound(part, processes));
    withCamera.push(await measureRound({ ...part, camera }, processes));
    progress(`round ${round + 1}: ${withCamera.at(-1)?.episodesPerSecond.toFixed(0)} episodes a second`);
  }
  const [own, reference] = [withCamera, without].map((of) => median(of.map((round) => round.episodesPerSecond)));
  const cpu = (of: readonly Round[]): number => median(of.map((round) => round.cpuMsPerEpisode));
  const speeds = withCamera.map((round) => round.episodesPerSecond);
  return {
    leg: 'camera',
    width,
    height,
    framesPerEpisode,
    episodesPerSecond: own ?? Number.NaN,
    withoutEpisodesPerSecond: reference ?? Number.NaN,
    ratio: (own ?? Number.NaN) / (reference ?? Number.NaN),
    cpuMsPerEpisode: cpu(withCamera),
    cameraCpuUsPerFrame: (1_000 * (cpu(withCamera) - cpu(without))) / framesPerEpisode,
    leastEpisodesPerSecond: Math.min(...speeds),
    mostEpisodesPerSecond: Math.max(...speeds),
  };
}

interface Round {
  readonly episodesPerSecond: number;
  readonly cpuMsPerEpisode: number;
}

async function measureRound(part: CameraPart, processes: number): Promise<Round> {
  const results = await Promise.all(
    Array.from({ length: processes }, (_, process) =>
      inProcess<CameraPartResult>(new URL('camera/part-process.ts', import.meta.url), {
        ...part,
        seed: part.seed * processes + process,
      } satisfies CameraPart),
    ),
  );
  const episodes = processes * part.episodes;
  return {
    episodesPerSecond: (1_000 * episodes) / Math.max(...results.map(({ ms }) => ms)),
    cpuMsPerEpisode: results.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / episodes,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
