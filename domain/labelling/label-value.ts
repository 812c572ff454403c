/** What the value of a label for an episode depends on: the same for all episodes of one kind. */
export interface LabelFacts {
  readonly outcome: string;
  /** Somebody took over. */
  readonly intervened: boolean;
  /** Somebody labelled a part of it, or said why it failed. */
  readonly isTouched: boolean;
  /** Of the episodes of its task, in the same days. */
  readonly taskEpisodes: number;
  readonly taskFailures: number;
}

export interface LabelValue {
  /** 0 to 10; the more, the sooner it should be labelled. */
  readonly value: number;
  readonly reasons: readonly string[];
}

/** Points of what an episode shows, and of how badly its task goes; what a person has been at waits behind its like. */
const points = { failure: 5, aborted: 2, intervened: 2, task: 3, touched: -4 } as const;

/**
 * How much a label by hand is worth: a failure teaches most, then what somebody had to take over, then what broke off; more where the task fails often. Ties
 * are left to the caller, the newest first. Never below 0.
 *
 * labelValue({ outcome: 'failure', intervened: false, isTouched: false, taskEpisodes: 10, taskFailures: 5 })
 * → { value: 6.5, reasons: ['it failed', 'its task failed in 5 of 10 episodes'] }
 */
export function labelValue({ outcome, intervened, isTouched, taskEpisodes, taskFailures }: LabelFacts): LabelValue {
  const failureFraction = taskEpisodes > 0 ? Math.min(1, Math.max(0, taskFailures / taskEpisodes)) : 0;
  const parts: readonly (readonly [points: number, reason: string])[] = [
    [outcome === 'failure' ? points.failure : 0, 'it failed'],
    [outcome === 'aborted' ? points.aborted : 0, 'it was aborted'],
    [intervened ? points.intervened : 0, 'somebody took over'],
    [points.task * failureFraction, `its task failed in ${taskFailures} of ${taskEpisodes} episodes`],
    [isTouched ? points.touched : 0, 'somebody has labelled a part of it'],
  ];
  const value = Math.max(
    0,
    parts.reduce((sum, [more]) => sum + more, 0),
  );
  return { value, reasons: parts.flatMap(([more, reason]) => (more === 0 ? [] : [reason])) };
}
