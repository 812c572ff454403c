import assert from 'node:assert/strict';

import type { CycleReportAnswer, EndedCyclesAnswer, RunningCycleAnswer } from '../../console/answers/cycles.ts';
import { frameOf, lineChart, pathOf } from '../../dashboard/line-chart.ts';
import { cycleIdOf, cyclePage } from '../../dashboard/pages/cycle.ts';
import { unread, type Reading } from '../../dashboard/reading.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const runOf = (status: unknown): NonNullable<RunningCycleAnswer['cycle']> => ({
  workflowId: 'cycle/wall-1',
  run: 'RUNNING',
  startedMs: nowMs,
  endedMs: null,
  status,
});
const nowOf = (more: Partial<RunningCycleAnswer> = {}): RunningCycleAnswer => ({
  readAtMs: nowMs,
  cycle: null,
  collection: null,
  training: null,
  ...more,
});
const endedOf = (ids: readonly string[], more: Partial<EndedCyclesAnswer> = {}): EndedCyclesAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  items: ids.map((cycleId) => ({
    cycleId,
    outcome: 'offered',
    reason: 'r',
    cause: 'c',
    writtenAtMs: nowMs,
    championVersion: null,
    candidateVersion: '1.1.0',
  })),
  ...more,
});
const reportOf = (word: string, more: Partial<CycleReportAnswer> = {}): CycleReportAnswer => ({
  readAtMs: nowMs,
  cycleId: word,
  policy: 'wall',
  outcome: word,
  reason: word,
  cause: word,
  writtenAtMs: nowMs,
  championVersion: word,
  candidateVersion: word,
  collection: {
    verdict: word,
    episodesStored: 900,
    framesStored: 1,
    alreadyStored: 0,
    quarantinedEpisodes: 3,
    quarantinedSegments: 0,
    failuresStored: 5,
    robotsLeftOut: [word],
    robotsLeftOutTotal: 1,
    rules: [{ id: word, doc: word, refused: 3 }],
  },
  mix: {
    targetFrames: 1,
    newFrames: 1,
    historyFrames: 1,
    effectiveFrames: 1,
    needsLabelFrames: 1,
    failuresAdded: 4,
    failuresValid: 5,
    failuresWaiting: null,
    strata: [{ source: word, task: word, availableFrames: 9, takenFrames: 3 }],
    strataTotal: 1,
  },
  training: {
    seed: 7,
    steps: 20,
    warmStart: word,
    curve: [
      { step: 0, trainLoss: 1.5, validationLoss: null },
      { step: 20, trainLoss: 0.5, validationLoss: 0.75 },
    ],
    curveTotal: 900,
  },
  evaluation: {
    accuracyFraction: 0.9,
    championFraction: null,
    majorityFraction: 0.5,
    linearFraction: 0.6,
    frames: 100,
    episodes: 10,
    gates: [{ id: word, outcome: word, value: 1.5, limit: 20, unit: word, sampleSize: 400, sentence: word }],
    tasks: [{ task: word, agreementFraction: 0.75, episodes: 4, frames: 90 }],
    tasksTotal: 1,
  },
  since: {
    cycleId: word,
    outcome: word,
    writtenAtMs: nowMs,
    candidateVersion: word,
    figures: [
      { name: word, unit: 'count', before: 1_200, now: 900 },
      { name: 'agreement', unit: 'fraction', before: 0.9, now: 0.93 },
      { name: 'frames', unit: 'count', before: null, now: 7 },
    ],
    gates: [{ id: word, before: 'pass', now: word }],
    tasks: [{ task: word, before: 0.5, now: 0.75 }],
  },
  ...more,
});
interface Given {
  readonly now?: Reading<RunningCycleAnswer>;
  readonly report?: Reading<CycleReportAnswer>;
  readonly ended?: Reading<EndedCyclesAnswer>;
  readonly cycleId?: string | undefined;
}
const acting = { viewer: { name: 'vera', role: 'viewer' as const }, onAct: () => undefined };
const node = (given: Given) =>
  cyclePage({
    policy: 'wall',
    now: got(nowOf()),
    report: unread,
    ended: got(endedOf([])),
    nowMs,
    acting,
    cycleId: undefined,
    ...given,
  });
const page = (given: Given): string => html(node(given));

