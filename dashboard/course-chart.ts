import { h, type ComponentChild } from 'preact';

import { axisOf, extentOf, figure, type Axis } from './chart-axis.ts';
import { across, chartFrame, down } from './chart-frame.ts';
import { momentText, pointsText } from './format.ts';

/** One verdict of a trial. Effects are candidate minus champion, as fractions; `high` null: the interval is open upwards. */
export interface CoursePoint {
  readonly atMs: number;
  readonly name: string;
  readonly effect: number;
  readonly low: number | null;
  readonly high: number | null;
  /** The effect's interval must stay above this; null: no limit was judged against. */
  readonly limit: number | null;
}

const height = 220;

/** Places of the points in the drawing; pure, for any order and size of what was judged. */
export function chartOf(points: readonly CoursePoint[]): {
  /** Of the width: from 0 to 1. */
  readonly x: (index: number) => number;
  /** Pixels from the top. */
  readonly y: (fraction: number) => number;
  /** In percentage points. */
  readonly axis: Axis;
} {
  const all = points.flatMap(({ effect, low, high, limit }) => [effect, low, high, limit]);
  const { low, high } = extentOf([0, ...all.map((value) => (value === null ? null : 100 * value))]);
  const axis = axisOf({ low, high: Math.max(high, low + 0.5) }, height, { text: pointsAt });
  return {
    axis,
    x: (index) => (index + 0.5) / Math.max(1, points.length),
    y: (fraction) => down(100 * fraction, axis, height),
  };
}

const pointsAt = (value: number, places: number): string => `${value > 0 ? '+' : ''}${figure(value, places)} pp`;

/** The effect with its interval over time, against its limit. The same stands in a table: this is for those who see. */
export function courseChart(points: readonly CoursePoint[]): ComponentChild {
  const { x, y, axis } = chartOf(points);
  const [first, last] = [points[0], points.at(-1)];
  const label =
    first === undefined || last === undefined
      ? 'No verdict yet'
      : `Effect over ${points.length} verdicts: ${pointsText(first.effect)} at first, ${pointsText(last.effect)} at last`;
  const times = points.length > 1 ? [first, last] : [first];
  const below = times.flatMap((point) => (point === undefined ? [] : [momentText(point.atMs)]));
  return h(
    'figure',
    { class: 'lines course' },
    chartFrame(
      { label, axis, below, height },
      points.map(({ effect, low, high, limit }, index) => {
        const at = across(x(index));
        return h('g', { key: `p${index}` }, [
          low === null
            ? null
            : h('line', { class: 'range', x1: at, x2: at, y1: y(low), y2: high === null ? 0 : y(high) }),
          limit === null
            ? null
            : h('line', {
                class: 'limit',
                x1: across(x(index - 0.5)),
                x2: across(x(index + 0.5)),
                y1: y(limit),
                y2: y(limit),
              }),
          h('circle', { class: 'effect', cx: at, cy: y(effect), r: points.length > 120 ? 1.5 : 3 }),
        ]);
      }),
    ),
  );
}
