/** A set of whole numbers that mostly come in runs, as JSON holds it: `[start, end, start, end, …]`, half-open, ascending. */
export type SeqRuns = number[];

/** Puts `seq` into the set; false when it was in. Quick near the end, linear in the runs at worst. */
export function takeSeq(runs: SeqRuns, seq: number): boolean {
  let index = runs.length;
  while (index > 0 && (runs[index - 2] ?? 0) > seq) index -= 2;
  const endBefore = runs[index - 1];
  if (index > 0 && endBefore !== undefined && seq < endBefore) return false;
  const joinsBefore = index > 0 && endBefore === seq;
  const joinsAfter = runs[index] === seq + 1;
  if (joinsBefore && joinsAfter) runs.splice(index - 1, 2);
  else if (joinsBefore) runs[index - 1] = seq + 1;
  else if (joinsAfter) runs[index] = seq;
  else runs.splice(index, 0, seq, seq + 1);
  return true;
}
