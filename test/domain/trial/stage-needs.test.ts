import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { endSentence, readyAtMs, stageNeeds, type StageTick } from '../../../domain/trial/index.ts';

const hourMs = 3_600_000;
const goal = { minimumEpisodes: 30, minimumHours: 4, minimumTotalHours: 0, marginFraction: 0.03 };
/** A tick every five minutes from 02:00, three episodes each. */
const tick = (at: number, more: Partial<StageTick> = {}): StageTick => ({
  atMs: at * 300_000,
  hoursInStage: at / 12,
  hoursTotal: at / 12,
  episodes: at,
  delta: 0.02,
  lowerBound: -0.17,
  ...more,
});

describe('what a stage still needs', () => {
  it('says when it is met at the present rate', () => {
    const [episodes, hours, bound] = stageNeeds([tick(2), tick(14), tick(26)], goal);
    // 24 episodes in two hours: 12 an hour, 4 more in 20 minutes.
    assert.deepEqual(episodes, {
      kind: 'episodes',
      value: 26,
      needed: 30,
      isMet: false,
      perHour: 12,
      metAtMs: 26 * 300_000 + 20 * 60_000,
    });
    assert.equal(hours?.metAtMs, 48 * 300_000);
    // The interval is 0.19 wide below the effect, and may be 0.05: 14.44 times the episodes.
    assert.deepEqual([bound?.isMet, bound?.needed], [false, -0.03]);
    assert.equal(bound?.metAtMs, Math.round(26 * 300_000 + ((26 * (3.8 ** 2 - 1)) / 12) * hourMs));
    assert.equal(readyAtMs(stageNeeds([tick(2), tick(26)], { ...goal, marginFraction: null }), 0), 48 * 300_000);
  });

  it('promises nothing that it does not know', () => {
    assert.deepEqual(stageNeeds([], goal), []);
    assert.equal(readyAtMs([], 5), null);
    for (const ticks of [
      [tick(26)],
      [tick(20, { episodes: 26 }), tick(26)],
      [tick(2), tick(26, { delta: -0.04 })],
      [tick(2), tick(26, { lowerBound: -1, delta: 0.2 })],
    ]) {
      const needs = stageNeeds(ticks, goal);
      assert.equal(needs.at(-1)?.metAtMs, null);
      assert.equal(readyAtMs(needs, 0), null);
    }
    assert.equal(stageNeeds([tick(26)], { ...goal, minimumTotalHours: 24 })[2]?.kind, 'totalHours');
    const done = stageNeeds([tick(2), tick(60, { lowerBound: 0.01 })], goal);
    assert.deepEqual(
      done.map(({ isMet, metAtMs }) => [isMet, metAtMs]),
      [
        [true, null],
        [true, null],
        [true, null],
      ],
    );
    assert.equal(readyAtMs(done, 77), 77);
  });

  it('never forecasts a time that is over, nor one that is no number', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    const ticks = fc.array(
      fc.record({
        atMs: fc.integer({ min: 0, max: 1e12 }),
        hoursInStage: value,
        hoursTotal: value,
        episodes: fc.integer({ min: 0, max: 1e6 }),
        delta: fc.double({ noNaN: true, min: -1, max: 1 }),
        lowerBound: fc.double({ noNaN: true, min: -1, max: 1 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(ticks, (given) => {
        const last = given.at(-1);
        for (const { metAtMs, isMet } of stageNeeds(given, goal))
          assert.ok(metAtMs === null || (!isMet && metAtMs >= (last?.atMs ?? 0)), `${metAtMs}`);
      }),
      { numRuns: 200 },
    );
  });
});

describe('how a trial ended, in a sentence', () => {
  const facts = {
    outcome: 'accept',
    reason: 'proven better: z 18.60 against ±14.74 at 14 % of the information',
    candidateVersion: '1.1.0',
    championVersion: '1.0.0',
    effect: { delta: 0.665, low: 0.562, high: 0.767, candidate: 300, control: 290 },
    harm: [],
    taskMarginFraction: 0.02,
    stages: 0,
  };
  it('has value, limit and sample size', () => {
    assert.equal(
      endSentence(facts),
      '1.1.0 is proven better than 1.0.0: success +66.5 points [+56.2 to +76.7], n 300 and 290 episodes.',
    );
    const harm = [{ task: 'slanted', delta: -0.88, candidate: 24, control: 30 }];
    assert.equal(
      endSentence({ ...facts, outcome: 'harmful', harm }),
      '1.1.0 was not promoted: it does harm in task slanted: success −88.0 points, −2.0 points allowed, n 24 and 30 episodes. All robots were ordered back to 1.0.0.',
    );
    assert.match(endSentence({ ...facts, outcome: 'reject' }), /not promoted: in the time given .*n 300 and 290/);
    assert.match(
      endSentence({ ...facts, outcome: 'promoted', stages: 4 }),
      /became champion in place of 1.0.0: it passed all 4/,
    );
  });
  it('tells what it does not know as it is', () => {
    const bare = { ...facts, candidateVersion: null, championVersion: null, effect: null, reason: 'r' };
    for (const outcome of ['rolledBack', 'reject', 'block', 'aborted', 'infeasible', 'notStarted', 'constructor'])
      assert.match(endSentence({ ...bare, outcome }), /^the candidate was not promoted: .*\br\b/);
  });
});
