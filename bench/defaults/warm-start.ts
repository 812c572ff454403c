import { studentLowerTail } from '../../policies/gates/student-tail.ts';
import { defaultTraining, type TrainingSettings } from '../../policies/specification.ts';
import { armSet, roomsSet, sorterSet } from './sets.ts';
import type { BenchSet } from './rows.ts';
import { firstHalf, trainOnce } from './train-once.ts';
import { grownBody, withTasks } from './younger-sets.ts';

/** A champion's set and what came after it: both trainings see their own. */
export interface Situation {
  readonly name: string;
  readonly champion: BenchSet;
  readonly candidate: BenchSet;
}

/** How a candidate may begin: from nothing, or from the champion with so many times the learning rate. */
export interface Start {
  readonly name: string;
  /** Undefined: cold. */
  readonly rateFactor?: number;
}

export const starts: readonly Start[] = [
  { name: 'cold' },
  { name: 'warm', rateFactor: 1 },
  { name: 'warm, a third of the rate', rateFactor: 1 / 3 },
  { name: 'warm, a tenth of the rate', rateFactor: 1 / 10 },
];

/** One training: everything about it is the same for the same seed, on one kind of processor and build. */
export interface StartRun {
  readonly situation: string;
  readonly set: string;
  readonly start: string;
  readonly seed: number;
  readonly agreementFraction: number;
  readonly loss: number;
  readonly steps: number;
  /** Why a warm start was none; null where it was one, or a cold one was asked for. */
  readonly coldBecause: string | null;
}

export interface WarmStartOptions {
  readonly seeds: number;
  /** Rows of each set before it is parted. */
  readonly rows: number;
  readonly progress: (line: string) => void;
}

export interface WarmStartResult {
  readonly seeds: number;
  readonly runs: readonly StartRun[];
  readonly compared: readonly ComparedStart[];
  readonly decision: StartDecision;
}

/** Trains every start in every situation, seed by seed. */
export async function measureWarmStart(options: WarmStartOptions): Promise<WarmStartResult> {
  const { seeds, rows, progress } = options;
  const runs: StartRun[] = [];
  for (const situation of await situations(rows))
    for (let seed = 1; seed <= seeds; seed += 1) {
      // A cold training sees nothing of the champion: it is the same in every situation of a set.
      const isSameCold = (run: StartRun): boolean =>
        run.start === 'cold' && run.set === situation.candidate.name && run.seed === seed;
      const ofSeed = await runSeed(situation, seed, runs.find(isSameCold));
      runs.push(...ofSeed);
      for (const { set, start, agreementFraction, steps, coldBecause } of ofSeed)
        progress(
          `${situation.name}, ${set}, seed ${seed}, ${start}: ${percent(agreementFraction)} in ${steps} steps${coldBecause === null ? '' : ` (cold: ${coldBecause})`}`,
        );
    }
  const compared = compareStarts(runs);
  return { seeds, runs, compared, decision: decideStart(compared) };
}

export async function situations(rows: number): Promise<readonly Situation[]> {
  const sets = [await roomsSet('rooms', rows, 1), armSet('arm', rows, 1), sorterSet('sorter', rows, 1)];
  const [rooms, , sorter] = sets;
  const manyTasks = [rooms, sorter].filter((set) => set !== undefined);
  return [
    ...sets.map((set) => ({ name: 'more data', champion: firstHalf(set), candidate: set })),
    ...manyTasks.map((set) => ({ name: 'grown catalogue', champion: withTasks(set, 0.75), candidate: set })),
    ...sets.map((set) => {
      const { before, after } = grownBody(set, 2);
      return { name: 'grown body', champion: before, candidate: after };
    }),
  ];
}

async function runSeed(
  { name, champion, candidate }: Situation,
  seed: number,
  knownCold: StartRun | undefined,
): Promise<readonly StartRun[]> {
  const { model } = await trainOnce(champion, {}, seed);
  const runs: StartRun[] = [];
  for (const start of starts) {
    const settings = settingsOf(start, candidate.train.rows);
    const isCold = start.rateFactor === undefined;
    // What cannot be warm once is not tried at other rates.
    const cold = isCold ? knownCold : runs.find(({ coldBecause }) => coldBecause !== null);
    const facts =
      cold === undefined
        ? factsOf(await trainOnce(candidate, settings, seed, isCold ? undefined : { model, type: champion.type }))
        : factsOf(cold);
    runs.push({ situation: name, set: candidate.name, start: start.name, seed, ...facts });
  }
  return runs;
}

function settingsOf({ rateFactor = 1 }: Start, trainRows: number): TrainingSettings {
  return rateFactor === 1 ? {} : { learningRate: defaultTraining(trainRows).hyperparameters.learningRate * rateFactor };
}

type Facts = Pick<StartRun, 'agreementFraction' | 'loss' | 'steps' | 'coldBecause'>;

const factsOf = ({ agreementFraction, loss, steps, coldBecause }: Facts): Facts => ({
  agreementFraction,
  loss,
  steps,
  coldBecause,
});

