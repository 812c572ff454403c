import { fractionOf, type Metric } from '../../domain/metrics/index.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

/** Success of a whole fleet in a piece of time. */
export interface SuccessPoint {
  readonly fromMs: number;
  readonly robots: number;
  readonly success: Metric;
}

export interface SuccessCourseAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** How long each piece is. */
  readonly stepMs: number;
  /** Oldest first, without those in which no counted episode ended; the last 150. */
  readonly points: readonly SuccessPoint[];
}

/** A time is shown in fewer pieces than this, so that each has something to tell; of very long times there are more. */
const fewestTooMany = 50;
const mostPoints = 150;
const minuteMs = 60_000;
const dayMs = 86_400_000;
const steps = [
  minuteMs,
  5 * minuteMs,
  15 * minuteMs,
  60 * minuteMs,
  6 * 60 * minuteMs,
  dayMs,
  7 * dayMs,
  28 * dayMs,
] as const;

/** The shortest step that shows a time in at most 50 pieces; 28 days where none does. */
export const stepFor = (spanMs: number): number =>
  steps.find((step) => spanMs / step < fewestTooMany - 1) ?? 28 * dayMs;

/**
 * Success over time on these UTC days, by counted episodes that tell when they ended, in pieces as long as suits the time in which there are any. Only
 * reads. Cost grows with the episodes of these days.
 */
export async function readSuccessCourse(
  ports: MetricsPorts,
  { policy, ...span }: DaySpan & { readonly policy: string },
): Promise<SuccessCourseAnswer> {
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const asOfMs = state?.asOfMs ?? null;
  const nothing = { state: state === undefined ? 'noFacts' : 'empty', asOfMs, stepMs: dayMs, points: [] } as const;
  if (outcomes === undefined) return nothing;
  const told = `(SELECT epoch_ms(ended_at)::DOUBLE AS ended_ms, robot_id, outcome FROM ${outcomes} AS outcome_rows WHERE is_counted AND ended_at IS NOT NULL AND ${within(policy, span)})`;
  const session = await ports.engine.open();
  try {
    const [ends] = await session.rows(`SELECT min(ended_ms) AS first_ms, max(ended_ms) AS last_ms FROM ${told}`);
    const [firstMs, lastMs] = [ends?.['first_ms'], ends?.['last_ms']];
    if (typeof firstMs !== 'number' || typeof lastMs !== 'number') return nothing;
    const stepMs = stepFor(lastMs - firstMs);
    const rows = await session.rows(
      `WITH robot AS (SELECT floor(ended_ms / ${stepMs}) * ${stepMs} AS from_ms, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s
         FROM ${told} GROUP BY ALL)
       SELECT from_ms, ${robotSumsSql} FROM robot GROUP BY from_ms ORDER BY from_ms DESC LIMIT ${mostPoints}`,
    );
    const points = rows.map((row): SuccessPoint => {
      const robots = Number(row['robots']);
      return { fromMs: Number(row['from_ms']), robots, success: fractionOf(sumsOf({ ...row, robots }, 's'), 'none') };
    });
    return { state: 'read', asOfMs, stepMs, points: points.toReversed() };
  } finally {
    await session.close();
  }
}
