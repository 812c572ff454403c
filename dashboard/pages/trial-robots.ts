import { h, type ComponentChild } from 'preact';

import type { TrialRobotsAnswer } from '../../console/answers/episodes.ts';
import { numberText, percentText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { shownOf, stateBox, table } from '../states.ts';

interface Days {
  readonly from: string;
  readonly to: string;
}

export const trialRobotsPath = (policy: string, trialId: string, days: Days): string =>
  apiPath(`trials/${encodeURIComponent(trialId)}/robots`, { policy, ...days });

interface TrialRobots {
  readonly reading: Reading<TrialRobotsAnswer>;
  readonly policy: string;
  readonly trialId: string;
  /** Days of the trial; undefined: they are not known yet. */
  readonly days: Days | undefined;
  readonly nowMs: number;
  /** Whom it tries; undefined: not known. */
  readonly candidateVersion?: string | undefined;
}

/** Robots that carry a trial, each with the way to its episodes. */
export const trialRobots = ({ reading, policy, trialId, days, nowMs, candidateVersion }: TrialRobots): ComponentChild =>
  h('section', { 'aria-labelledby': 'carriers' }, [
    h('h2', { id: 'carriers' }, 'Robots that carry it'),
    days === undefined
      ? stateBox('noData', 'No verdict says yet when it ran, so its episodes are not looked for.')
      : shownOf(reading, nowMs, 'the robots of the trial', (data) => body(data, policy, trialId, candidateVersion)),
  ]);

function body(
  { state, items: all, total, from, to }: TrialRobotsAnswer,
  policy: string,
  trialId: string,
  candidateVersion: string | undefined,
): ComponentChild {
  // An episode that began before its robot had the candidate is told under the trial, and was run by another version.
  const items = all.filter(({ policyVersion }) => candidateVersion === undefined || policyVersion === candidateVersion);
  const others = all.length - items.length;
  if (state === 'noFacts')
    return stateBox('noData', 'Nothing makes facts of telemetry yet, so nothing follows from this.');
  if (state === 'empty') return stateBox('empty', `No robot told of an episode under it from ${from} to ${to}.`);
  return [
    others === 0
      ? null
      : h(
          'p',
          { class: 'hint' },
          `${numberText(others, 0)} robots also told of episodes of another version under it, which began before they had the candidate; they are left out here.`,
        ),
    robotsTable({ items, total: total - others, from, to }, policy, trialId),
  ];
}

const robotsTable = (
  { items, total, from, to }: Pick<TrialRobotsAnswer, 'items' | 'total' | 'from' | 'to'>,
  policy: string,
  trialId: string,
): ComponentChild =>
  table(
    `${items.length} of ${total} robots, those with the most failures first`,
    [
      {
        head: 'Robot',
        cell: ({ robotId }) =>
          h('a', { href: hrefOf('robot', { policy, id: robotId, trial: trialId, from, to }) }, robotId),
      },
      { head: 'Version', cell: ({ policyVersion }) => policyVersion ?? 'none' },
      { head: 'Failures', isNumber: true, cell: ({ failures }) => numberText(failures, 0) },
      { head: 'Episodes', isNumber: true, cell: ({ episodes }) => numberText(episodes, 0) },
      {
        head: 'Success',
        isNumber: true,
        cell: ({ successes, episodes }) => percentText(successes / Math.max(1, episodes)),
      },
    ],
    items,
    ({ robotId, policyVersion }) => `${robotId} ${policyVersion ?? ''}`,
  );
