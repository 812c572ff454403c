import { h, type ComponentChild } from 'preact';

import type { EndedTrialsAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import { textField } from '../fields.ts';
import { spanText } from '../format.ts';
import { hrefOf } from '../route.ts';

const latelyMs = 86_400_000;

/** The trial that runs, and the one that ended within a day, each with the way to it: nothing is tried or taken back out of sight. */
export function trialsNow(
  now: TrialAnswer | null,
  ended: EndedTrialsAnswer | null,
  order: TrialAnswer['order'],
  { policy, nowMs }: { readonly policy: string; readonly nowMs: number },
): ComponentChild {
  const status = now?.trial?.run === 'RUNNING' ? now.trial.status : null;
  const candidate = textField(status, 'candidateVersion');
  const step = textField(status, 'step', 'kind');
  const last = ended?.items.at(-1);
  const isLate = last !== undefined && nowMs - last.atMs < latelyMs;
  if (candidate === undefined && !isLate && order === null) return null;
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
          'Last trial: ',
          h('a', { href: hrefOf('trial', { policy, id: last.trialId }) }, last.candidateVersion ?? last.trialId),
          ` ended as ${last.outcome} ${spanText(nowMs - last.atMs)} ago: ${last.reason}`,
        ])
      : null,
  ].filter((line) => line !== null);
  return h('section', { 'aria-labelledby': 'lately' }, [
    h('h2', { id: 'lately' }, 'On trial, and ordered'),
    order === null ? null : h('p', { role: 'status' }, `Order ${order.seq}, the last: ${orderText(order)}`),
    lines.length === 0 ? null : h('ul', { class: 'lately' }, lines),
  ]);
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