/** A start against the cold one, pair by pair: the same situation, set and seed. */
export interface ComparedStart {
  readonly start: string;
  /** By situation, and over all that could be compared under the name `all`. */
  readonly situations: readonly {
    readonly situation: string;
    readonly pairs: number;
    /** Agreement of the start minus that of the cold one, mean over pairs, −1 to 1. */
    readonly difference: number;
    /** One-sided: how likely a difference this large would be if there were none; 1 for fewer than two pairs. */
    readonly p: number;
    /** The same for "it is `tolerance` worse". */
    readonly pNotWorse: number;
    /** Steps of the start for one of the cold training. */
    readonly stepsRatio: number;
  }[];
  /** Why it was cold in a situation. */
  readonly coldBecause: readonly string[];
}

/** So much less agreement still counts as being as good. */
export const tolerance = 0.005;

/** Pairs each start with the cold one. Starts that came out cold are pairs of the same thing, and left out. */
export function compareStarts(runs: readonly StartRun[]): readonly ComparedStart[] {
  const keyOf = ({ situation, set, seed }: StartRun): string => JSON.stringify([situation, set, seed]);
  const cold = new Map(runs.filter(({ start }) => start === 'cold').map((run) => [keyOf(run), run]));
  const names = [...new Set(runs.map(({ start }) => start))].filter((name) => name !== 'cold');
  return names.map((name) => {
    const own = runs.filter(({ start }) => start === name);
    const warm = own.filter(({ coldBecause }) => coldBecause === null);
    const pairs = warm.flatMap((run) => {
      const other = cold.get(keyOf(run));
      return other === undefined ? [] : [{ situation: run.situation, run, other }];
    });
    const places = [...new Set(pairs.map(({ situation }) => situation)), 'all'];
    return {
      start: name,
      situations: places.map((place) =>
        comparePairs(
          place,
          pairs.filter((pair) => place === 'all' || pair.situation === place),
        ),
      ),
      coldBecause: [
        ...new Set(own.flatMap((run) => (run.coldBecause === null ? [] : [`${run.situation}: ${run.coldBecause}`]))),
      ],
    };
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function comparePairs(
  situation: string,
  pairs: readonly { readonly run: StartRun; readonly other: StartRun }[],
): ComparedStart['situations'][number] {
  const differences = pairs.map(({ run, other }) => run.agreementFraction - other.agreementFraction);
  const difference = sum(differences) / pairs.length;
  const variance = sum(differences.map((value) => (value - difference) ** 2)) / Math.max(1, pairs.length - 1);
  const error = Math.sqrt(variance / pairs.length);
  const tail = (least: number): number => {
    if (pairs.length < 2) return 1;
    if (error === 0) return difference > least ? 0 : 1;
    return 1 - studentLowerTail((difference - least) / error, pairs.length - 1);
  };
  return {
    situation,
    pairs: pairs.length,
    difference,
    p: tail(0),
    pNotWorse: tail(-tolerance),
    stepsRatio: sum(pairs.map(({ run }) => run.steps)) / sum(pairs.map(({ other }) => other.steps)),
  };
}

export interface StartDecision {
  readonly start: string;
  readonly why: string;
}

const significance = 0.025;
const fewerSteps = 2 / 3;

/**
 * The rule, which was written before anything was measured: a warm start becomes the default where over all pairs it is proved better
 * (one-sided 2.5 %) and in no situation worse on the mean by more than `tolerance`; or where it is proved not worse than `tolerance`, with at most two
 * thirds of the steps, under the same condition. Among several the largest difference. Else the cold start stays: what a champion has learned wrongly
 * stays with a warm one.
 */
export function decideStart(compared: readonly ComparedStart[]): StartDecision {
  const fit = compared.flatMap(({ start, situations: places }) => {
    const all = places.find(({ situation }) => situation === 'all');
    if (all === undefined || places.some(({ difference }) => !(difference >= -tolerance))) return [];
    const isBetter = all.p < significance;
    const isCheaper = all.pNotWorse < significance && all.stepsRatio <= fewerSteps;
    return isBetter || isCheaper ? [{ start, all, isBetter }] : [];
  });
  const [best] = fit.toSorted((a, b) => b.all.difference - a.all.difference);
  if (best === undefined)
    return { start: 'cold', why: 'no warm start is proved better, or as good with a third fewer steps' };
  const { start, all, isBetter } = best;
  return {
    start,
    why: `${points(all.difference)} against a cold start over ${all.pairs} pairs, ${isBetter ? 'proved better' : `proved no more than ${points(tolerance)} worse`}, with ${all.stepsRatio.toFixed(2)} of the steps`,
  };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;

/** The table for docs/training.md. */
export function describeWarmStart({ compared, decision }: WarmStartResult): string {
  const rows = compared.flatMap(({ start, situations: places }) =>
    places.map(
      ({ situation, pairs, difference, p, pNotWorse, stepsRatio }) =>
        `| ${start} | ${situation} | ${pairs} | ${points(difference)} | ${p.toFixed(3)} | ${pNotWorse.toFixed(3)} | ${stepsRatio.toFixed(2)} |`,
    ),
  );
  const notes = [...new Set(compared.flatMap(({ coldBecause }) => coldBecause))].map(
    (note) => `cold after all – ${note}`,
  );
  return [
    '| start | situation | pairs | agreement against cold | p, better | p, not 0.5 pp worse | steps for one of cold |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...notes,
    `default: ${decision.start}: ${decision.why}`,
  ].join('\n');
}
