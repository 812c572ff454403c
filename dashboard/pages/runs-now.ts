import { h, type ComponentChild } from 'preact';

import type { RunningCycleAnswer } from '../../console/answers/cycles.ts';
import type { EndedTrialsAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { fieldOf, listField, numberField, textField } from '../fields.ts';
import { numberText, percentText, spanText } from '../format.ts';
import { rollbackWord, stepWord, trialPartWord, whoText } from '../plain-words.ts';
import { hrefOf } from '../route.ts';
import { exactMoment } from '../states.ts';
import { endedByText } from './ended-by.ts';
import { farthestText } from './run-steps.ts';

const latelyMs = 86_400_000;

type EndedTrial = EndedTrialsAnswer['items'][number];

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
  const part = trialPartWord(textField(status, 'stage'), 'part not told');
  const lines = [
    rollbackLine(now, policy),
    candidate === undefined
      ? null
      : h('li', { key: 'now' }, [
          'On trial now: ',
          h('a', { href: hrefOf('trial', { policy }) }, candidate),
          `, ${part}${step === undefined ? '' : `, ${stepWord(step, '')}: ${plainReason(textField(status, 'step', 'reason') ?? '')}`}`,
        ]),
    isLate
      ? h('li', { key: 'last' }, [
          h('a', { href: hrefOf('trial', { policy, id: last.trialId }) }, 'Last trial'),
          `, ended ${spanText(nowMs - last.atMs)} ago: ${last.sentence}`,
          endedByText(last),
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
    order === null
      ? null
      : h('p', { role: 'status' }, [orderHead(order, isLate ? last : undefined), orderText(order), '.']),
    lines.length === 0 ? null : h('ul', { class: 'lately' }, lines),
  ]);
}

/** The rollback that runs: to which version, by whom and why; or that it waits for an approval. Who follows stands with the order. */
function rollbackLine(now: TrialAnswer | null, policy: string): ComponentChild {
  const run = now?.rollback ?? null;
  if (run?.run !== 'RUNNING') return null;
  const link = (text: string): ComponentChild => h('a', { href: hrefOf('trial', { policy }) }, text);
  const waiting = fieldOf(run.status, 'waiting');
  const waits = textField(waiting, 'version');
  if (waits !== undefined)
    return h('li', { key: 'back' }, [
      link('Rollback'),
      ` to ${waits}, asked for by ${textField(waiting, 'who') ?? 'somebody'} (${textField(waiting, 'reason') ?? 'no reason told'}), waits for the approval of somebody else.`,
    ]);
  const last = listField(run.status, 'requests').findLast((one) => textField(one, 'answer', 'kind') === 'ordered');
  const version = textField(run.status, 'version');
  const by =
    last === undefined
      ? ''
      : `, ordered by ${whoText(textField(last, 'who') ?? 'somebody')} (${textField(last, 'reason') ?? 'no reason told'})`;
  const isUndo = textField(last, 'target')?.startsWith('undo:') === true;
  return h('li', { key: 'back' }, [
    link(isUndo ? 'Undoing of a rollback' : 'Rollback'),
    `${version === undefined ? '' : `${isUndo ? ', back' : ''} to ${version}`}${by}: ${rollbackWord(textField(run.status, 'stage'), 'how far it is is not told')}.`,
  ]);
}

function cycleLine(cycle: RunningCycleAnswer | null, policy: string, nowMs: number): ComponentChild {
  const run = cycle?.cycle ?? null;
  if (run === null) return null;
  const step = cycleSteps.get(textField(run.status, 'stage') ?? '') ?? 'its step is not told';
  const far = cycleFar(cycle);
  const champion = textField(run.status, 'championVersion');
  const candidate = textField(run.status, 'training', 'candidateVersion');
  return h('li', { key: 'cycle' }, [
    'A ',
    h('a', { href: hrefOf('cycle', { policy }) }, 'cycle'),
    `${champion === undefined ? '' : `, begun when ${champion} was champion,`} runs for ${spanText(nowMs - run.startedMs)}: ${step}${far === null ? '' : `, ${far}`}. `,
    candidate === undefined
      ? 'What it makes goes on trial if it passes its gates.'
      : `It has made candidate ${candidate}.`,
  ]);
}

/** How far the step of a cycle is that runs, in percent of what was planned; null: nobody tells. */
function cycleFar(cycle: RunningCycleAnswer | null): string | null {
  const stage = textField(cycle?.cycle?.status, 'stage');
  if (stage === 'training') return farthestText(cycle?.training?.steps ?? []);
  if (stage !== 'collecting') return null;
  const told = fieldOf(cycle?.cycle?.status, 'collection') ?? cycle?.collection?.status;
  const [done, all] = [numberField(told, 'batchesDone'), numberField(told, 'batches')];
  if (done === undefined || all === undefined || all === 0) return null;
  return `batch ${numberText(done, 0)} of ${numberText(all, 0)} (${percentText(Math.min(1, done / all))})`;
}

/** What was ordered last, by whom, when and why; an order that ends a trial has its sentence, which stands with the trial, too. */
function orderHead({ seq, said }: NonNullable<TrialAnswer['order']>, last: EndedTrial | undefined): ComponentChild {
  if (said === null) return `Order ${seq}, the last: `;
  const { championVersion, who, why, atMs } = said;
  const reason = plainReason(why).replace(/\.$/, '');
  const isOfEnd = last !== undefined && reason.startsWith(last.sentence.replace(/\.$/, ''));
  return [
    `Order ${seq}, the last, champion ${championVersion}, by ${whoText(who)} `,
    exactMoment(atMs),
    ` (${isOfEnd ? 'the end of the last trial' : reason}): `,
  ];
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
