import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { readyAtMs, stageNeeds, type StageTick } from '../../../domain/trial/index.ts';

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
