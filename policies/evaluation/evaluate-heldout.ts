import { sliceBlock, totalRows, type RowBlock, type RowSource } from '../rows.ts';
import type { RowFacts } from '../gates/index.ts';
import type { GraphSession } from '../runtime.ts';
import { rowsAtOnce, sliceImages } from '../seen-images.ts';
import { answer, imagesIn, type Answers } from './contestant.ts';
import { disagreementTally, type Disagreement } from './disagreements.ts';
import { missTally, type Miss } from './misses.ts';
import { answerSingle, isSameAnswer } from './single-rows.ts';
import { heldoutTally, type HeldoutOutcome, type TallyInput } from './heldout-tally.ts';
import { dictionary } from '../../domain/dictionary.ts';

/** Held-out rows with the episode and robot of each; rows of an episode are adjacent. */
export interface HeldoutSource extends RowSource {
  episodes(block: number): Promise<Int32Array | undefined>;
  /** The robot of each row; undefined where the set does not say. */
  robots?(block: number): Promise<Int32Array | undefined>;
  /** The body of each row; undefined where the set has one only. */
  bodies?(block: number): Promise<Int32Array | undefined>;
  /** Index of each row's frame in its episode; undefined where the set does not say. */
  frames?(block: number): Promise<Int32Array | undefined>;
  /** How many frames lie between each row and the beginning of its run; undefined where the set does not say. */
  runFrames?(block: number): Promise<Int32Array | undefined>;
  /** Whether it does. */
  readonly hasRuns?: boolean;
  /** Frames of a row that the set has, the present included; not there: the present alone. */
  readonly history?: number;
  /** Images of a row and camera that the set has room for, that of its own frame included; not there: that alone. */
  readonly imageHistory?: number;
  /** Cameras of which the set has images, whether they are read or not. */
  readonly imageCameras?: readonly string[];
  /** JPEG of a row as the set has it, by camera, of those that are read. */
  encodedImages?(block: number, row: number): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface HeldoutInput extends Omit<TallyInput, 'others'> {
  readonly source: HeldoutSource;
  /** Cameras of the rows' pictures, in their order; empty where no policy sees. */
  readonly cameras?: readonly string[];
  /** How many of each a row has, that of its own frame included; not there: that alone. */
  readonly imageHistory?: number;
  readonly candidate: GraphSession;
  /** Others on the same rows, by name, e.g. champion, anchor, linear. */
  readonly others: Readonly<Record<string, GraphSession>>;
  readonly progress: (details: Readonly<Record<string, number>>) => void;
  readonly monotonicMs: () => number;
}

/** The candidate failed on held-out rows: it crashed, hung or gave something else than it declares. Says nothing of the rest. */
export class CandidateFailed extends Error {}

const mostRowsAtOnce = 4096;
/** Held-out rows that are asked alone as well, spread over all of them. */
const singleRows = 1000;

export interface HeldoutAnswers extends HeldoutOutcome {
  readonly singles: SingleRowsOutcome;
  /** Where candidate and reference differ most; empty without a reference, or where no policy sees. */
  readonly disagreements: readonly Disagreement[];
  /** Where the candidate is surest and wrong; empty for continuous actions. */
  readonly misses: readonly Miss[];
}

/**
 * Runs all policies over the held-out rows once, and the candidate over some of them row by row, as robots ask; memory does not
 * depend on their number. Throws `CandidateFailed` when the candidate does not answer.
 */
export async function evaluateHeldout(input: HeldoutInput): Promise<HeldoutAnswers> {
  const { source, cameras = [], type, sizes, reference } = input;
  const singles = singleRowsTally(input, Math.max(1, Math.floor(totalRows(source) / singleRows)));
  const tally = heldoutTally({ ...input, others: Object.keys(input.others) });
  const disagreements = disagreementTally(type, sizes.actionSize);
  const misses = missTally(type, sizes.actionSize);
  const seen = (sizes.cameras ?? []).filter(({ name }) => cameras.includes(name));
  const atOnce = rowsAtOnce(seen, mostRowsAtOnce, input.imageHistory);
  for (let number = 0; number < source.blockRows.length; number += 1) {
    const block = await source.read(number);
    const episodes = await source.episodes(number);
    if (episodes === undefined) throw new Error('expected a held-out set with a column episode, got none');
    const robots = await source.robots?.(number);
    const bodies = await source.bodies?.(number);
    const frames = await source.frames?.(number);
    const runFrames = await source.runFrames?.(number);
    for (let start = 0; start < block.rows; start += atOnce) {
      const part = sliceBlock(block, start, Math.min(block.rows, start + atOnce));
      const of = (numbers: Int32Array): Int32Array => numbers.subarray(start, start + part.rows);
      const runs = runFrames && of(runFrames);
      const candidate = await answer(input.candidate, type, sizes, part, cameras, runs).catch(failed);
      const others = dictionary<Answers>();
      for (const [name, session] of Object.entries(input.others))
        others[name] = await answer(session, type, sizes, asIfKnown(part, input.knownTasks?.[name]), cameras, runs);
      await singles.add(part, runs, candidate.outputs).catch(failed);
      const rows = { block: part, episodes: of(episodes), robots: robots && of(robots), bodies: bodies && of(bodies) };
      tally.add(rows, candidate, others);
      misses.add({ ...rows, number, start, frames: frames && of(frames) }, candidate);
      const champion = reference === undefined ? undefined : others[reference];
      if (champion !== undefined && cameras.length > 0)
        disagreements.add({ ...rows, number, start }, candidate, champion);
    }
    input.progress({ heldoutRows: tally.frames() });
  }
  return {
    ...tally.finish(),
    singles: singles.finish(),
    disagreements: disagreements.finish(),
    misses: misses.finish(),
  };
}

/** A policy may fail on a task it does not know: it is asked about the first one instead, and its answer counts nowhere. */
function asIfKnown(block: RowBlock, knownTasks = Number.POSITIVE_INFINITY): RowBlock {
  return block.task.every((task) => task < knownTasks)
    ? block
    : { ...block, task: block.task.map((task) => (task < knownTasks ? task : 0)) };
}

function failed(cause: unknown): never {
  throw new CandidateFailed(cause instanceof Error ? cause.message : String(cause), { cause });
}

export type SingleRowsOutcome = RowFacts & { readonly slowestMs: number };

/** Asks every `step`th row alone. */
function singleRowsTally({ type, sizes, candidate, cameras = [], monotonicMs }: HeldoutInput, step: number) {
  const facts = { rows: 0, differing: 0, reason: '', slowestMs: 0 };
  let next = 0;
  let seen = 0;
  return {
    async add(block: RowBlock, runs: Int32Array | undefined, outputs: Float32Array): Promise<void> {
      for (; next < seen + block.rows; next += step) {
        const row = next - seen;
        const observation = block.observation.subarray(row * sizes.observationSize, (row + 1) * sizes.observationSize);
        const task = block.task[row] ?? 0;
        const images = sliceImages(imagesIn(block, cameras), block.rows, row, row + 1);
        const before = block.past && block.past.length / block.rows;
        const past = before === undefined ? undefined : block.past?.subarray(row * before, (row + 1) * before);
        const asked = { observation, task, images, past, runFrame: runs?.[row] };
        const { values, durationMs } = await answerSingle(candidate, sizes, asked, monotonicMs);
        facts.rows += 1;
        facts.slowestMs = Math.max(facts.slowestMs, durationMs);
        if (isSameAnswer(values, outputs.subarray(row * sizes.actionSize), type)) continue;
        facts.differing += 1;
        facts.reason ||= `held-out row ${next}`;
      }
      seen += block.rows;
    },
    finish: (): SingleRowsOutcome => facts,
  };
}
