/** What one gate says. `value` and `limit` are null where nothing could be measured. */
export interface GateResult {
  readonly id: string;
  /** `notApplicable`: there is nothing to compare with. */
  readonly outcome: 'pass' | 'fail' | 'notApplicable';
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: string;
  readonly sampleSize: number;
  /** For people: what was found, and why it stops or not. */
  readonly sentence: string;
}

/** A gate over a number; anything that is not a number fails. */
export const measured = (
  gate: Omit<GateResult, 'outcome' | 'value'> & { readonly value: number; readonly passes: boolean },
): GateResult => {
  const { passes, value, ...rest } = gate;
  const isNumber = Number.isFinite(value);
  return { ...rest, value: isNumber ? value : null, outcome: passes && isNumber ? 'pass' : 'fail' };
};

/** A gate whose facts are missing: it fails, because nothing was proved. */
export const unmeasured = (id: string, unit: string, limit: number | null, sentence: string): GateResult => ({
  id,
  outcome: 'fail',
  value: null,
  limit,
  unit,
  sampleSize: 0,
  sentence,
});

/** A gate that has nothing to compare with yet. */
export const notApplicable = (id: string, unit: string, limit: number, missing: string): GateResult => ({
  id,
  outcome: 'notApplicable',
  value: null,
  limit,
  unit,
  sampleSize: 0,
  sentence: `notApplicable: no ${missing}`,
});

/** Percent with two decimals, for sentences. */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
/** Percentage points with sign and two decimals, for sentences. */
export const points = (difference: number): string =>
  `${difference >= 0 ? '+' : ''}${(100 * difference).toFixed(2)} pp`;
