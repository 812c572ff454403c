import { h, type ComponentChild } from 'preact';

import type { OfferedAct, Viewer } from './acts.ts';

/** Who looks at a page, and how it begins an act. */
export interface Acting {
  readonly viewer: Viewer | null;
  readonly onAct: (act: OfferedAct) => void;
}

/** A button for an act. One that cannot be used now stays in the reading order, with the reason beside it. */
export function actButton(act: OfferedAct, onAct: Acting['onAct'], about = ''): ComponentChild {
  const { label, why } = act;
  const id = `why-${label.replaceAll(/\W+/g, '-')}${about}`;
  return h('span', { class: 'act', key: label }, [
    h(
      'button',
      {
        type: 'button',
        'aria-disabled': why === null ? undefined : 'true',
        'aria-describedby': why === null ? undefined : id,
        onClick: () => {
          if (why === null) onAct(act);
        },
      },
      label,
    ),
    why === null ? null : h('span', { class: 'why', id }, why),
  ]);
}

export const actBar = (acts: readonly OfferedAct[], onAct: Acting['onAct']): ComponentChild | null =>
  acts.length === 0
    ? null
    : h(
        'div',
        { class: 'acts', role: 'group', 'aria-label': 'Acts' },
        acts.map((act) => actButton(act, onAct)),
      );
