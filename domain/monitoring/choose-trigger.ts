import type { FleetClock } from '../trial/fleet-clock.ts';
import type { MonitorLimits } from './monitor-limits.ts';

/** What may be a reason to learn anew; times are fleet hours. */
export interface TriggerFacts {
  /** Sentences of open incidents that new data can help with; undefined where there is none. */
  readonly drift: string | undefined;
  readonly errorRate: string | undefined;
  /** Frames in which an expert said otherwise, reported since the last cycle began. */
  readonly correctedFrames: number;
  /** Cycles of the policy that run; undefined when nobody can tell. */
  readonly runningCycles: number | undefined;
  /** Since the monitor last started one; undefined: never. */
  readonly hoursSinceTrigger: number | undefined;
}

export type TriggerChoice =
  | { readonly kind: 'start'; readonly cause: string }
  | { readonly kind: 'wait'; readonly reason: string };

/**
 * Should a cycle be started now, and why? Drift before a risen error rate before enough corrections. Never while one runs or
 * nobody can tell, and not sooner after the last than the limit. `correctedFrames: 600_000` with the defaults → start.
 */
export function chooseTrigger(facts: TriggerFacts, limits: MonitorLimits): TriggerChoice {
  const cause = causeOf(facts, limits);
  if (cause === undefined) return { kind: 'wait', reason: 'nothing to learn from yet' };
  const wait = (reason: string): TriggerChoice => ({ kind: 'wait', reason: `${cause}, but ${reason}` });
  if (facts.runningCycles === undefined) return wait('it is unknown whether a cycle is running');
  if (facts.runningCycles > 0) return wait('a cycle runs already');
  const since = facts.hoursSinceTrigger;
  if (since !== undefined && since < limits.triggerDistanceHours)
    return wait(
      `the last one started ${since.toFixed(1)} h ago, at least ${limits.triggerDistanceHours} h are required`,
    );
  return { kind: 'start', cause: cause.slice(0, 200) };
}

/** Is it time to look again at what the robots see? `sinceMs`: real time since the last look. */
export const isDriftLookDue = (
  sinceMs: number,
  { driftEveryHours }: Pick<MonitorLimits, 'driftEveryHours'>,
  clock: Pick<FleetClock, 'realMs'>,
): boolean => sinceMs >= clock.realMs(driftEveryHours);

function causeOf({ drift, errorRate, correctedFrames }: TriggerFacts, limits: MonitorLimits): string | undefined {
  if (drift !== undefined) return `drift: ${drift}`;
  if (errorRate !== undefined) return `error rate: ${errorRate}`;
  if (correctedFrames >= limits.correctedFramesToTrigger)
    return `corrections: ${correctedFrames} corrected frames, ${limits.correctedFramesToTrigger} are enough`;
  return undefined;
}
