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
}

/** Robots that carry a trial, each with the way to its episodes. */
export const trialRobots = ({ reading, policy, trialId, days, nowMs }: TrialRobots): ComponentChild =>
  h('section', { 'aria-labelledby': 'carriers' }, [
    h('h2', { id: 'carriers' }, 'Robots that carry it'),
    days === undefined
      ? stateBox('noData', 'No verdict says yet when it ran, so its episodes are not looked for.')
      : shownOf(reading, nowMs, 'the robots of the trial', (data) => body(data, policy, trialId)),
  ]);

function body({ state, items, total, from, to }: TrialRobotsAnswer, policy: string, trialId: string): ComponentChild {
  if (state === 'noFacts')
    return stateBox('noData', 'Nothing makes facts of telemetry yet, so nothing follows from this.');
  if (state === 'empty') return stateBox('empty', `No robot told of an episode under it from ${from} to ${to}.`);
  return table(
    `${items.length} of ${total} robots and versions, those with the most failures first`,
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
}
