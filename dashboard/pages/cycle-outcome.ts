import { h, type ComponentChild } from 'preact';

import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { plainWord } from '../plain-words.ts';
import { hrefOf } from '../route.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';

const outcomes = new Map([
  ['offered', 'a candidate was offered for trial'],
  ['promoted', 'its model became champion at once'],
  ['gatesHold', 'no candidate: a gate held the model back'],
  ['nothingNew', 'no training: there was nothing new'],
  ['badData', 'no training: too much data was refused'],
  ['aborted', 'stopped by a person'],
  ['failed', 'it failed'],
]);

/** How a cycle ended, in words; what is none of ours as plainly as can be. */
export const cycleOutcome = (outcome: string): string => outcomes.get(outcome) ?? plainWord(outcome);

interface Cycle {
  readonly candidateVersion: string | null;
  readonly outcome: string;
  readonly reason: string;
  readonly writtenAtMs: number;
}

/** What came of the candidate of a cycle since: how its last trial ended, or what the cycle said, as it was then. */
export function cameOfIt(
  { candidateVersion, outcome, reason, writtenAtMs }: Cycle,
  trials: EndedTrialsAnswer['items'],
  policy: string,
): ComponentChild {
  const trial =
    outcome === 'offered'
      ? trials.findLast((one) => one.candidateVersion === candidateVersion && one.atMs >= writtenAtMs)
      : undefined;
  if (trial !== undefined)
    return [
      trial.sentence,
      ' ',
      h('a', { href: hrefOf('trial', { policy, id: trial.trialId, stage: undefined }) }, 'Its trial'),
    ];
  return outcome === 'offered' ? `No trial of it has ended. At its end the cycle said: ${reason}` : plainReason(reason);
}
