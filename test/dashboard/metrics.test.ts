import assert from 'node:assert/strict';

import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

import type { MetricsAnswer, SuccessCourseAnswer } from '../../console/answers/metrics.ts';
import { metricsPage } from '../../dashboard/pages/metrics.ts';
import { successCourse, successCoursePath } from '../../dashboard/pages/success-course.ts';
import { assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

type Metric = MetricsAnswer['groups'][number]['metrics'][number]['metric'];
const value = (of: number): Metric => ({ kind: 'value', value: of, n: 100, low: of - 0.01, high: of + 0.01 });

const answerOf = (groups: Readonly<Record<string, Metric>>, by: MetricsAnswer['by'] = 'robot'): MetricsAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  policy: 'wall',
  by,
  from: '2026-11-01',
  to: '2026-11-08',
  state: 'read',
  asOfMs: nowMs,
  currency: null,
  definitions: [{ name: 'success', unit: 'fraction', sentence: 'counted episodes that succeeded' }],
  groups: Object.entries(groups).map(([name, metric]) => ({ name, metrics: [{ name: 'success', metric }] })),
});
const robots = answerOf({
  r1: value(0.9),
  r10: value(0.5),
  r2: value(0.7),
  r3: { kind: 'noData', why: 'no episode' },
});
const asked: Record<string, string>[] = [];
const page = (data: MetricsAnswer, sort?: string) =>
  metricsPage({
    reading: got(data),
    query: { policy: 'wall', by: 'robot', ...(sort === undefined ? {} : { sort }) },
    nowMs,
    onFilter: (change) => void asked.push(change),
  });
const namesOf = (text: string): readonly string[] =>
  [...text.matchAll(/<th scope="row"[^>]*><a [^>]*>([^<]+)</g)].map(([, name = '']) => name);

/** Every button of an order in a table, by what stands on it. */
function orderButtons(node: unknown): readonly (readonly [text: string, press: () => void])[] {
  const found: [string, () => void][] = [];
  const walk = (one: unknown): void => {
    if (Array.isArray(one)) return one.forEach(walk);
    const { type, props } = (one ?? {}) as VNode<{ class?: string; onClick?: () => void; children?: unknown }>;
    if (type === 'button' && props.class === 'order')
      found.push([renderToString(one as VNode).replaceAll(/<[^>]+>/g, ''), props.onClick ?? (() => undefined)]);
    if (props !== undefined) walk(props.children);
  };
  walk(node);
  return found;
}

describe('the table of metrics', () => {
  it('is ordered by any of its columns, either way, with what is unknown last', () => {
    assert.deepEqual(namesOf(html(page(robots))), ['r1', 'r10', 'r2', 'r3']);
    assert.deepEqual(namesOf(html(page(robots, 'success'))), ['r10', 'r2', 'r1', 'r3']);
    assert.deepEqual(namesOf(html(page(robots, '-success'))), ['r1', 'r2', 'r10', 'r3']);
    assert.deepEqual(namesOf(html(page(robots, 'name'))), ['r1', 'r2', 'r3', 'r10']);
    for (const unknown of ['uptime', 'constructor', '-', '--success'])
      assert.deepEqual(namesOf(html(page(robots, unknown))), ['r1', 'r10', 'r2', 'r3'], unknown);
    const versions = answerOf({ '1.10.0': value(0.9), '1.9.0': value(0.5) }, 'version');
    assert.deepEqual(namesOf(html(page(versions, 'name'))), ['1.9.0', '1.10.0']);
  });

  it('says by which column, and each head is a button that orders by it, the second time the other way round', () => {
    const sorted = html(page(robots, '-success'));
    assert.match(sorted, /<th scope="col" aria-sort="descending"><button type="button" class="order">Success/);
    assert.equal(sorted.match(/aria-sort/g)?.length, 1);
    assert.match(html(page(robots, 'success')), /aria-sort="ascending"/);
    assert.doesNotMatch(html(page(robots)), /aria-sort/);
    asked.length = 0;
    for (const [sort, presses] of [
      [undefined, 'success'],
      ['success', '-success'],
      ['-success', 'success'],
    ] as const) {
      const [, press] = orderButtons(page(robots, sort)).find(([text]) => text.startsWith('Success')) ?? assert.fail();
      press();
      assert.deepEqual(asked.at(-1), { sort: presses });
    }
    // On a telephone there are no heads.
    assert.match(html(page(robots)), /<option value="-success">Success, highest first/);
    assert.deepEqual(orderButtons(page(answerOf({ all: value(0.9) }, null))), []);
  });
});

