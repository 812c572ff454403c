import { largeCandidates, smallCandidates, type CandidateSettings } from './defaults/settings.ts';
import { rankCandidates, type CandidateResult, type RankedCandidate, type SetResult } from './defaults/ranking.ts';
import type { BenchSet } from './defaults/rows.ts';
import { armSet, roomsSet, sorterSet, wallFollowingSet } from './defaults/sets.ts';
import { firstHalf, trainOnce, type TrainedOnce } from './defaults/train-once.ts';

export interface DefaultsOptions {
  readonly size: 'small' | 'large';
  /** Trainings of each way on each set. */
  readonly seeds: number;
  /** Folder of the wall-following recording; needed for the small sets. */
  readonly recording: string;
  readonly progress: (line: string) => void;
}

export interface DefaultsResult {
  readonly size: 'small' | 'large';
  readonly seeds: number;
  readonly sets: readonly { readonly name: string; readonly trainRows: number; readonly heldoutRows: number }[];
  /** The best first. */
  readonly ranked: readonly RankedCandidate[];
}

/** Trains every way that could be the default on every set, seed by seed, and ranks them by what they do on held-out rows. */
export async function measureDefaults(options: DefaultsOptions): Promise<DefaultsResult> {
  const { size, seeds, progress } = options;
  const sets =
    size === 'small'
      ? [
          await wallFollowingSet(options.recording),
          await roomsSet('rooms', 12_000, 1),
          armSet('arm', 12_000, 1),
          sorterSet('sorter', 9_000, 1),
        ]
      : [await roomsSet('rooms', 78_000, 2), armSet('arm', 78_000, 2)];
  const candidates = size === 'small' ? smallCandidates : largeCandidates;
  const results: CandidateResult[] = [];
  for (const candidate of candidates) {
    const ofSets: SetResult[] = [];
    for (const set of sets) {
      ofSets.push(await measureOn(set, candidate, seeds));
      progress(`${candidate.name} on ${set.name}: ${cell(ofSets.at(-1))}`);
    }
    results.push({ name: candidate.name, sets: ofSets });
  }
  return {
    size,
    seeds,
    sets: sets.map(({ name, train, heldout }) => ({ name, trainRows: train.rows, heldoutRows: heldout.rows })),
    ranked: rankCandidates(results),
  };
}

async function measureOn(set: BenchSet, candidate: CandidateSettings, seeds: number): Promise<SetResult> {
  const trained: TrainedOnce[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const start = candidate.isWarm ? (await trainOnce(firstHalf(set), candidate.settings, seed)).model : undefined;
    const once = await trainOnce(set, candidate.settings, seed, start && { model: start, type: set.type });
    if (once.coldBecause !== null) throw new Error(`expected a warm start, got a cold one: ${once.coldBecause}`);
    trained.push(once);
  }
  const mean = (of: (one: TrainedOnce) => number): number => trained.reduce((sum, one) => sum + of(one), 0) / seeds;
  const [agreementFraction, loss] = [mean((one) => one.agreementFraction), mean((one) => one.loss)];
  return {
    set: set.name,
    score: set.type.actions.kind === 'continuous' ? -loss : agreementFraction,
    agreementFraction,
    loss,
    seconds: mean(({ seconds }) => seconds),
  };
}

/** The table for docs/training.md. */
export function describeDefaults({ sets, ranked }: DefaultsResult): string {
  const heads = sets.map(({ name, trainRows }) => `${name} (${trainRows})`);
  return [
    `| way to train | ${heads.join(' | ')} | mean rank | seconds |`,
    `| --- | ${heads.map(() => '---').join(' | ')} | --- | --- |`,
    ...ranked.map(
      ({ name, sets: results, meanRank, seconds, isTooSlow }) =>
        `| ${name} | ${results.map(cell).join(' | ')} | ${meanRank.toFixed(2)} | ${seconds.toFixed(1)}${isTooSlow ? ', too slow' : ''} |`,
    ),
  ].join('\n');
}

const cell = (result: SetResult | undefined): string =>
  result === undefined ? '' : `${(100 * result.agreementFraction).toFixed(1)} %, ${result.loss.toFixed(3)}`;
