import { h, type ComponentChild, type ComponentChildren } from 'preact';

import { labelHeight, nameGap, type Axis, type PlacedName } from './chart-axis.ts';

interface ChartFrame {
  /** What is drawn, for those who do not see it; a table beside it has the numbers. */
  readonly label: string;
  readonly axis: Axis;
  /** Below the chart, from its left to its right end: each above its part where there is one for each, else at both ends. */
  readonly below: readonly string[];
  readonly height: number;
  readonly names?: readonly PlacedName[];
  readonly className?: string;
}

/** From 0 to 1 as SVG has it of the width of a chart, which is as wide as there is room. */
export const across = (fraction: number): string => `${Number((100 * fraction).toFixed(3))}%`;

/** Pixels from the top at which a value stands; finite for any. */
export const down = (value: number, { low, high }: Pick<Axis, 'low' | 'high'>, height: number): number => {
  // Halves, because the difference of the largest numbers is none.
  const fraction = (value / 2 - low / 2) / (high / 2 - low / 2);
  return Number((height * (1 - Math.min(1, Math.max(0, fraction)))).toFixed(2));
};

/**
 * What a chart has around its drawing. Labels are text beside the drawing and not in it: letters have one size on every screen, and each column and row of them has
 * the room that it takes, so that none is cut and none covers another one.
 */
export function chartFrame(
  { label, axis, below, height, names = [], className = '' }: ChartFrame,
  drawing: ComponentChildren,
): ComponentChild {
  const [, ...inner] = axis.labels;
  const rows = names.reduce((most, { row }) => Math.max(most, row + 1), 0);
  return h('div', { class: `chart ${className}`.trim(), role: 'img', 'aria-label': label }, [
    rows === 0 ? null : nameRows(names, rows),
    h(
      'div',
      { class: 'axis' },
      axis.labels.toReversed().map((text, at) => h('span', { key: String(at) }, text)),
    ),
    h('svg', { class: 'plot', height, 'aria-hidden': 'true' }, [
      [0, ...inner.map((_, at) => at + 1)].map((at) => {
        const y = height * (1 - at / Math.max(1, inner.length));
        return h('line', { key: `g${at}`, class: 'grid', x1: 0, x2: '100%', y1: y, y2: y });
      }),
      drawing,
      names.map(({ at }, index) =>
        h('line', { key: `n${index}`, class: 'event', x1: across(at), x2: across(at), y1: 0, y2: height }),
      ),
    ]),
    h(
      'div',
      { class: 'below' },
      below.map((text, at) => h('span', { key: String(at) }, text)),
    ),
  ]);
}

/** Names above the drawing, each with a line down to it. */
const nameRows = (names: readonly PlacedName[], rows: number): ComponentChild =>
  h(
    'svg',
    { class: 'names', height: rows * labelHeight + 6 },
    names.map(({ at, name, row, anchor }, index) =>
      h('g', { key: `e${index}` }, [
        h('line', { class: 'event', x1: across(at), x2: across(at), y1: row * labelHeight + 2, y2: '100%' }),
        h(
          'text',
          {
            class: 'event-name',
            x: across(at),
            dx: anchor === 'end' ? -nameGap : nameGap,
            y: row * labelHeight + 12,
            'text-anchor': anchor,
          },
          name,
        ),
      ]),
    ),
  );
