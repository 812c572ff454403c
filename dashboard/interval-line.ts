import { h, type ComponentChild } from 'preact';

/** A fraction with its interval; null: there is none. */
export interface IntervalPoint {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const [step, height] = [12, 28];

/** Where a fraction stands in the drawing; out of 0 to 1 it stands at the edge. */
export const heightOf = (fraction: number): number => height - 4 - (height - 8) * Math.min(1, Math.max(0, fraction));

/**
 * Fractions over time in a line's height, oldest first, from 0 to 1, with a mark at `target`; a time without one is a gap. For those who see: whoever draws it says
 * the same in cells beside it.
 */
export const intervalLine = (points: readonly (IntervalPoint | null)[], target: number): ComponentChild =>
  h(
    'svg',
    {
      class: 'interval-line',
      width: points.length * step,
      height,
      viewBox: `0 0 ${points.length * step} ${height}`,
      'aria-hidden': 'true',
    },
    [
      h('line', { class: 'limit', x1: 0, x2: points.length * step, y1: heightOf(target), y2: heightOf(target) }),
      points.map((point, index) => {
        if (point === null) return null;
        const x = (index + 0.5) * step;
        return h('g', { key: `${index}` }, [
          h('line', { class: 'range', x1: x, x2: x, y1: heightOf(point.low ?? 0), y2: heightOf(point.high ?? 1) }),
          h('circle', { class: 'effect', cx: x, cy: heightOf(point.value), r: 2.5 }),
        ]);
      }),
    ],
  );
