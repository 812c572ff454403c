import { h, type ComponentChild } from 'preact';

import { axisOf, narrowest, signWidth, type Axis } from './chart-axis.ts';
import { across, chartFrame, down } from './chart-frame.ts';

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
  readonly height?: number;
}

const usualHeight = 170;
/** A few bars are not blocks: of the width of a chart. */
const widestBar = 0.08;
/** As many as there are places for names below a chart. */
const mostNames = 4;

/** Places of bars in the drawing; pure, and finite for any counts. */
export function barsOf(
  bars: readonly Bar[],
  height: number,
): {
  readonly axis: Axis;
  /** Of the width. */
  readonly step: number;
  /** Pixels from the top. */
  readonly y: (count: number) => number;
} {
  const sums = bars.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0));
  const high = sums.reduce((most, sum) => Math.max(most, sum), 1);
  const axis = axisOf({ low: 0, high }, height, { isWhole: true });
  return { axis, step: 1 / Math.max(1, bars.length), y: (count) => down(count, axis, height) };
}

/** Names below the bars: each has its own where all fit in the narrowest chart, else the first and the last. */
export function namesBelow(bars: readonly Bar[]): readonly string[] {
  const names = bars.map(({ name }) => name);
  const longest = names.reduce((most, { length }) => Math.max(most, length), 0);
  const doFit = names.length <= mostNames && names.length * (longest + 1) * signWidth <= narrowest;
  return doFit || names.length < 2 ? names : [names[0] ?? '', names.at(-1) ?? ''];
}

/** Counts as bars. Whoever draws it shows the same as a table. */
export function barChart(bars: readonly Bar[], { label, series, height = usualHeight }: BarWords): ComponentChild {
  const { axis, step, y } = barsOf(bars, height);
  const wide = Math.min(widestBar, step * 0.8);
  const below = namesBelow(bars);
  const className = below.length === bars.length ? 'is-each' : 'is-ends';
  return h('figure', { class: 'lines bars' }, [
    chartFrame({ label, axis, below, height, className }, [
      hatches(),
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
                x: across((index + 0.5) * step - wide / 2),
                width: across(wide),
                y: top,
                height: Math.max(0, bottom - top),
              });
        });
      }),
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
