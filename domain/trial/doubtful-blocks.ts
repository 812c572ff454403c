/** Blocks that say nothing of a robot, because two machines lived under its name: `[first, last]`, ascending, apart. */
export type DoubtfulBlocks = readonly (readonly [number, number])[];

/** Spans kept of one robot; beyond it the two nearest become one, with what lies between them. */
const mostSpans = 16;

/** Adds the blocks `first` to `last`, whatever they touch. `addDoubt([[1, 3]], 4, 6)` → `[[1, 6]]`. */
export function addDoubt(known: DoubtfulBlocks, first: number, last: number): [number, number][] {
  const spans: [number, number][] = [];
  for (const [start, end] of [...known, [first, last] as const].toSorted(([a], [b]) => a - b)) {
    const before = spans.at(-1);
    if (before !== undefined && start <= before[1] + 1) before[1] = Math.max(before[1], end);
    else spans.push([start, end]);
  }
  while (spans.length > mostSpans) joinNearest(spans);
  return spans;
}

export const isDoubtful = (spans: DoubtfulBlocks, block: number): boolean =>
  spans.some(([first, last]) => block >= first && block <= last);

function joinNearest(spans: [number, number][]): void {
  const gapAfter = (index: number): number => (spans[index + 1]?.[0] ?? Infinity) - (spans[index]?.[1] ?? 0);
  const nearest = spans.reduce((best, _, index) => (gapAfter(index) < gapAfter(best) ? index : best), 0);
  const [span, next] = spans.slice(nearest, nearest + 2);
  if (span === undefined || next === undefined) return;
  span[1] = next[1];
  spans.splice(nearest + 1, 1);
}
