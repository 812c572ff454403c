import { h, type ComponentChild } from 'preact';

import { numberText } from './format.ts';

/** One bar; its parts stand on each other, in the order of the series. */
export interface Bar {
  readonly name: string;
  readonly parts: readonly number[];
}

interface BarWords {
  /** What is drawn, for those who do not see it; a table beside it has the numbers. */
  readonly label: string;
  /** Names of the parts; told apart by their patterns as well. */
  readonly series: readonly string[];
}

const [width, height] = [720, 220];
/** A few bars are not blocks. */
const widestBar = 56;
/** So many have room for their names. */
const fewBars = 5;
/** Left there is room for `1,234,567`. */
const margin = { left: 84, right: 12, top: 12, bottom: 34 };

/** Places of bars in the drawing; pure, and finite for any counts. */
export function barsOf(bars: readonly Bar[]): {
  readonly highest: number;
  readonly step: number;
  readonly y: (count: number) => number;
} {
  const highest = Math.max(1, ...bars.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)));
  return {
    highest,
    step: (width - margin.left - margin.right) / Math.max(1, bars.length),
    y: (count) => height - margin.bottom - ((height - margin.top - margin.bottom) * count) / highest,
  };
}

/** Counts as bars. Whoever draws it shows the same as a table. */
export function barChart(bars: readonly Bar[], { label, series }: BarWords): ComponentChild {
  const { highest, step, y } = barsOf(bars);
  const wide = Math.min(widestBar, step * 0.8);
  const [first, last] = [bars[0], bars.at(-1)];
  return h('figure', { class: 'lines bars' }, [
    h('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, [
      hatches(),
      [0, highest].map((count) =>
        h('g', { key: `${count}` }, [
          h('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(count), y2: y(count) }),
          h('text', { class: 'tick', x: margin.left - 6, y: y(count) + 4, 'text-anchor': 'end' }, numberText(count, 0)),
        ]),
      ),
      bars.map(({ parts }, index) => {
        let below = 0;
        return parts.map((part, at) => {
          const [top, bottom] = [y(below + part), y(below)];
          below += part;
          return part <= 0
            ? null
            : h('rect', {
                key: `${index} ${at}`,
                class: `bar bar-${at % 3}`,
                x: margin.left + (index + 0.5) * step - wide / 2,
                width: wide,
                y: top,
                height: Math.max(0, bottom - top),
              });
        });
      }),
      bars.length <= fewBars
        ? bars.map(({ name }, index) =>
            h(
              'text',
              { key: name, x: margin.left + (index + 0.5) * step, y: height - 10, 'text-anchor': 'middle' },
              name,
            ),
          )
        : [
            h('text', { x: margin.left, y: height - 10 }, first?.name),
            h('text', { x: width - margin.right, y: height - 10, 'text-anchor': 'end' }, last?.name),
          ],
    ]),
    series.length < 2
      ? null
      : h(
          'figcaption',
          { class: 'legend' },
          series.map((name, at) =>
            h('span', { key: name, class: 'line-name' }, [
              h('svg', { viewBox: '0 0 18 12', class: 'swatch', 'aria-hidden': 'true' }, [
                h('rect', { class: `bar bar-${at % 3}`, x: 1, y: 1, width: 16, height: 10 }),
              ]),
              ` ${name} `,
            ]),
          ),
        ),
  ]);
}

/** Two of three parts are hatched, each in a way of its own. */
const hatches = (): ComponentChild =>
  h('defs', null, [
    h(
      'pattern',
      { id: 'hatch-1', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      [h('rect', { class: 'hatch-paper', width: 6, height: 6 }), h('rect', { class: 'hatch-1', width: 3, height: 6 })],
    ),
    h('pattern', { id: 'hatch-2', width: 5, height: 5, patternUnits: 'userSpaceOnUse' }, [
      h('rect', { class: 'hatch-paper', width: 5, height: 5 }),
      h('rect', { class: 'hatch-2', width: 2, height: 2 }),
    ]),
  ]);
