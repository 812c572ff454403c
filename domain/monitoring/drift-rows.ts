import type { DriftLimits, FeatureDrift } from './feature-drift.ts';

/** `stability`: population stability index · `distance`: Kolmogorov–Smirnov distance · `together`: p of the joint test of all features. */
type DriftStatistic = 'stability' | 'distance' | 'together';

/** One figure of a look for drift beside its limit. */
export interface DriftRow {
  /** null: numbers that robots record; else what clips of this camera look like. */
  readonly camera: string | null;
  /** null: all features together. */
  readonly feature: string | null;
  readonly statistic: DriftStatistic;
  readonly value: number;
  /** What makes an alarm: at least so much, of `together` less than that. */
  readonly limit: number;
  /** How far over: 1 is at the limit, more is over it. */
  readonly timesLimit: number;
  /** `chance`: over the limit, and samples of so few robots differ as much without drift. */
  readonly state: 'alarm' | 'warn' | 'chance' | 'within';
  readonly samples: Sizes;
  readonly robots: Sizes;
}

interface Sizes {
  readonly reference: number;
  readonly current: number;
}

/** As much of a verdict as its rows need. */
export interface JudgedDrift {
  readonly features: readonly Pick<
    FeatureDrift,
    'feature' | 'verdict' | 'stabilityIndex' | 'stabilityThreshold' | 'distance'
  >[];
  readonly discrepancy: { readonly p: number };
  readonly samples: Sizes;
  readonly robots: Sizes;
}

type ShownDriftLimits = Pick<DriftLimits, 'psiWarn' | 'psiAlarm' | 'ksDistance' | 'discrepancyP'>;

const order: readonly DriftRow['state'][] = ['alarm', 'warn', 'chance', 'within'];

/** Every figure of verdicts: alarms first, then what is worth a look, each the farthest over its limit first. A verdict without features has no rows. */
export const driftRows = (
  verdicts: readonly { readonly camera: string | null; readonly verdict: JudgedDrift }[],
  limits: ShownDriftLimits,
): readonly DriftRow[] =>
  verdicts
    .flatMap(({ camera, verdict }) => rowsOf(camera, verdict, limits))
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || b.timesLimit - a.timesLimit);

function rowsOf(camera: string | null, verdict: JudgedDrift, limits: ShownDriftLimits): readonly DriftRow[] {
  const { features, discrepancy, samples, robots } = verdict;
  if (features.length === 0) return [];
  const common = { camera, samples, robots };
  const together: DriftRow = {
    ...common,
    feature: null,
    statistic: 'together',
    value: discrepancy.p,
    limit: limits.discrepancyP,
    timesLimit: limits.discrepancyP / Math.max(discrepancy.p, Number.EPSILON),
    state: discrepancy.p < limits.discrepancyP ? 'alarm' : 'within',
  };
  return [...features.flatMap((one) => featureRows(one, common, limits)), together];
}

function featureRows(
  { feature, verdict, stabilityIndex, stabilityThreshold, distance }: JudgedDrift['features'][number],
  common: Pick<DriftRow, 'camera' | 'samples' | 'robots'>,
  { psiWarn, psiAlarm, ksDistance }: ShownDriftLimits,
): readonly DriftRow[] {
  const row = (statistic: DriftStatistic, value: number, limit: number, warnFrom: number): DriftRow => ({
    ...common,
    feature,
    statistic,
    value,
    limit,
    timesLimit: value / limit,
    state: stateOf(verdict, value, limit, warnFrom),
  });
  return [
    // Below the threshold an index says nothing, however small the limit is.
    row('stability', stabilityIndex, Math.max(psiAlarm, stabilityThreshold), Math.max(psiWarn, stabilityThreshold)),
    row('distance', distance, ksDistance, ksDistance),
  ];
}

/** A feature was judged as a whole; of its figures those that reach their limits made the verdict. */
function stateOf(verdict: FeatureDrift['verdict'], value: number, limit: number, warnFrom: number): DriftRow['state'] {
  if (value >= limit) return verdict === 'alarm' ? 'alarm' : 'chance';
  return verdict !== 'none' && value >= warnFrom ? 'warn' : 'within';
}
