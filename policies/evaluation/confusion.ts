/** How often a policy chose which action where which one was recorded. */
export interface Confusion {
  /** [recorded label][chosen action], counts. */
  readonly counts: readonly (readonly number[])[];
  readonly perLabel: readonly LabelQuality[];
}

export interface LabelQuality {
  readonly label: string;
  /** Right among those chosen; null when never chosen. */
  readonly precision: number | null;
  /** Found among those recorded; null when never recorded. */
  readonly recall: number | null;
  /** Harmonic mean of both; null when either is, 0 when both are 0. */
  readonly f1: number | null;
  /** Recorded frames. */
  readonly frames: number;
}

/** Counts pairs of (recorded, chosen) and sums them up at the end. */
export function confusionCounter(labels: readonly string[]): {
  count(recorded: number, chosen: number): void;
  finish(): Confusion;
} {
  const size = labels.length;
  const counts = new Float64Array(size * size);
  const at = (recorded: number, chosen: number): number => counts[recorded * size + chosen] ?? 0;
  const sum = (of: (index: number) => number): number => labels.reduce((total, _, index) => total + of(index), 0);
  return {
    count(recorded, chosen) {
      counts[recorded * size + chosen] = at(recorded, chosen) + 1;
    },
    finish: () => ({
      counts: labels.map((_, recorded) => labels.map((__, chosen) => at(recorded, chosen))),
      perLabel: labels.map((label, index) => {
        const frames = sum((chosen) => at(index, chosen));
        const precision = share(
          at(index, index),
          sum((recorded) => at(recorded, index)),
        );
        const recall = share(at(index, index), frames);
        return { label, precision, recall, f1: harmonicMean(precision, recall), frames };
      }),
    }),
  };
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

function harmonicMean(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  return a + b === 0 ? 0 : (2 * a * b) / (a + b);
}
