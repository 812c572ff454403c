import assert from 'node:assert/strict';

import type { CycleReportAnswer, EndedCyclesAnswer, RunningCycleAnswer } from '../../console/answers/cycles.ts';
import { cycleIdOf, cyclePage } from '../../dashboard/pages/cycle.ts';
import { unread, type Reading } from '../../dashboard/reading.ts';
import type { RunStep } from '../../dashboard/pages/run-steps.ts';
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

  it('shows how far a training is, since when and until when at this rate, and no percentage that nobody planned', () => {
    const training = {
      name: 'trainModel',
      attempt: 1,
      startedMs: nowMs - 120_000,
      beatMs: nowMs - 1_000,
      stage: null,
      step: 1_300,
      plannedSteps: 4_000,
      fromStep: 100,
      failure: null,
    };
    const shown = (more: Partial<RunStep> = {}, others: readonly RunStep[] = []): string => {
      const run = { ...runOf({ stage: 'training', trainRows: 1_200 }), steps: [{ ...training, ...more }, ...others] };
      return page({ now: got(nowOf({ cycle: runOf({ stage: 'training' }), training: run })) });
    };
    // 1,200 steps took 119 s: 2,700 take 267 s.
    assert.match(
      shown(),
      /training, 1,200 rows<ul class="lately"><li>training: step 1,300 of at most 4,000 \(32\.5 %\), at this rate at most 5 min more; since <time/,
    );
    // Never less than it is: 90 minutes are not an hour.
    assert.match(shown({ step: 220, plannedSteps: 5_670 }), /at most 91 min more/);
    assert.match(shown({ step: 220, plannedSteps: 40_220 }), /at most 12 h more/);
    assert.match(shown({ plannedSteps: null }), /step 1,300; how many there will be is not told/);
    assert.doesNotMatch(shown({ plannedSteps: null }), /%|at most/);
    for (const more of [{ fromStep: null }, { fromStep: 1_300 }, { startedMs: nowMs - 5_000 }, { beatMs: null }])
      assert.match(shown(more), /32\.5 %\), how long it takes is not known yet/);
    assert.match(shown({ step: 5_000 }), /\(100 %\), at this rate at most 0 s more/);
    assert.match(shown({ step: null, stage: 'measuring columns' }), /<li>training, measuring columns; since/);
    assert.match(shown({ startedMs: null, step: null }), /<li>training; it waits for a worker<\/li>/);
    assert.match(shown({ attempt: 3, failure: hostile }), /attempt 3, the one before failed: &quot;>&lt;img/);
    assert.match(shown({ beatMs: nowMs - 90_000 }), /⚠ last heard of 1 min ago/);
    const trial = { ...training, name: 'trainTrial', step: 40, plannedSteps: 80 };
    assert.match(
      shown({}, [trial, { ...trial, name: hostile }]),
      /training a trial of the search: step 40 of at most 80 \(50 %\)/,
    );
    // Only the step that runs says so.
    const offering = {
      cycle: runOf({ stage: 'offering' }),
      training: { ...runOf({ stage: 'ended' }), steps: [training] },
    };
    assert.doesNotMatch(page({ now: got(nowOf(offering)) }), /step 1,300/);
    const searching = runOf({ stage: 'training', search: { rung: 2, rungs: 3, trials: 4 } });
    assert.match(
      page({ now: got(nowOf({ cycle: runOf({ stage: 'training' }), training: searching })) }),
      /search: rung 2 of 3, 4 trials/,
    );
    const last = runOf({ stage: 'training', search: { rung: 4, rungs: 3, trials: 1 } });
    assert.match(
      page({ now: got(nowOf({ cycle: runOf({ stage: 'training' }), training: last })) }),
      /search: the best trial goes on to its end/,
    );
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
