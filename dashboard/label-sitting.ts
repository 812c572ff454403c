import type { ActAnswer } from '../console/answers/acts.ts';
import type { LabelQueueAnswer } from '../console/answers/labels.ts';
import type { OfferedAct } from './acts.ts';
import { mayRetry } from './act-dialog.ts';
import type { LabelForm } from './label-acts.ts';
import type { Answer, Problem } from './reading.ts';

/** An episode, as addresses name it. */
export interface Place {
  readonly episodeId: string;
  readonly day: string;
}

/** A label that can be taken back by a key. */
export interface GivenLabel {
  readonly labelId: string;
  readonly at: Place;
  readonly effect: string;
}

/** What a person at the label desk has said so far, from episode to episode. */
export interface Sitting {
  /** Why they say so. It stands in the audit log with each label, and stays until they change it. */
  readonly note: string;
  /** What the last label said: the next one says it, too, if nobody changes it. */
  readonly said: Pick<LabelForm, 'action' | 'failureReason'>;
  /** Words for the keys 1 to 9. A place is never given to another word: fingers know it. */
  readonly reasons: readonly string[];
  /** Ids of episodes that got a label; one that was taken back is not among them. */
  readonly done: readonly string[];
  /** Episodes in the order in which they were first looked at. */
  readonly trail: readonly Place[];
  readonly last: GivenLabel | null;
  readonly news: { readonly kind: 'done' | 'failed'; readonly text: string } | null;
  readonly isSending: boolean;
}

export const newSitting: Sitting = {
  note: '',
  said: { action: '', failureReason: '' },
  reasons: [],
  done: [],
  trail: [],
  last: null,
  news: null,
  isSending: false,
};

export const mostReasons = 9;

/** With words that are not known yet behind the others, as long as there are keys for them. */
export const withReasons = (sitting: Sitting, told: readonly string[]): Sitting => {
  const reasons = [...new Set([...sitting.reasons, ...told])].slice(0, mostReasons);
  return reasons.length === sitting.reasons.length ? sitting : { ...sitting, reasons };
};

export const visited = (sitting: Sitting, place: Place): Sitting =>
  sitting.trail.some(({ episodeId }) => episodeId === place.episodeId)
    ? sitting
    : { ...sitting, trail: [...sitting.trail, place] };

/**
 * How many episodes of the queue nobody has labelled, and how many have a label of a part, or of why they failed. `done`: those that this sitting labelled; what the
 * queue was read before counts as labelled at once.
 */
export function waitingOf(
  { items, totalEpisodes, labelledEpisodes }: Pick<LabelQueueAnswer, 'items' | 'totalEpisodes' | 'labelledEpisodes'>,
  done: readonly string[],
): { readonly unlabelled: number; readonly labelled: number } {
  const since = items.filter(({ episodeId, isLabelled }) => !isLabelled && done.includes(episodeId)).length;
  return { unlabelled: totalEpisodes - labelledEpisodes - since, labelled: labelledEpisodes + since };
}

type Items = LabelQueueAnswer['items'];
const placeOf = ({ episodeId, recordedOn }: Items[number]): Place => ({ episodeId, day: recordedOn });

/** The next one of the queue that got no label in this sitting; after the last one it begins with the most valuable again. */
export function nextPlace(items: Items, done: readonly string[], episodeId: string): Place | null {
  const at = items.findIndex((item) => item.episodeId === episodeId);
  const next = [...items.slice(at + 1), ...items.slice(0, at + 1)].find(
    (item) => item.episodeId !== episodeId && !done.includes(item.episodeId),
  );
  return next === undefined ? null : placeOf(next);
}

/** The one that was looked at before; else the one before it in the queue. */
export function previousPlace(items: Items, trail: readonly Place[], episodeId: string): Place | null {
  const before = trail[trail.findIndex((place) => place.episodeId === episodeId) - 1];
  if (before !== undefined) return before;
  const item = items[items.findIndex((one) => one.episodeId === episodeId) - 1];
  return item === undefined ? null : placeOf(item);
}

const failed = (what: string, problem: Problem): Sitting['news'] => ({
  kind: 'failed',
  text: mayRetry(problem)
    ? `⚡ No answer: ${problem.message}. Whether it was done is not known; the same again does it once.`
    : `✕ ${what}: ${problem.message}`,
});

interface Given {
  readonly act: OfferedAct;
  readonly form: LabelForm;
  readonly at: Place;
  /** Where it goes on; null: nowhere. */
  readonly next: Place | null;
  /** Whether somebody wishes to go on. */
  readonly goesOn: boolean;
  readonly answer: Answer<ActAnswer>;
}

/** After the answer to a label. */
export function labelled(sitting: Sitting, { act, form, at, next, goesOn, answer }: Given): Sitting {
  const after = { ...sitting, isSending: false };
  if (answer.kind !== 'read') return { ...after, news: failed('Not stored', answer) };
  const labelId = ownLabelOf(answer.data);
  const where = next === null ? 'No other episode of this queue is left.' : `Now episode ${next.episodeId}.`;
  const then = goesOn ? ` ${where}` : '';
  const text =
    labelId === null
      ? `○ Nothing added to episode ${at.episodeId}: ${answer.data.answer}.${then}`
      : `✓ Stored of episode ${at.episodeId}: ${act.effect}${then}`;
  const { action, failureReason } = form;
  return withReasons(
    {
      ...after,
      said: { action, failureReason },
      done: [...new Set([...sitting.done, at.episodeId])],
      // Somebody else’s label is not this person’s to take back by a key.
      last: labelId === null ? null : { labelId, at, effect: act.effect },
      news: { kind: 'done', text },
    },
    failureReason.trim() === '' ? [] : [failureReason.trim()],
  );
}

/** A label has the id of the act that gave it, cut; the answer names another one where that says the same already. */
function ownLabelOf({ actId, answer }: ActAnswer): string | null {
  const id = actId.slice(0, 32);
  return answer.includes(id) ? id : null;
}

/** After the answer to taking the last label back. */
export function takenBack(sitting: Sitting, given: GivenLabel, answer: Answer<ActAnswer>): Sitting {
  const after = { ...sitting, isSending: false };
  const { episodeId } = given.at;
  if (answer.kind !== 'read')
    return {
      ...after,
      last: mayRetry(answer) ? given : null,
      news: failed(`The label of episode ${episodeId} was not taken back`, answer),
    };
  return {
    ...after,
    last: null,
    done: sitting.done.filter((id) => id !== episodeId),
    news: { kind: 'done', text: `✓ Taken back, and episode ${episodeId} again. It said: ${given.effect}` },
  };
}
