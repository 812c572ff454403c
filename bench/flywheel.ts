import { robotTypeName } from '../datasets/robot-type.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { closedLoopSuccess } from '../fleet/simulator/closed-loop.ts';
import { teacherDriver, modelDriver, type Driver } from '../fleet/simulator/driver.ts';
import { roomFamilies, type RoomFamily } from '../fleet/simulator/rooms/families.ts';
import { collectWeek } from './flywheel/collect.ts';
import { openLearningLoop, type LearningLoop } from './flywheel/loop.ts';
import { cameraSettings, ringSettings, type Demonstrations, type LoopSettings } from './flywheel/settings.ts';

export interface FlywheelOptions {
  /** First of the seeds; each is a fleet, its rooms and its trainings. */
  readonly seed: number;
  /** Robots that have nothing but a camera; else their ring of ranges. */
  readonly camera?: boolean;
  readonly seeds?: number;
  readonly cycles?: number;
  /** Episodes of 20 s in rooms of families that no cycle trained on, a seed. */
  readonly heldoutEpisodes?: number;
  readonly progress: (line: string) => void;
}

export interface FlywheelResult {
  readonly leg: 'flywheel';
  /** Of the body that learns. */
  readonly robotType: string;
  /** Whose images its policies see. */
  readonly cameras: readonly string[];
  readonly cycles: number;
  readonly seeds: readonly number[];
  /** Episodes behind each fraction. */
  readonly heldoutEpisodes: number;
  readonly trainedFamilies: readonly RoomFamily[];
  readonly heldoutFamilies: readonly RoomFamily[];
  /** Closed-loop success of the first policy and after each cycle, with corrections; mean over seeds. */
  readonly successFraction: readonly number[];
  /** The same fleet and loop, but the expert says nothing. */
  readonly successFractionWithoutCorrections: readonly number[];
  /** Last minus first, percentage points. */
  readonly gainPoints: number;
  readonly gainWithoutCorrectionsPoints: number;
  /** Each seed's run, with and without corrections. */
  readonly bySeed: readonly { readonly withCorrections: readonly number[]; readonly without: readonly number[] }[];
}

const trainedFamilies = roomFamilies.slice(0, 4);
const heldoutFamilies = roomFamilies.slice(4);

/**
 * Does the flywheel turn? From a first policy that learned from a handful of demonstrations in empty halls, cycles of
 * driving, collecting, mixing and training by the project's own activities; success is measured in closed loop on families of
 * rooms that are never trained on, with and without the expert's corrections. A pure function of the seed.
 */
export async function measureFlywheel(options: FlywheelOptions): Promise<FlywheelResult> {
  const { seed, heldoutEpisodes = 200, progress } = options;
  const settings = options.camera === true ? cameraSettings : ringSettings;
  const { seeds: seedCount = settings.seeds, cycles = settings.cycles } = options;
  const seeds = Array.from({ length: seedCount }, (_, index) => seed + index);
  const bySeed: { withCorrections: readonly number[]; without: readonly number[] }[] = [];
  for (const seed of seeds) {
    const demonstrations = await findDemonstrations(settings, seed, progress);
    const run = (isCorrected: boolean): Promise<readonly number[]> =>
      runLoop({ settings, seed, cycles, heldoutEpisodes, progress, demonstrations, isCorrected });
    bySeed.push({ withCorrections: await run(true), without: await run(false) });
  }
  const mean = (of: (run: (typeof bySeed)[number]) => readonly number[]): readonly number[] =>
    Array.from(
      { length: cycles + 1 },
      (_, cycle) => bySeed.reduce((sum, run) => sum + (of(run)[cycle] ?? Number.NaN), 0) / bySeed.length,
    );
  const successFraction = mean((run) => run.withCorrections);
  const successFractionWithoutCorrections = mean((run) => run.without);
  return {
    leg: 'flywheel',
    robotType: robotTypeName(settings.robotType),
    cameras: settings.cameras,
    cycles,
    seeds,
    heldoutEpisodes: heldoutEpisodes * seeds.length,
    trainedFamilies,
    heldoutFamilies,
    successFraction,
    successFractionWithoutCorrections,
    gainPoints: gainPoints(successFraction),
    gainWithoutCorrectionsPoints: gainPoints(successFractionWithoutCorrections),
    bySeed,
  };
}