const hourMs = 3_600_000;
const courseOf = (more: Partial<SuccessCourseAnswer> = {}): SuccessCourseAnswer => ({
  readAtMs: nowMs,
  policy: 'wall',
  from: '2026-11-21',
  to: '2026-11-28',
  state: 'read',
  asOfMs: nowMs,
  stepMs: hourMs,
  points: [5, 4, 2].map((ago) => ({ fromMs: nowMs - ago * hourMs, robots: 3, success: value(0.8) })),
  champions: [
    { atMs: nowMs - 9 * hourMs, version: '1.0.0', way: 'first', who: 'cy', why: 'begin' },
    { atMs: nowMs - 3.5 * hourMs, version: '1.1.0', way: 'trial', who: 'cycle c1', why: 'passed' },
    { atMs: nowMs - 1.5 * hourMs, version: '1.0.0', way: 'putBack', who: 'ada', why: 'smoke' },
  ],
  ...more,
});
const chart = (data: SuccessCourseAnswer): string => html(successCourse(got(data), nowMs));

describe('success over time', () => {
  it('marks when the champion changed, with the version, in the chart, in what is read out, and in its table', () => {
    const text = chart(courseOf());
    // A name above the drawing with a line down to it, and on through the drawing.
    assert.equal(text.match(/class="event"/g)?.length, 4);
    assert.deepEqual(
      [...text.matchAll(/class="event-name"[^>]*>([^<]+)</g)].map(([, name]) => name),
      ['1.1.0', '1.0.0'],
    );
    assert.match(text, /aria-label="[^"]*The champion changed: 1\.1\.0 at [^"]*; 1\.0\.0 at /);
    assert.match(text, /Champion<\/th>.*1\.1\.0<div>→ 1\.0\.0 <time/s);
    assert.match(text, /put back by ada: smoke.*promoted by a trial \(cycle c1\): passed/s);
    // Each value and interval stands in the table, too.
    assert.equal(
      text.match(/80 %<\/strong><span class="interval"> \[79 % to 81 %\]<\/span><span class="count"> n 100/g)?.length,
      3,
    );
  });

  it('marks stand at their time between the ends of the axis', () => {
    const xs = [...chart(courseOf()).matchAll(/class="event" x1="([\d.]+)%"/g)].map(([, x]) => Number(x));
    // The axis goes from the middle of the first piece to the middle of the last one.
    assert.deepEqual(xs, [33.333, 100, 33.333, 100]);
    const early = courseOf({
      champions: [{ atMs: nowMs - 5 * hourMs, version: '9.9.9', way: 'trial', who: 'w', why: 'y' }],
    });
    assert.match(chart(early), /class="event" x1="0%"/);
  });

  it('draws a gap where nothing was told, and says when changes are not known', () => {
    const [, success = ''] = /class="line line-0" d="([^"]+)"/.exec(chart(courseOf())) ?? [];
    assert.equal(success.match(/M/g)?.length, 2);
    const unknown = chart(courseOf({ champions: null }));
    assert.deepEqual(statesOf(unknown), ['noData']);
    assert.match(unknown, /not known now/);
    assert.match(chart(courseOf({ champions: [] })), /No change of the champion in this time/);
  });

  it('looks different when there is nothing, nothing yet, nothing for you, old or gone', () => {
    assertLooks(courseOf(), (reading) => successCourse(reading, nowMs), /class="event"/);
    assert.deepEqual(statesOf(chart(courseOf({ state: 'empty', points: [] }))), ['empty']);
    assert.deepEqual(statesOf(chart(courseOf({ state: 'noFacts', points: [] }))), ['noData']);
    assert.equal(successCoursePath({ policy: 'wall', by: 'robot', sort: 'x' }), '/api/v1/metrics/course?policy=wall');
  });

  it('never makes markup of what people wrote', () => {
    const at = { atMs: nowMs - 3 * hourMs, way: 'putBack' as const };
    const text = chart(courseOf({ champions: [{ ...at, version: hostile, who: hostile, why: hostile }] }));
    assert.doesNotMatch(text, /<img|<script|="">/);
  });
});
