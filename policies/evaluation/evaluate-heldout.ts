import { sliceBlock, type RowSource } from '../rows.ts';
import type { GraphSession } from '../runtime.ts';
import { answer, type Answers } from './contestant.ts';
import { heldoutTally, type HeldoutOutcome, type TallyInput } from './heldout-tally.ts';
import { dictionary } from '../../domain/dictionary.ts';

/** Held-out rows with the episode of each; rows of an episode are adjacent. */
export interface HeldoutSource extends RowSource {
  episodes(block: number): Promise<Int32Array | undefined>;
}

export interface HeldoutInput extends Omit<TallyInput, 'others'> {
  readonly source: HeldoutSource;
  readonly candidate: GraphSession;
  /** Others on the same rows, by name, e.g. champion, anchor, linear. */
  readonly others: Readonly<Record<string, GraphSession>>;
  readonly progress: (details: Readonly<Record<string, number>>) => void;
}

const rowsAtOnce = 4096;

/** Runs all policies over the held-out rows once; memory does not depend on their number. */
export async function evaluateHeldout(input: HeldoutInput): Promise<HeldoutOutcome> {
  const tally = heldoutTally({ ...input, others: Object.keys(input.others) });
  for (let number = 0; number < input.source.blockRows.length; number += 1) {
    const block = await input.source.read(number);
    const episodes = await input.source.episodes(number);
    if (episodes === undefined) throw new Error('expected a held-out set with a column episode, got none');
    for (let start = 0; start < block.rows; start += rowsAtOnce) {
      const part = sliceBlock(block, start, Math.min(block.rows, start + rowsAtOnce));
      const candidate = await answer(input.candidate, input.type, input.sizes, part);
      const others = dictionary<Answers>();
      for (const [name, session] of Object.entries(input.others))
        others[name] = await answer(session, input.type, input.sizes, part);
      tally.add(part, episodes.subarray(start, start + part.rows), candidate, others);
    }
    input.progress({ heldoutRows: tally.frames() });
  }
  return tally.finish();
}
