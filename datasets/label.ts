import type { Outcome } from './columns.ts';

/** What a frame's label depends on. */
export interface LabelFacts {
  readonly action: readonly number[];
  readonly expertAction: readonly number[] | undefined;
  readonly outcome: Outcome;
  readonly intervened: boolean;
}

/**
 * What a policy should learn to do in a frame: the expert's action where it is known; else the action that was taken,
 * if the episode succeeded without anybody's help; else nothing: such a frame waits for a label and is never in the loss.
 *
 * labelOf({ action: [2], expertAction: undefined, outcome: 'failure', intervened: false }) → undefined
 */
export function labelOf(facts: LabelFacts): readonly number[] | undefined {
  if (facts.expertAction !== undefined) return facts.expertAction;
  return facts.outcome === 'success' && !facts.intervened ? facts.action : undefined;
}

/** True when every frame of the episode has a label by its outcome alone. Columns of the episode, prefixed by an alias. */
export const labelledByOutcomeSql = (episode: string): string =>
  `(${episode}.outcome = 'success' AND NOT ${episode}.intervened)`;

/** `labelOf` as SQL: NULL where there is no label. `labelledByOutcome` is a boolean expression, frame columns are prefixed by an alias. */
export const labelSql = (frame: string, labelledByOutcome: string): string =>
  `CASE WHEN ${frame}.expert_action IS NOT NULL THEN ${frame}.expert_action ` +
  `WHEN ${labelledByOutcome} THEN ${frame}."action" END`;
