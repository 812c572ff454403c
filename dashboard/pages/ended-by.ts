import type { ComponentChildren } from 'preact';

import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { whoText } from '../plain-words.ts';
import { exactMoment } from '../states.ts';

/** Which rollback ended a trial, where one did; null: none did, or nobody knows. */
export function endedByText({ endedBy }: Pick<EndedTrialsAnswer['items'][number], 'endedBy'>): ComponentChildren {
  if (endedBy === undefined) return null;
  const { order, who, why, version, atMs } = endedBy;
  return [
    ` Ended by a rollback to ${version} (order ${order}), ordered by ${whoText(who)} `,
    exactMoment(atMs),
    `: ${why}.`,
  ];
}
