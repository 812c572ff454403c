import { h, type ComponentChild } from 'preact';

import type { TrialAnswer } from '../console/answers/trials.ts';
import { roleWhy, type OfferedAct, type Viewer } from './acts.ts';
import { spanText } from './format.ts';
import { moment } from './states.ts';

/** null: it is not known yet. */
export type Freeze = TrialAnswer['freeze'] | null;

/** Until when, by whom and why no trial advances; nothing where trials may. */
export function freezeNote(freeze: Freeze, nowMs: number): ComponentChild {
  if (freeze === null || freeze.kind === 'none') return null;
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, '❄');
  if (freeze.kind === 'unreadable')
    return h('p', { class: 'frozen', role: 'alert' }, [
      sign,
      h('strong', null, 'Whether it is frozen is not known, so no trial advances: '),
      `${freeze.reason}. Freeze it anew, or lift the freeze.`,
    ]);
  return h('p', { class: 'frozen', role: 'status' }, [
    sign,
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
