import assert from 'node:assert/strict';

import type { TaskWeeksAnswer } from '../../console/answers/tasks.ts';
import { heightOf } from '../../dashboard/interval-line.ts';
import { tasksPage, taskWeeksPath } from '../../dashboard/pages/tasks.ts';
import type { Reading } from '../../dashboard/reading.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

type Item = TaskWeeksAnswer['items'][number];
const cellOf = (value: number, n: number): Item['total'] => ({
  robots: 3,
  metric: { kind: 'value', value, n, low: value - 0.05, high: value + 0.05 },
});
const none: Item['total'] = { robots: 0, metric: { kind: 'noData', why: 'no counted episode' } };
const taskOf = (id: string, more: Partial<Item> = {}): Item => ({
  id,
  index: 0,
  instruction: id,
  status: 'active',
  said: null,
  standing: 'operational',
  isNew: false,
  total: cellOf(0.9, 300),
  weeks: [none, cellOf(0.9, 300)],
  ...more,
});
const answerOf = (items: readonly Item[], more: Partial<TaskWeeksAnswer> = {}): TaskWeeksAnswer => ({
  readAtMs: nowMs,
  policy: 'wall',
  seq: 0,
  state: 'read',
  asOfMs: nowMs,
  target: { successFraction: 0.8, episodes: 30 },
  weeks: [
    { from: '2026-11-16', to: '2026-11-23' },
    { from: '2026-11-23', to: '2026-11-30' },
  ],
  standings: [
    { name: 'belowTarget', tasks: 0 },
    { name: 'unproven', tasks: 0 },
    { name: 'operational', tasks: items.length },
    { name: 'retired', tasks: 0 },
  ],
  newTasks: 0,
  items: [...items],
  total: items.length,
  next: null,
  unknown: { tasks: 0, episodes: 0, first: [] },
  ...more,
});
const node = (reading: Reading<TaskWeeksAnswer>, query = {}) =>
  tasksPage({ reading, query: { policy: 'wall', ...query }, nowMs, onFilter: () => undefined });
const page = (data: TaskWeeksAnswer, query = {}): string => html(node(got(data), query));

describe('the page of tasks', () => {
  it('looks different when there is nothing, nothing yet, nothing for you, nothing known, old or gone', () => {
    assertLooks(answerOf([taskOf('follow')]), node, /<table|follow/);
    assert.deepEqual(statesOf(page(answerOf([]))), ['empty']);
    const noFacts = answerOf([taskOf('follow', { standing: 'unproven', total: none })], { state: 'noFacts' });
    assert.deepEqual(statesOf(page(noFacts)), ['noData']);
    const filtered = page({ ...answerOf([]), standings: answerOf([taskOf('a')]).standings }, { search: 'x' });
    assert.match(filtered, /No task fits/);
    assert.doesNotMatch(filtered, /catalogue is empty/);
  });

  it('shows each week with value, interval, number and robots; a week without episodes as none, or not at all', () => {
    const one = taskOf('follow');
    const other = taskOf('turn', { weeks: one.weeks.toReversed() });
    const text = page(answerOf([one, other]));
    const alone = page(answerOf([one]));
    assert.doesNotMatch(alone, /2026-11-16/);
    assert.match(alone, /1 of 2 weeks have no counted episode/);
    assert.match(text, /2026-11-23, so far.*2026-11-16<\/th>/s);
    assert.match(text, /90 %.*\[85 % to 95 %\].*n 300.*3 robots/s);
    assert.match(text, /<td class="number"><span class="no-data">none/);
    // The drawing says nothing that the cells do not say.
    assert.match(text, /<svg class="interval-line"[^>]*aria-hidden="true"/);
    assert.deepEqual([heightOf(2), heightOf(-1)], [heightOf(1), heightOf(0)]);
  });

  it('names standings in words, and what robots told of tasks that nobody has', () => {
    for (const [standing, words] of [
      ['belowTarget', '▼ below target'],
      ['unproven', '◌ unproven'],
      ['retired', '■ retired'],
    ] as const)
      assert.ok(page(answerOf([taskOf('follow', { standing, isNew: true })])).includes(`${words}, new</span>`));
    const unknown = { tasks: 700, episodes: 9_000, first: [{ task: hostile, episodes: 90, robots: 2 }] };
    assert.match(page(answerOf([], { unknown })), /Not in the catalogue \(700\).*The 1 most frequent of 700/s);
  });

  it('never makes markup of what robots and people wrote', () => {
    const said = { atMs: nowMs, who: hostile, why: hostile };
    const unknown = { tasks: 1, episodes: 1, first: [{ task: hostile, episodes: 1, robots: 1 }] };
    const data = answerOf([taskOf(hostile, { instruction: `${hostile} `, said })], { unknown });
    assertHarmless(page(data, { search: hostile, standing: hostile, sort: hostile, until: hostile }), 9);
  });

  it('asks for what a viewer filters by, page by page', () => {
    assert.equal(
      taskWeeksPath({ policy: 'wall', search: ' a&b ', standing: 'new', offset: '50', other: 'x' }),
      '/api/v1/tasks/weeks?policy=wall&standing=new&search=a%26b&offset=50',
    );
    const text = page(answerOf([taskOf('a')], { next: 100, total: 500 }), { offset: '50', search: 'a' });
    assert.match(text, /1 of 500 tasks/);
    assert.match(text, /href="#\/tasks\?policy=wall&amp;offset=100&amp;search=a"/);
    assert.match(text, /href="#\/tasks\?policy=wall&amp;search=a">First/);
  });
});
