import { h, type ComponentChild } from 'preact';

import { axisOf, extentOf, placedNames, type Axis, type AxisText } from './chart-axis.ts';
import { across, chartFrame, down } from './chart-frame.ts';

/** One line of a chart; `y` null: nothing there, and a gap. */
export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
  /** A value holds until the next one: of what has nothing between two values. */
  readonly isStepped?: boolean;
}

const usualHeight = 190;
/** Lines are told apart by their dashes, not by colour alone; more than these begin again. */
const dashes = ['none', '8 4', '2 3', '12 3 2 3'];

interface Frame {
  /** From 0 to 1. */
  readonly x: (value: number) => number;
  /** Pixels from the top. */
  readonly y: (value: number) => number;
  readonly left: number;
  readonly right: number;
  readonly axis: Axis;
}

interface FrameChoice {
  readonly height: number;
  readonly axis?: Axis | undefined;
  readonly yText?: AxisText | undefined;
}

/** Places of values in the drawing; pure, and finite for any values. */
export function frameOf(lines: readonly Line[], { height, axis: given, yText: text }: FrameChoice): Frame {
  const told = lines.flatMap(({ points }) => points.filter(({ y }) => y !== null));
  const { low: left, high: right } = extentOf(told.map(({ x }) => x));
  const axis = given ?? axisOf(extentOf(told.map(({ y }) => y)), height, text === undefined ? {} : { text });
  const span = right / 2 - left / 2;
  return {
    left,
    right,
    axis,
    x: (value) => (span > 0 ? Math.min(1, Math.max(0, (value / 2 - left / 2) / span)) : 0.5),
    y: (value) => down(value, axis, height),
  };
}

/** The drawing of lines is so many units wide; it is stretched to the room that there is. */
const units = 1_000;

/** The path of a line, broken at its gaps; a value between two gaps is a dot. */
export function pathOf({ points, isStepped = false }: Line, { x, y }: Pick<Frame, 'x' | 'y'>): string {
  let isDown = false;
  return points
    .map((point, index) => {
      if (point.y === null) {
        isDown = false;
        return '';
      }
      const [right, low] = [(units * x(point.x)).toFixed(1), y(point.y).toFixed(1)];
      const next = points[index + 1]?.y ?? null;
      // One between two gaps is a dot, by its round ends; a dashed line of no length at all would not be drawn.
      const dot = !isDown && next === null ? 'h0.1' : '';
      const command = isDown ? (isStepped ? `H${right}V${low}` : `L${right} ${low}`) : `M${right} ${low}`;
      isDown = true;
      return `${command}${dot}`;
    })
    .join('');
}

/** Places on the axis: where somebody looks, and a span that is marked. What they say stands in words beside the chart. */
export interface ChartMarks {
  readonly at?: number | undefined;
  readonly span?: readonly [from: number, to: number] | undefined;
  /** What happened when; a name stands above each, the last eight at most. */
  readonly events?: readonly { readonly x: number; readonly name: string }[] | undefined;
}

interface ChartWords extends ChartMarks {
  /** What is drawn, for those who do not see it; a table beside it has the numbers. */
  readonly label: string;
  readonly xText: (x: number) => string;
  readonly yText?: AxisText;
  /** Where it is not one of round numbers. */
  readonly axis?: Axis;
  readonly height?: number;
}

const mostEvents = 8;

/** Lines over a common axis. Whoever draws it shows the same as a table. */
export function lineChart(
  lines: readonly Line[],
  { label, xText, yText, at, span, events = [], axis: given, height = usualHeight }: ChartWords,
): ComponentChild {
  const frame = frameOf(lines, { height, axis: given, yText });
  const { x, left, right, axis } = frame;
  const names = placedNames(events.slice(-mostEvents).map((event) => ({ at: x(event.x), name: event.name })));
  const below = left === right ? [xText(left)] : [xText(left), xText(right)];
  return h('figure', { class: 'lines' }, [
    chartFrame({ label, axis, below, height, names }, [
      span === undefined ? null : spanMark(span, frame, height),
      h(
        'svg',
        { key: 'lines', viewBox: `0 0 ${units} ${height}`, preserveAspectRatio: 'none', width: '100%', height },
        lines.map((line, index) =>
          h('path', {
            key: `l${index}`,
            class: `line line-${index % dashes.length}`,
            d: pathOf(line, frame),
            'stroke-dasharray': dashes[index % dashes.length],
          }),
        ),
      ),
      at === undefined
        ? null
        : h('line', { key: 'at', class: 'cursor', x1: across(x(at)), x2: across(x(at)), y1: 0, y2: height }),
    ]),
    legendOf(lines),
  ]);
}

function spanMark(
  [from, to]: readonly [from: number, to: number],
  { x }: Pick<Frame, 'x'>,
  height: number,
): ComponentChild {
  return h('rect', {
    key: 'span',
    class: 'marked',
    x: across(x(from)),
    width: across(Math.max(0.002, x(to) - x(from))),
    y: 0,
    height,
  });
}

const legendOf = (lines: readonly Line[]): ComponentChild =>
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
  );
