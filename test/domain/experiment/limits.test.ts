import assert from 'node:assert/strict';
import {
  defaultAbTestLimits,
  defaultRolloutLimits,
  judgeAbTest,
  judgeGuard,
  maximumHours,
  parseAbTestLimits,
  parseRolloutLimits,
  parseTaskLimits,
  stageRobots,
} from '../../../domain/experiment/index.ts';
import { evidence, parameters } from './fleets.ts';

const stages = defaultRolloutLimits.stages.map((stage) => ({ ...stage }));
const change = (index: number, fields: object): object[] =>
  stages.map((stage, own) => (own === index ? { ...stage, ...fields } : stage));

const sizesOf = (robots: number): number[] =>
  [0, 1, 2, 3].map((stage) => stageRobots(defaultRolloutLimits, stage, robots));

describe('limits', () => {
  for (const [name, limits, message] of [
    ['an unknown key', { tau: 0.05 }, /Unrecognized key: "tau"/u],
    ['an unknown key within', { guard: { tua: 0.05 } }, /guard: Unrecognized key: "tua"/u],
    ['alpha 0.5', { guard: { successAlpha: 0.5 } }, /guard\.successAlpha: .*<0\.5, got 0\.5/u],
    ['alpha 0', { advance: { alpha: 0 } }, /advance\.alpha: .*>0, got 0/u],
    [
      'a negative margin',
      { stages: change(1, { marginFraction: -0.02 }) },
      /stages\.1\.marginFraction: .*>0, got -0\.02/u,
    ],
    ['a negative tolerance', { guard: { marginFraction: -0.01 } }, /guard\.marginFraction: .*>=0, got -0\.01/u],
    [
      'stages that do not grow',
      { stages: change(2, { fleetFraction: 0.25 }) },
      /stages\.2\.fleetFraction: expected more than 0\.25.*got 0\.25/u,
    ],
    ['a missing stage', { stages: stages.slice(1) }, /stages: .*4/u],
    [
      'a maximum below the minimum',
      { stages: change(0, { maximumHours: 1 }) },
      /stages\.0\.maximumHours: expected at least minimumHours 4, got 1/u,
    ],
    ['a text for a number', { silence: { missingMinutes: '15' } }, /silence\.missingMinutes: .*number.*got "15"/u],
  ] as const) {
    it(`of a rollout refuse ${name}, with field and expectation`, () => {
      assert.throws(() => parseRolloutLimits(limits), { name: 'RangeError', message });
    });
  }

  it('let a stage begin its proof at once, and no earlier', () => {
    const at = (hours: number) =>
      parseRolloutLimits({ stages: change(0, { minimumHours: hours, minimumTotalHours: hours }) });
    assert.equal(at(0).stages[0]?.minimumHours, 0);
    assert.throws(() => at(-1), /stages\.0\.minimumHours: .*>=0, got -1/u);
  });

  it('of A/B tests and tasks are as strict', () => {
    assert.throws(() => parseAbTestLimits({ alpha: 0.6 }), /A\/B test limits refused: alpha: .*<0\.5, got 0\.6/u);
    assert.throws(() => parseAbTestLimits({ margin: 0.01 }), /Unrecognized key/u);
    // Decisions that take twenty times as long may be what somebody wants.
    assert.equal(parseAbTestLimits({ latencyMargin: 3 }).latencyMargin, 3);
    assert.equal(parseRolloutLimits({ guard: { latencyMargin: 3 } }).guard.latencyMargin, 3);
    assert.throws(() => parseAbTestLimits({ latencyMargin: 4.1 }), /latencyMargin: .*<=4, got 4\.1/u);
    assert.throws(() => parseTaskLimits({ blockAlpha: -1 }), /task limits refused: blockAlpha/u);
  });

  it('are read at the door of a gate, not only by who asks for it', () => {
    const rest = { parameters, robots: evidence(), hoursInStage: 1, hoursTotal: 1, daysTreated: 1 };
    assert.throws(() => judgeGuard({ ...rest, stage: 1, limits: { guard: { successAlpha: 2 } } }), /successAlpha/u);
    assert.throws(() => judgeAbTest({ ...rest, look: 3, looks: 7, informationMax: 1, limits: { alpha: 2 } }), /alpha/u);
    assert.throws(() => judgeGuard({ ...rest, stage: 7 as never }), /expected stage 0 to 3, got 7/u);
  });

  it('keep defaults for what is left out', () => {
    assert.deepEqual(parseRolloutLimits({}), defaultRolloutLimits);
    assert.deepEqual(parseRolloutLimits({ guard: { tau: 0.1 } }).guard, { ...defaultRolloutLimits.guard, tau: 0.1 });
    assert.equal(defaultAbTestLimits.alpha, 0.005);
  });

  it('size the stages: shares rounded up, at least five canaries, growing, a holdback left', () => {
    assert.deepEqual(sizesOf(100), [5, 25, 50, 95]);
    assert.deepEqual(sizesOf(500), [25, 125, 250, 475]);
    assert.deepEqual(sizesOf(20), [5, 6, 10, 15]);
    assert.deepEqual(sizesOf(4), [0, 0, 0, 0]);
  });

  it('give fewer than 80 robots twice the time in stage 2', () => {
    assert.deepEqual([maximumHours(defaultRolloutLimits, 2, 79), maximumHours(defaultRolloutLimits, 2, 80)], [96, 48]);
  });
});