describe('the page of a cycle', () => {
  it('looks different when nothing runs, nothing ended, nobody answers for it, or it cannot be read', () => {
    assert.deepEqual(statesOf(page({})), ['empty', 'empty', 'empty']);
    assert.deepEqual(statesOf(page({ ended: got(endedOf([], { damaged: ['reports/c.json'] })) })).at(-1), 'noData');
    assert.deepEqual(statesOf(page({ now: got(nowOf({ cycle: runOf(null) })) }))[0], 'noData');
    const only = (report: Reading<CycleReportAnswer>) =>
      node({
        report,
        cycleId: 'c1',
        now: got(nowOf({ cycle: runOf({ stage: 'training' }) })),
        ended: got(endedOf(['c1'])),
      });
    assertLooks(reportOf('offered'), only, /900 episodes/);
    const short = reportOf('nothingNew', { mix: null, training: null, evaluation: null });
    assert.match(html(only(got(short))), /Mix.*ended before this step.*Training.*Gates/s);
  });

  it('shows how far each step is, in words', () => {
    const training = runOf({ stage: 'judging', trainRows: 1_200, validationLoss: 0.12345 });
    const collected = { episodesStored: 12, quarantinedEpisodes: 1, reason: 'enough' };
    const cycle = runOf({ stage: 'training', collection: collected, cause: 'schedule' });
    const text = page({ now: got(nowOf({ cycle, training })) });
    assert.match(text, /Collect and check data<\/th><td>✓ done<\/td><td>12 episodes stored, 1 refused\. enough/);
    assert.match(
      text,
      /Mix, train and judge<\/th><td>▶ runs now<\/td><td>judging, 1,200 rows, validation loss 0\.1235/,
    );
    assert.match(text, /Offer the candidate<\/th><td>◌ to come/);
    const collecting = runOf({ stage: 'collecting' });
    const collection = runOf({ batches: 9, batchesDone: 4, episodesStored: 40, quarantinedEpisodes: 0 });
    assert.match(page({ now: got(nowOf({ cycle: collecting, collection })) }), /batch 4 of 9; 40 episodes stored/);
    for (const status of [5, 'text', [], { stage: 'constructor' }])
      assert.doesNotThrow(() => page({ now: got(nowOf({ cycle: runOf(status) })) }));
  });

  it('shows quality, mix, curve and gates, the curve as a table too', () => {
    const text = page({ report: got(reportOf('offered')), cycleId: 'c1' });
    assert.match(text, /1 of 1 rules refused something/);
    assert.match(text, /4 of 5; not told wait for a label/);
    assert.match(text, /900, of which 2 are shown/);
    assert.match(text, /<summary>The same as a table.*20<\/th><td class="number">0\.5<\/td><td class="number">0\.75/s);
    assert.match(text, /1\.5 offered.*20 offered.*400/s);
    assert.match(text, /Agreement by task, the worst first: 1 of 1.*offered<\/th><td class="number">75 %/s);
    assert.equal(cycleIdOf(endedOf(['c1', 'c2']), undefined), 'c2');
    assert.equal(cycleIdOf(null, undefined), undefined);
  });

  it('says what changed since the cycle before, and tells what is not known from what stayed the same', () => {
    const text = page({ report: got(reportOf('offered')), cycleId: 'c1' });
    assert.match(text, /Since the cycle before.*id=offered">offered<\/a> ended/s);
    assert.match(text, /1,200<\/td><td class="number">900<\/td><td class="number">−300</);
    assert.match(text, /90 %<\/td><td class="number">93 %<\/td><td class="number">\+3 pp</);
    assert.match(text, /not known<\/td><td class="number">7<\/td><td class="number">not known</);
    assert.match(text, /✓ passed<\/td><td>offered/);
    assert.match(text, /50 %<\/td><td class="number">75 %<\/td><td class="number">\+25 pp</);
    const { since } = reportOf('offered');
    assert.ok(since !== null);
    const of = (more: Partial<typeof since> | null) =>
      page({
        report: got(reportOf('offered', { since: more === null ? null : { ...since, ...more } })),
        cycleId: 'c1',
      });
    assert.match(of({ gates: [] }), /Every gate has the outcome it had/);
    assert.match(of({ gates: null }), /Which gates changed is not known/);
    assert.match(of({ tasks: [] }), /No task that both cycles judged has another agreement/);
    assert.match(of(null), /There was no cycle before this one/);
  });

  it('never makes markup of what robots, files and people wrote', () => {
    const cycle = runOf({
      stage: 'training',
      cause: hostile,
      championVersion: hostile,
      collection: { reason: hostile },
    });
    const training = runOf({ stage: hostile });
    const given = { now: got(nowOf({ cycle, training })), ended: got(endedOf([hostile])), cycleId: hostile };
    assertHarmless(page({ ...given, report: got(reportOf(hostile)) }), 20);
  });
});

describe('a chart of lines', () => {
  it('stays in its frame, breaks at gaps, and tells lines apart by dashes and names', () => {
    const line = { name: 'a', points: [0, 1, 2, 3].map((x) => ({ x, y: x === 1 ? null : x })) };
    const frame = frameOf([line]);
    assert.match(pathOf(line, frame), /^M[\d.]+ [\d.]+h0\.1M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
    const text = html(lineChart([line, { ...line, name: 'b' }], { label: 'l', xText: String }));
    assert.match(text, /stroke-dasharray="8 4"/);
    for (const points of [
      [],
      [{ x: 5, y: 5 }],
      [{ x: 1, y: null }],
      [
        { x: 0, y: -1e300 },
        { x: 9, y: 1e300 },
      ],
    ])
      assert.doesNotMatch(html(lineChart([{ name: 'x', points }], { label: 'l', xText: String })), /NaN|Infinity/);
  });
});
