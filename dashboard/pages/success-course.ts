import { h, type ComponentChild } from 'preact';

import type { SuccessCourseAnswer } from '../../console/answers/metrics.ts';
import { figure } from '../chart-axis.ts';
import { momentText, numberText, spanText } from '../format.ts';
import { lineChart } from '../line-chart.ts';
import type { Reading } from '../reading.ts';
import { apiPath } from '../route.ts';
import { exactMoment, moment, shownOf, stateBox, table } from '../states.ts';
import { championWay } from './champion-words.ts';
import { metricCell } from './metrics.ts';

type Query = Readonly<Record<string, string>>;
type Point = SuccessCourseAnswer['points'][number];
type Champion = NonNullable<SuccessCourseAnswer['champions']>[number];

export const successCoursePath = ({ policy, from, to }: Query): string =>
  apiPath('metrics/course', { policy, from, to });

/** Success of the whole fleet over time; it marks when the champion changed. */
export const successCourse = (reading: Reading<SuccessCourseAnswer>, nowMs: number): ComponentChild =>
  h('section', { 'aria-labelledby': 'over-time' }, [
    h('h2', { id: 'over-time' }, 'Success over time, of the whole fleet'),
    shownOf(reading, nowMs, 'success over time', body),
  ]);

function body(data: SuccessCourseAnswer): ComponentChild {
  const { state, points, champions, stepMs, asOfMs } = data;
  if (state === 'noFacts')
    return stateBox(
      'noData',
      'Nobody makes facts from telemetry yet: there is nothing to count. Nothing follows from this.',
    );
  if (points.length === 0) return stateBox('empty', 'No counted episode ended in this time.');
  const [firstMs, lastMs] = [points[0]?.fromMs ?? 0, (points.at(-1)?.fromMs ?? 0) + stepMs];
  const shown = (champions ?? []).filter(({ atMs }) => atMs >= firstMs && atMs < lastMs);
  const told = shown.map(({ version, atMs }) => `${version} at ${momentText(atMs)}`).join('; ');
  return h('div', null, [
    h('p', { class: 'legend' }, [
      `Counted episodes by when they ended, in pieces of ${spanText(stepMs)}. A dashed line from top to bottom: another champion, with its version.`,
      asOfMs === null ? null : [' Facts as of ', moment(asOfMs), '.'],
    ]),
    champions === null
      ? stateBox('noData', 'When the champion changed cannot be read now. Nothing follows from a chart without marks.')
      : null,
    lineChart(linesOf(points, stepMs), {
      label: `Success of the whole fleet over time, in percent. ${told === '' ? 'No change of the champion in this time' : `The champion changed: ${told}`}`,
      xText: (x) => axisText(x, stepMs),
      yText: (percent, places) => `${figure(percent, places)} %`,
      events: shown.map(({ atMs, version }) => ({ x: atMs, name: version })),
    }),
    h('details', null, [h('summary', null, 'The same as a table'), courseTable(data)]),
    shown.length === 0
      ? null
      : table(
          'Changes of the champion in this time, newest first',
          [
            { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
            { head: 'Champion', cell: ({ version }) => version },
            { head: 'How it came to be, by whom and why', cell: championWay },
          ],
          shown.toReversed(),
          ({ atMs }, index) => `${atMs} ${index}`,
        ),
  ]);
}

const dayMs = 86_400_000;

/** Short enough for two of them on a telephone: `2026-06-01`, `06-01 22:00 UTC`. */
function axisText(atMs: number, stepMs: number): string {
  const text = new Date(atMs).toISOString();
  return stepMs < dayMs ? `${text.slice(5, 10)} ${text.slice(11, 16)} UTC` : text.slice(0, 10);
}

/** A value at the middle of its piece of time; pieces of which nothing is told are gaps. */
function linesOf(points: readonly Point[], stepMs: number) {
  const line = (name: string, valueOf: (success: Extract<Point['success'], { kind: 'value' }>) => number | null) => ({
    name,
    points: points.flatMap(({ fromMs, success }, index) => {
      const value = success.kind === 'value' ? valueOf(success) : null;
      const isAfterGap = index > 0 && fromMs - (points[index - 1]?.fromMs ?? fromMs) > stepMs;
      return [
        ...(isAfterGap ? [{ x: fromMs - stepMs / 2, y: null }] : []),
        { x: fromMs + stepMs / 2, y: value === null ? null : 100 * value },
      ];
    }),
  });
  return [
    line('success, %', ({ value }) => value),
    line('at least, 95 %', ({ low }) => low),
    line('at most, 95 %', ({ high }) => high),
  ];
}

const courseTable = ({ points, champions, stepMs }: SuccessCourseAnswer): ComponentChild =>
  table(
    'Newest first',
    [
      { head: 'From', cell: ({ fromMs }) => moment(fromMs) },
      { head: 'Success', isNumber: true, cell: ({ success }) => metricCell(success, 'fraction', null) },
      { head: 'Robots', isNumber: true, cell: ({ robots }) => numberText(robots, 0) },
      { head: 'Champion', cell: ({ fromMs }) => championCell(champions, fromMs, stepMs) },
    ],
    points.toReversed(),
    ({ fromMs }) => String(fromMs),
  );

/** Who was champion in a piece of time, and who became it within. */
function championCell(champions: readonly Champion[] | null, fromMs: number, stepMs: number): ComponentChild {
  if (champions === null) return 'not known now';
  const before = champions.findLast(({ atMs }) => atMs < fromMs);
  const within = champions.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + stepMs);
  return [
    before?.version ?? (within.length === 0 ? 'none' : 'none before'),
    within.map((change, index) => h('div', { key: String(index) }, [`→ ${change.version} `, exactMoment(change.atMs)])),
  ];
}
