/** Buckets of durations, in seconds. */
const bucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Labels = Readonly<Record<string, string | number>>;

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Counters, durations and gauges of one process, in the Prometheus text format 0.0.4. Label values must come from small sets. */
export class Metrics {
  readonly #counters = new Map<string, Map<string, number>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #gauges = new Map<string, () => number>();

  count(name: string, labels: Labels = {}, by = 1): void {
    const series = seriesOf(this.#counters, name);
    const key = labelText(labels);
    series.set(key, (series.get(key) ?? 0) + by);
  }

  observe(name: string, seconds: number, labels: Labels = {}): void {
    const series = seriesOf(this.#histograms, name);
    const key = labelText(labels);
    const histogram = series.get(key) ?? { counts: bucketsSeconds.map(() => 0), sum: 0, count: 0 };
    series.set(key, histogram);
    histogram.sum += seconds;
    histogram.count += 1;
    const bucket = bucketsSeconds.findIndex((limit) => seconds <= limit);
    if (bucket !== -1) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  }

  gauge(name: string, value: () => number): void {
    this.#gauges.set(name, value);
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, value] of this.#gauges) lines.push(`# TYPE ${name} gauge`, `${name} ${value()}`);
    for (const [name, series] of this.#counters) {
      lines.push(`# TYPE ${name} counter`);
      for (const [labels, value] of series) lines.push(`${name}${braced(labels)} ${value}`);
    }
    for (const [name, series] of this.#histograms) {
      lines.push(`# TYPE ${name} histogram`);
      for (const [labels, histogram] of series) lines.push(...histogramLines(name, labels, histogram));
    }
    return `${lines.join('\n')}\n`;
  }
}

function histogramLines(name: string, labels: string, { counts, sum, count }: Histogram): string[] {
  const before = labels === '' ? '' : `${labels},`;
  let below = 0;
  const buckets = bucketsSeconds.map((limit, index) => {
    below += counts[index] ?? 0;
    return `${name}_bucket{${before}le="${limit}"} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${before}le="+Inf"} ${count}`,
    `${name}_sum${braced(labels)} ${sum}`,
    `${name}_count${braced(labels)} ${count}`,
  ];
}

function seriesOf<T>(metrics: Map<string, Map<string, T>>, name: string): Map<string, T> {
  const series = metrics.get(name) ?? new Map<string, T>();
  metrics.set(name, series);
  return series;
}

const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${String(value).replaceAll(/["\\\n]/g, '_')}"`)
    .join(',');

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);
