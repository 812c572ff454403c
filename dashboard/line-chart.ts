import { h, type ComponentChild } from 'preact';

import { numberText } from './format.ts';

/** One line of a chart; `y` null: nothing there, and a gap. */
export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

const [width, height] = [720, 240];
const margin = { left: 72, right: 16, top: 12, bottom: 34 };
/** Lines are told apart by their dashes, not by colour alone; more than these begin again. */
const dashes = ['none', '8 4', '2 3', '12 3 2 3'];

interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly left: number;
  readonly right: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Places of values in the drawing; pure, and finite for any values. */
export function frameOf(lines: readonly Line[]): Frame {
  let [left, right, lowest, highest] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { points } of lines)
    for (const { x, y } of points) {
      if (y === null) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [lowest, highest] = [Math.min(lowest, y), Math.max(highest, y)];
    }
  if (left > right) [left, right, lowest, highest] = [0, 1, 0, 1];
  const room = highest > lowest ? 0 : Math.max(1, Math.abs(highest)) / 2;
  [lowest, highest] = [lowest - room, highest + room];
  const spanX = right > left ? right - left : 1;
  const [across, down] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
  return {
    left,
    right,
    lowest,
    highest,
    x: (value) => margin.left + (across * (value - left)) / spanX,
    y: (value) => height - margin.bottom - (down * (value - lowest)) / (highest - lowest),
  };
}

/** The path of a line, broken at its gaps; a value between two gaps is a dot. */
export function pathOf({ points }: Line, { x, y }: Pick<Frame, 'x' | 'y'>): string {
  let isDown = false;
  return points
    .map((point, index) => {
      if (point.y === null) {
        isDown = false;
        return '';
      }
      const command = isDown ? 'L' : 'M';
      // One between two gaps is a dot, by its round ends; a dashed line of no length at all would not be drawn.
      const dot = !isDown && (points[index + 1]?.y ?? null) === null ? 'h0.1' : '';
      isDown = true;
      return `${command}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}${dot}`;
    })
    .join('');
}

/** Places on the axis: where somebody looks, and a span that is marked. What they say stands in words beside the chart. */
export interface ChartMarks {
  readonly at?: number | undefined;
  readonly span?: readonly [from: number, to: number] | undefined;
  /** What happened when; a name stands beside each, the last eight at most. */
  readonly events?: readonly { readonly x: number; readonly name: string }[] | undefined;
}

interface ChartWords extends ChartMarks {
  /** What is drawn, for those who do not see it; a table beside it has the numbers. */
  readonly label: string;
  readonly xText: (x: number) => string;
  readonly yText?: (y: number) => string;
}

const mostEvents = 8;
const rowHeight = 24;

/** A line from top to bottom with a name, each a row lower than the one before, so that names near each other can be read. What lies beyond the axis stands at its end. */
function eventMark(
  { x: at, name }: { readonly x: number; readonly name: string },
  index: number,
  { x, left, right }: Frame,
): ComponentChild {
  const place = x(Math.min(right, Math.max(left, at)));
  const isRight = place > width / 2;
  return h('g', { key: `e${index}` }, [
    h('line', { class: 'event', x1: place, x2: place, y1: margin.top, y2: height - margin.bottom }),
    h(
      'text',
      {
        class: 'event-name',
        x: place + (isRight ? -4 : 4),
        y: margin.top + 14 + (index % 4) * rowHeight,
        'text-anchor': isRight ? 'end' : 'start',
      },
      name,
    ),
  ]);
}

const figure = (value: number): string => numberText(value, 4);

/** Lines over a common axis. Whoever draws it shows the same as a table. */
export function lineChart(
  lines: readonly Line[],
  { label, xText, yText = figure, at, span, events = [] }: ChartWords,
): ComponentChild {
  const frame = frameOf(lines);
  const { x, y, left, right, lowest, highest } = frame;
  return h('figure', { class: 'lines' }, [
    h('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, [
      [lowest, (lowest + highest) / 2, highest].map((value) =>
        h('g', { key: `${value}` }, [
          h('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
          h('text', { class: 'tick', x: margin.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, yText(value)),
        ]),
      ),
      span === undefined
        ? null
        : h('rect', {
            class: 'marked',
            x: x(span[0]),
            width: Math.max(1, x(span[1]) - x(span[0])),
            y: margin.top,
            height: height - margin.top - margin.bottom,
          }),
      lines.map((line, index) =>
        h('path', {
          key: `l${index}`,
          class: `line line-${index % dashes.length}`,
          d: pathOf(line, frame),
          'stroke-dasharray': dashes[index % dashes.length],
        }),
      ),
      events.slice(-mostEvents).map((event, index) => eventMark(event, index, frame)),
      at === undefined
        ? null
        : h('line', { class: 'cursor', x1: x(at), x2: x(at), y1: margin.top, y2: height - margin.bottom }),
      h('text', { x: margin.left, y: height - 10 }, xText(left)),
      h('text', { x: x(right), y: height - 10, 'text-anchor': 'end' }, xText(right)),
    ]),
    h(
      'figcaption',
      { class: 'legend' },
      lines.map(({ name }, index) =>
        h('span', { key: `n${index}`, class: 'line-name' }, [
          h('svg', { viewBox: '0 0 36 8', 'aria-hidden': 'true' }, [
            h('line', {
              class: `line line-${index % dashes.length}`,
              x1: 0,
              x2: 36,
              y1: 4,
              y2: 4,
              'stroke-dasharray': dashes[index % dashes.length],
            }),
          ]),
          ` ${name} `,
        ]),
      ),
    ),
  ]);
}
