/** A set of whole numbers that mostly come in runs, as JSON holds it: `[start, end, start, end, …]`, half-open, ascending. */
export type SeqRuns = number[];

/** Runs of one life; a life with more gaps has its oldest gap closed. */
export const mostRuns = 1_000;

/**
 * Puts `seq` into the set; false when it was in. Logarithmic in the runs, of which there are at most {@link mostRuns}: beyond
 * that the oldest gap counts as taken, so what still comes for it is dropped, and nothing ever counts twice.
 */
export function takeSeq(runs: SeqRuns, seq: number): boolean {
  const index = runsUpTo(runs, seq);
  const endBefore = runs[index - 1];
  if (index > 0 && endBefore !== undefined && seq < endBefore) return false;
  const joinsBefore = index > 0 && endBefore === seq;
  const joinsAfter = runs[index] === seq + 1;
  if (joinsBefore && joinsAfter) runs.splice(index - 1, 2);
  else if (joinsBefore) runs[index - 1] = seq + 1;
  else if (joinsAfter) runs[index] = seq;
  else runs.splice(index, 0, seq, seq + 1);
  if (runs.length > 2 * mostRuns) runs.splice(1, 2);
  return true;
}

/** Where the first run that starts after `seq` stands. */
function runsUpTo(runs: SeqRuns, seq: number): number {
  let [low, high] = [0, runs.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[2 * middle] ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}
