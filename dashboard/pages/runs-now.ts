import { h, type ComponentChild } from 'preact';

import type { RunningCycleAnswer } from '../../console/answers/cycles.ts';
import type { EndedTrialsAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import { textField } from '../fields.ts';
import { spanText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { exactMoment } from '../states.ts';

const latelyMs = 86_400_000;

/** What runs and what was ordered, as far as it could be read; null: it could not, or there is nothing. */
export interface RunsNow {
  readonly trial: TrialAnswer | null;
  readonly ended: EndedTrialsAnswer | null;
  readonly order: TrialAnswer['order'];
  readonly cycle: RunningCycleAnswer | null;
  /** What the last try could not read: it may be otherwise by now. */
  readonly unread?: readonly string[];
}

const cycleSteps: ReadonlyMap<string, string> = new Map([
  ['collecting', 'it collects and checks data'],
  ['training', 'it mixes, trains and judges'],
  ['offering', 'it offers the candidate'],
  ['reporting', 'it writes the report'],
]);

/** The trial and the cycle that run, the trial that ended within a day, and who follows the last order, each with the way to it: nothing happens out of sight. */
export function runsNow(
  { trial: now, ended, order, cycle, unread = [] }: RunsNow,
  { policy, nowMs }: { readonly policy: string; readonly nowMs: number },
): ComponentChild {
  const status = now?.trial?.run === 'RUNNING' ? now.trial.status : null;
  const candidate = textField(status, 'candidateVersion');
  const step = textField(status, 'step', 'kind');
  const last = ended?.items.at(-1);
  const isLate = last !== undefined && nowMs - last.atMs < latelyMs;
  const stage = textField(status, 'stage') ?? 'stage not told';
  const lines = [
    candidate === undefined
      ? null
      : h('li', { key: 'now' }, [
          'On trial now: ',
          h('a', { href: hrefOf('trial', { policy }) }, candidate),
          `, ${stage === 'abTest' ? 'A/B test' : stage}${step === undefined ? '' : `, ${step}: ${textField(status, 'step', 'reason') ?? ''}`}`,
        ]),
    isLate
      ? h('li', { key: 'last' }, [
          h('a', { href: hrefOf('trial', { policy, id: last.trialId }) }, 'Last trial'),
          `, ended ${spanText(nowMs - last.atMs)} ago: ${last.sentence}`,
        ])
      : null,
    cycleLine(cycle, policy, nowMs),
    unread.length === 0
      ? null
      : h('li', { key: 'unread' }, `⚠ Cannot be read now, and may be otherwise than said here: ${unread.join(', ')}.`),
  ].filter((line) => line !== null);
  if (lines.length === 0 && order === null) return null;
  return h('section', { 'aria-labelledby': 'lately' }, [
    h('h2', { id: 'lately' }, 'What runs, and what was ordered'),
    order === null ? null : h('p', { role: 'status' }, [orderHead(order), orderText(order), '.']),
    lines.length === 0 ? null : h('ul', { class: 'lately' }, lines),
  ]);
}

function cycleLine(cycle: RunningCycleAnswer | null, policy: string, nowMs: number): ComponentChild {
  const run = cycle?.cycle ?? null;
  if (run === null) return null;
  const step = cycleSteps.get(textField(run.status, 'stage') ?? '') ?? 'its step is not told';
  return h('li', { key: 'cycle' }, [
    'A ',
    h('a', { href: hrefOf('cycle', { policy }) }, 'cycle'),
    ` runs for ${spanText(nowMs - run.startedMs)}: ${step}. What it makes goes on trial if it passes its gates.`,
  ]);
}

/** What was ordered last, by whom, when and why. */
function orderHead({ seq, said }: NonNullable<TrialAnswer['order']>): ComponentChild {
  if (said === null) return `Order ${seq}, the last: `;
  const { championVersion, who, why, atMs } = said;
  return [`Order ${seq}, the last, champion ${championVersion}, by ${who} `, exactMoment(atMs), ` (${why}): `];
}

/** How many robots follow the order that stands, and what becomes of the others. */
export function orderText(order: NonNullable<TrialAnswer['order']>): string {
  const { confirmed, robots, waiting, windowed, failed, offline, unserved } = order;
  const others = [
    [waiting, 'on the way'],
    [windowed, 'wait for an update window'],
    [failed, 'failed'],
    [offline, 'offline'],
    [unserved, 'have a body that nothing serves'],
  ] as const;
  const rest = others.flatMap(([count, text]) => (count === 0 ? [] : [`${count} ${text}`])).join(', ');
  const state = confirmed === robots ? 'confirmed by' : 'pending: confirmed by';
  return `${state} ${confirmed} of ${robots}${rest === '' ? '' : `; ${rest}`}`;
}
