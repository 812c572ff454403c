import assert from 'node:assert/strict';

import type { DataAnswer, QuarantineAnswer } from '../../console/answers/data.ts';
import { dataPage, dataPath } from '../../dashboard/pages/data.ts';
import { unread, type Reading } from '../../dashboard/reading.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const dataOf = (word: string, more: Partial<DataAnswer> = {}): DataAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  policy: 'wall',
  from: '2026-11-01',
  to: '2026-11-28',
  state: 'read',
  asOfMs: nowMs,
  days: [
    { day: '2026-11-26', robots: 2, successes: 30, failures: 8, aborted: 2, intervened: 1, correctedFrames: 12 },
    { day: '2026-11-27', robots: 2, successes: 38, failures: 2, aborted: 0, intervened: 0, correctedFrames: 0 },
  ],
  coverage: {
    coveredPairs: 1,
    pairs: 2,
    tasks: 1,
    robots: 2,
    shownRobots: [word, 'r2'],
    shownTasks: [{ task: word, robots: 1, episodes: 80, byRobot: [0, 80] }],
  },
  distributions: [
    {
      measure: 'durationMs',
      episodes: 80,
      untold: 0,
      quantiles: [{ fraction: 0.5, value: 10_500 }],
      classes: [{ from: 0, to: 20_000, episodes: 80 }],
    },
    { measure: 'latencyMs', episodes: 0, untold: 80, quantiles: [], classes: [] },
  ],
  ...more,
});
const refusedOf = (word: string, more: Partial<QuarantineAnswer['items'][number]> = {}): QuarantineAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  items: [
    {
      sha256: 'a'.repeat(64),
      cycleId: word,
      scope: 'episode',
      robotId: word,
      robotType: word,
      receivedMs: nowMs,
      sizeBytes: 12_000,
      rules: [word],
      samples: [{ rule: word, doc: word, value: word, expected: word, episodeId: word, frame: 3 }],
      violationsTotal: 9,
      released: null,
      ...more,
    },
  ],
  total: 40,
});

interface Given {
  readonly data?: Reading<DataAnswer>;
  readonly quarantine?: Reading<QuarantineAnswer>;
  readonly role?: 'viewer' | 'approver';
}
const node = ({ data = got(dataOf('t1')), quarantine = got(refusedOf('rule')), role = 'viewer' }: Given) =>
  dataPage({
    policy: 'wall',
    data,
    quarantine,
    query: { policy: 'wall' },
    nowMs,
    onFilter: () => undefined,
    acting: { viewer: { name: 'vera', role }, onAct: () => undefined },
  });
const page = (given: Given): string => html(node(given));

describe('the page of data', () => {
  it('looks different without facts, without episodes, without refusals, and where they cannot be read', () => {
    const nothing = { readAtMs: nowMs, damaged: [], items: [], total: 0 };
    const states = (given: Given): readonly string[] => statesOf(page(given));
    assert.deepEqual(states({ quarantine: got(nothing) }), ['empty', 'noData']);
    assert.deepEqual(states({ quarantine: got({ ...nothing, damaged: ['quarantine/x.json'] }) })[0], 'noData');
    const days = { days: [], distributions: [] };
    assert.deepEqual(states({ data: got(dataOf('t', { ...days, state: 'noFacts' })) }), ['noData']);
    const empty = page({ data: got(dataOf('t', { ...days, state: 'empty' })) });
    // Which tasks nobody did is known then, too.
    assert.deepEqual([statesOf(empty), /– none/.test(empty)], [['empty'], true]);
    assertLooks(dataOf('t1'), (data) => node({ data, quarantine: got(refusedOf('r')) }), /Episodes a day/);
    assertLooks(
      refusedOf('r'),
      (quarantine) => node({ quarantine, data: got(dataOf('t', { distributions: [] })) }),
      /Release data/,
    );
    assert.deepEqual(statesOf(page({ data: unread, quarantine: unread })), ['loading', 'loading']);
  });

  it('says gaps in words, shares of failures, and what a sample was expected to be', () => {
    const text = page({});
    assert.match(text, /10 \(12\.5 %\)/);
    assert.match(text, /class="gap">– none<\/td><td>80/);
    assert.match(text, /rule: <\/strong>rule; expected rule \(episode rule, frame 3\).*and 8 more/s);
    assert.match(text, /1 not released of the newest 1; 40 of all robot types/);
    assert.match(text, /10\.5 s/);
    assert.match(text, /needs the role approver; you are viewer/);
    assert.doesNotMatch(page({ role: 'approver' }), /needs the role/);
    const released = refusedOf('rule', { released: { who: 'ada', reason: 'right', atMs: nowMs } });
    assert.match(page({ quarantine: got(released) }), /✓ by ada: right/);
    assert.equal(dataPath({ policy: 'wall', from: '2026-11-01' }), '/api/v1/data?policy=wall&from=2026-11-01');
  });

  it('never makes markup of what robots, files and people wrote', () => {
    const released = { who: hostile, reason: hostile, atMs: nowMs };
    assertHarmless(page({ data: got(dataOf(hostile)), quarantine: got(refusedOf(hostile)) }), 8);
    assertHarmless(page({ quarantine: got(refusedOf(hostile, { released })) }), 8);
  });
});
