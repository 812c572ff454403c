import { h, type ComponentChild } from 'preact';

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

const [width, height] = [720, 260];
/** Of the chart’s units: the height of the largest letters, those of a telephone. */
const leastApart = 28;
const margin = { left: 64, right: 16, top: 16, bottom: 36 };

/** Places of the points in the drawing; pure, for any order and size of what was judged. */
export function chartOf(points: readonly CoursePoint[]): {
  readonly x: (index: number) => number;
  readonly y: (fraction: number) => number;
  readonly lowest: number;
  readonly highest: number;
} {
  const all = [0, ...points.flatMap(({ effect, low, high, limit }) => [effect, low, high, limit])].filter(
    (value) => value !== null,
  );
  const [least, most] = all.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  const room = Math.max((most - least) * 0.08, 0.005);
  const [lowest, highest] = [least - room, most + room];
  return {
    lowest,
    highest,
    x: (index) => margin.left + ((width - margin.left - margin.right) * (index + 0.5)) / Math.max(1, points.length),
    y: (fraction) =>
      height - margin.bottom - ((height - margin.top - margin.bottom) * (fraction - lowest)) / (highest - lowest),
  };
}

/** The effect with its interval over time, against its limit. The same stands in a table: this is for those who see. */
export function courseChart(points: readonly CoursePoint[]): ComponentChild {
  const { x, y, lowest, highest } = chartOf(points);
  const [first, last] = [points[0], points.at(-1)];
  const label =
    first === undefined || last === undefined
      ? 'No verdict yet'
      : `Effect over ${points.length} verdicts: ${pointsText(first.effect)} at first, ${pointsText(last.effect)} at last`;
  return h('svg', { class: 'course', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, [
    // Two labels of lines that lie close together would cover each other.
    [lowest, 0, highest].map((fraction) =>
      h('g', { key: `${fraction}` }, [
        h('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(fraction), y2: y(fraction) }),
        fraction !== 0 || Math.min(Math.abs(y(lowest) - y(0)), Math.abs(y(highest) - y(0))) >= leastApart
          ? h(
              'text',
              { class: 'tick', x: margin.left - 6, y: y(fraction) + 4, 'text-anchor': 'end' },
              pointsText(fraction),
            )
          : null,
      ]),
    ),
    points.map(({ effect, low, high, limit }, index) =>
      h('g', { key: `p${index}` }, [
        low === null
          ? null
          : h('line', {
              class: 'range',
              x1: x(index),
              x2: x(index),
              y1: y(low),
              y2: high === null ? margin.top : y(high),
            }),
        limit === null
          ? null
          : h('line', { class: 'limit', x1: x(index - 0.5), x2: x(index + 0.5), y1: y(limit), y2: y(limit) }),
        h('circle', { class: 'effect', cx: x(index), cy: y(effect), r: points.length > 120 ? 1.5 : 3 }),
      ]),
    ),
    first === undefined || last === undefined
      ? null
      : [
          h('text', { x: margin.left, y: height - 10 }, momentText(first.atMs)),
          h('text', { x: width - margin.right, y: height - 10, 'text-anchor': 'end' }, momentText(last.atMs)),
        ],
  ]);
}
