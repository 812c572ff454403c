import { metrics, type Metric, type MetricName, type MetricUnit } from '../../domain/metrics/index.ts';

export interface MetricText {
  readonly value: string;
  readonly interval: string;
  readonly n: string;
  /** Value and sample in few characters. */
  readonly short: string;
}

/** A metric as people read it; what is none says why. */
export function metricText(name: MetricName, metric: Metric, currency: string | null): MetricText {
  if (metric.kind !== 'value') return { value: `– ${metric.why}`, interval: '', n: '', short: '–' };
  const { unit } = metrics[name];
  const text = (value: number): string => numberText(value, unit, currency ?? '');
  const { value, n, low, high } = metric;
  const interval =
    low === null && high === null ? '' : `${low === null ? '…' : text(low)} to ${high === null ? '…' : text(high)}`;
  return { value: text(value), interval, n: String(n), short: `${text(value)} (${n})` };
}

function numberText(value: number, unit: MetricUnit, currency: string): string {
  switch (unit) {
    case 'fraction':
      return `${(100 * value).toFixed(1)} %`;
    case 'ms':
      return `${value.toFixed(1)} ms`;
    case 'perHour':
      return `${value.toFixed(2)} / h`;
    case 'currency':
      return `${value.toFixed(2)} ${currency}`;
  }
}
