import { networkCost } from '../policies/network.ts';
import { ourSteps, pictureCase } from './image-training/our-steps.ts';
import { torchSteps } from './image-training/torch-steps.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly parameters: number;
  readonly multiplyAccumulates: number;
  /** Milliseconds of a training step of 16 rows on one thread, median over all rounds and the quickest. */
  readonly oursMs: number;
  readonly oursLeastMs: number;
  /** Null without a Python that has torch. */
  readonly torchMs: number | null;
  readonly torchLeastMs: number | null;
  /** torch / ours, of the quickest, which other work on the machine disturbs least: above one where ours is quicker. */
  readonly ratio: number | null;
  /** Largest difference of the losses of the first 40 steps: the same training, or the figures would mean nothing. */
  readonly lossDifference: number | null;
}

export interface ImageTrainingBenchResult {
  readonly leg: 'image-training';
  readonly batch: 16;
  readonly steps: number;
  readonly rounds: number;
  readonly torch: string | null;
  readonly sizes: readonly PictureSize[];
}

export interface ImageTrainingBenchOptions {
  /** A Python that has torch; without it ours alone is measured. */
  readonly python?: string | undefined;
  readonly steps: number;
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

const pictureSizes = [
  { width: 64, height: 48 },
  { width: 96, height: 96 },
] as const;
const warmUp = 2;
/**
 * Beyond, the two have not trained the same network: sums in another order differ by some thousandths over these steps, and Adam makes
 * more of it later.
 */
const mostLossDifference = 0.05;
const comparedSteps = 40;

/** A training step of the default networks that see, ours and PyTorch's in turn, on the same rows from the same parameters. */
export async function measureImageTraining(options: ImageTrainingBenchOptions): Promise<ImageTrainingBenchResult> {
  const { steps, rounds, python, progress } = options;
  if (python === undefined)
    progress('PyTorch is not measured: name a Python that has torch with --python PATH to compare with it');
  let torch: string | null = null;
  const sizes: PictureSize[] = [];
  for (const { width, height } of pictureSizes) {
    const of = pictureCase(height, width, steps, options.seed);
    const ours: number[] = [];
    const theirs: number[] = [];
    let lossDifference: number | null = null;
    for (let round = 1; round <= rounds; round += 1) {
      const own = await ourSteps(of);
      ours.push(...own.milliseconds.slice(warmUp));
      if (python === undefined) continue;
      const other = await torchSteps(python, of);
      theirs.push(...other.milliseconds.slice(warmUp));
      torch = other.torch;
      lossDifference = largestDifference(own.losses.slice(0, comparedSteps), other.losses);
      if (!(lossDifference <= mostLossDifference))
        throw new Error(`expected losses of both within ${mostLossDifference}, got a difference of ${lossDifference}`);
    }
    sizes.push({ width, height, ...networkCost(of.shape), ...figures(ours, theirs), lossDifference });
    progress(describeSize(sizes.at(-1) as PictureSize));
  }
  return { leg: 'image-training', batch: 16, steps, rounds, torch, sizes };
}

function figures(ours: readonly number[], theirs: readonly number[]) {
  const own = { oursMs: median(ours), oursLeastMs: Math.min(...ours) };
  if (theirs.length === 0) return { ...own, torchMs: null, torchLeastMs: null, ratio: null };
  const torchLeastMs = Math.min(...theirs);
  return { ...own, torchMs: median(theirs), torchLeastMs, ratio: torchLeastMs / own.oursLeastMs };
}

const largestDifference = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(...ours.map((loss, step) => Math.abs(loss - (theirs[step] ?? Number.NaN))));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const describeSize = (size: PictureSize): string => {
  const { width, height, parameters, multiplyAccumulates, oursMs, oursLeastMs, torchMs, torchLeastMs } = size;
  const ours = `${width} × ${height}: ${parameters} parameters, ${(multiplyAccumulates / 1e6).toFixed(1)} million multiply-accumulates, ours ${oursMs.toFixed(1)} ms a step (least ${oursLeastMs.toFixed(1)})`;
  if (torchMs === null || torchLeastMs === null) return ours;
  return `${ours}, PyTorch ${torchMs.toFixed(1)} (least ${torchLeastMs.toFixed(1)}), ratio ${(size.ratio ?? 0).toFixed(2)}, losses within ${(size.lossDifference ?? 0).toExponential(0)}`;
};

export const describeImageTraining = ({ sizes, torch }: ImageTrainingBenchResult): string =>
  [...sizes.map(describeSize), torch === null ? 'PyTorch not measured' : `PyTorch ${torch}`].join('\n');
