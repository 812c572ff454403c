import { h, type ComponentChild } from 'preact';

import type { StandingAnswer, TrialAnswer } from '../console/answers/trials.ts';
import { roleWhy, type OfferedAct, type Viewer } from './acts.ts';
import { spanText } from './format.ts';
import { lookOf, type Reading } from './reading.ts';
import { moment } from './states.ts';

/** null: it is not known yet. */
export type Freeze = TrialAnswer['freeze'] | null;

/**
 * The freeze in what the store says, for everything that must know it. Where it could not be read nothing is taken for granted: a freeze that cannot be seen
 * looks like no other state, and never like none.
 */
export function standingNote(standing: Reading<StandingAnswer>, nowMs: number): ComponentChild {
  const { data, problem, readMs } = standing;
  if (data === null)
    return problem === null
      ? null
      : h('p', { class: 'frozen', role: 'alert' }, [
          sign(),
          h('strong', null, 'Whether trials are frozen is not known now: '),
          `${problem.kind === 'gone' ? 'the console does not answer' : problem.message}.`,
        ]);
  if (lookOf(standing, nowMs) !== 'stale') return freezeNote(data.freeze, nowMs);
  const since = [
    'This was so ',
    moment(readMs ?? nowMs),
    `, ${spanText(nowMs - (readMs ?? nowMs))} ago; it may be otherwise now.`,
  ];
  return data.freeze.kind === 'none'
    ? h('p', { class: 'frozen', role: 'status' }, [sign(), h('strong', null, 'Trials were not frozen. '), since])
    : h('div', null, [freezeNote(data.freeze, nowMs), h('p', { class: 'frozen', role: 'status' }, [sign(), since])]);
}

const sign = (): ComponentChild => h('span', { class: 'sign', 'aria-hidden': 'true' }, '❄');

/** Until when, by whom and why no trial advances; nothing where trials may. */
export function freezeNote(freeze: Freeze, nowMs: number): ComponentChild {
  if (freeze === null || freeze.kind === 'none') return null;
  if (freeze.kind === 'unreadable')
    return h('p', { class: 'frozen', role: 'alert' }, [
      sign(),
      h('strong', null, 'Whether it is frozen is not known, so no trial advances: '),
      `${freeze.reason}. Freeze it anew, or lift the freeze.`,
    ]);
  return h('p', { class: 'frozen', role: 'status' }, [
    sign(),
    h('strong', null, 'Frozen until '),
    moment(freeze.untilMs),
    ` (${spanText(freeze.untilMs - nowMs)} left) by ${freeze.who}: ${freeze.why}. No trial advances; guards and rollbacks go on.`,
  ]);
}

/** What can be done about it. */
export function freezeActs(policy: string, freeze: Freeze, viewer: Viewer | null): readonly OfferedAct[] {
  const isFrozen = freeze !== null && freeze.kind !== 'none';
  return [
    {
      label: isFrozen ? 'Freeze longer' : 'Freeze trials',
      effect: `No trial of ${policy} advances and no candidate gets more robots before the time you name. Guards and rollbacks go on.`,
      path: '/api/v1/freeze',
      body: { policy },
      why: roleWhy(viewer, 'operator'),
      field: { name: 'until', label: 'Until', hint: 'a UTC day or time, like 2026-12-24 or 2026-12-24T18:00Z' },
    },
    ...(isFrozen
      ? [
          {
            label: 'Lift the freeze',
            effect: `Trials of ${policy} advance again, from now on.`,
            path: '/api/v1/freeze/lift',
            body: { policy },
            why: roleWhy(viewer, 'approver'),
          },
        ]
      : []),
  ];
}