/** The result as a table a person reads. */
export function describeFlywheel(result: FlywheelResult): string {
  const cycles = result.successFraction.map((_, cycle) => (cycle === 0 ? 'first' : `cycle ${cycle}`).padStart(9));
  return [
    `${result.robotType}${result.cameras.length === 0 ? '' : `, whose policies see ${result.cameras.join(', ')}`}: success in ${result.heldoutEpisodes} episodes in rooms never trained on (${result.heldoutFamilies.join(', ')})`,
    `${''.padEnd(24)}${cycles.join('')}`,
    row('with corrections', result.successFraction),
    row('without corrections', result.successFractionWithoutCorrections),
    `gain ${result.gainPoints.toFixed(1)} points, without corrections ${result.gainWithoutCorrectionsPoints.toFixed(1)} points`,
  ].join('\n');
}

const row = (name: string, fractions: readonly number[]): string =>
  `${name.padEnd(24)}${fractions.map((fraction) => percent(fraction).padStart(9)).join('')}`;

const gainPoints = (fractions: readonly number[]): number => 100 * ((fractions.at(-1) ?? 0) - (fractions[0] ?? 0));

/**
 * What so few demonstrations teach differs widely. Goes through a fixed list until a policy succeeds as often as wanted;
 * rooms that choose are not the rooms that measure.
 */
async function findDemonstrations(
  settings: LoopSettings,
  seed: number,
  progress: (line: string) => void,
): Promise<Demonstrations> {
  const { least, most } = settings.firstSuccess;
  for (const demonstrations of settings.demonstrations) {
    const { robots, framesPerEpisode } = demonstrations;
    const loop = await openLearningLoop(settings);
    try {
      const success = await successOf(
        settings,
        await firstPolicy(loop, settings, seed, demonstrations),
        seed + 10_000,
        100,
      );
      progress(`seed ${seed}: ${robots} demonstrations of ${framesPerEpisode} frames succeed in ${percent(success)}`);
      if (success >= least && success <= most) return demonstrations;
    } finally {
      await loop.close();
    }
  }
  throw new Error(
    `expected a first policy that succeeds in ${percent(least)} to ${percent(most)}, got none for seed ${seed}`,
  );
}

interface RunInput {
  readonly settings: LoopSettings;
  readonly seed: number;
  readonly cycles: number;
  readonly heldoutEpisodes: number;
  readonly demonstrations: Demonstrations;
  readonly isCorrected: boolean;
  readonly progress: (line: string) => void;
}

async function runLoop({ settings, seed, cycles, heldoutEpisodes, demonstrations, isCorrected, progress }: RunInput) {
  const loop = await openLearningLoop(settings);
  const { robotType, week } = settings;
  const say = `seed ${seed}, ${isCorrected ? 'with' : 'without'} corrections`;
  try {
    let model = await firstPolicy(loop, settings, seed, demonstrations);
    const success = [await successOf(settings, model, seed + 20_000, heldoutEpisodes)];
    progress(`${say}: first policy ${percent(success[0])}`);
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const weeks = await withDriver(settings, model, (driver) =>
        collectWeek({ ...week, robotType, driver, families: trainedFamilies, seed, week: cycle, isCorrected }),
      );
      const outcome = await loop.cycle({ name: `cycle-${cycle}`, weeks, seed });
      model = outcome.model;
      success.push(await successOf(settings, model, seed + 20_000, heldoutEpisodes));
      const { episodesStored, trainRows } = outcome;
      progress(`${say}: cycle ${cycle} ${percent(success[cycle])} (${episodesStored} new episodes, ${trainRows} rows)`);
    }
    return success;
  } finally {
    await loop.close();
  }
}

async function firstPolicy(
  loop: LearningLoop,
  { robotType }: LoopSettings,
  seed: number,
  demonstrations: Demonstrations,
): Promise<Uint8Array> {
  const shown = { ...demonstrations, episodesPerRobot: 1, isCorrected: false };
  const weeks = await collectWeek({ ...shown, robotType, driver: teacherDriver, families: ['hall'], seed, week: 0 });
  return (await loop.cycle({ name: 'first', weeks, seed })).model;
}

const successOf = (settings: LoopSettings, model: Uint8Array, seed: number, episodes: number): Promise<number> =>
  withDriver(
    settings,
    model,
    async (driver) =>
      (
        await closedLoopSuccess(driver, {
          families: heldoutFamilies,
          seeds: [seed],
          episodes,
          body: settings.robotType,
        })
      ).successFraction,
  );

async function withDriver<T>(
  { robotType }: LoopSettings,
  model: Uint8Array,
  work: (driver: Driver) => Promise<T>,
): Promise<T> {
  const driver = await modelDriver(onnxRuntime(), model, robotType);
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}

const percent = (fraction: number | undefined): string => `${(100 * (fraction ?? Number.NaN)).toFixed(1)} %`;
