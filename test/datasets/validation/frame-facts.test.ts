import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { scitosG5Type, ur3CobotopsType } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { frameFactsCollector } from '../../../datasets/validation/frame-facts-collector.ts';
import { missingInt, type FrameColumns, type FrameFacts } from '../../../datasets/validation/frame-facts.ts';

interface Frame {
  index: number;
  us: number;
  isCorrection: number;
  observation: number[];
  action: number[];
  expert: number[] | undefined;
}

const type = robotTypeSchema.parse({
  ...scitosG5Type,
  observations: [
    { name: 'left', unit: 'm', min: 0, max: 5.2, saturatesAt: 5 },
    { name: 'right', unit: 'm', min: 0, max: 5.2, saturatesAt: 5 },
  ],
});

const sound = (count: number): Frame[] =>
  Array.from({ length: count }, (_, index) => ({
    index,
    us: index * 111_111,
    isCorrection: 0,
    observation: [1 + index / 100, 2 + index / 100],
    action: [index % 4],
    expert: undefined,
  }));

function columnsOf(frames: readonly Frame[], robotType: RobotType): FrameColumns {
  const width = robotType.observations.length;
  const nan = Number.NaN;
  const fixed = (values: readonly number[] | undefined, size: number): readonly number[] =>
    values?.length === size ? values : Array.from({ length: size }, () => nan);
  return {
    frameIndex: Int32Array.from(frames, ({ index }) => index),
    timestampUs: Float64Array.from(frames, ({ us }) => us),
    isCorrection: Int32Array.from(frames, ({ isCorrection }) => isCorrection),
    observationSize: Int32Array.from(frames, ({ observation }) => observation.length),
    observation: Float32Array.from(frames.flatMap(({ observation }) => fixed(observation, width))),
    actionSize: Int32Array.from(frames, ({ action }) => action.length),
    action: Float32Array.from(frames.flatMap(({ action }) => fixed(action, 1))),
    expertActionSize: Int32Array.from(frames, ({ expert }) => expert?.length ?? -1),
    expertAction: Float32Array.from(frames.flatMap(({ expert }) => fixed(expert, 1))),
  };
}

function factsOf(frames: readonly Frame[], robotType = type): FrameFacts {
  const collector = frameFactsCollector(robotType);
  collector.add(columnsOf(frames, robotType), 0, frames.length);
  return collector.take();
}

const changed = (count: number, at: number, change: Partial<Frame>): Frame[] =>
  sound(count).map((frame, index) => (index === at ? { ...frame, ...change } : frame));

describe('facts of frames', () => {
  it('find nothing wrong with sound frames', () => {
    const facts = factsOf(sound(30));
    const { count, largestGapUs, firstUs, lastUs, constantObservations, largestGapRow, ...findings } = facts;
    assert.deepEqual([count, largestGapUs, firstUs, lastUs, largestGapRow], [30, 111_111, 0, 29 * 111_111, 1]);
    assert.deepEqual(constantObservations, []);
    assert.ok(Object.values(findings).every((finding) => finding === undefined));
  });

  const cases: readonly (readonly [string, keyof FrameFacts, readonly Frame[], number])[] = [
    ['a missing index value', 'missingValue', changed(10, 3, { index: missingInt }), 3],
    ['a missing timestamp', 'missingValue', changed(10, 4, { us: Number.NaN }), 4],
    ['a missing correction flag', 'missingValue', changed(10, 4, { isCorrection: -1 }), 4],
    ['a frame that comes twice', 'duplicateIndex', changed(10, 5, { index: 4 }), 5],
    ['an episode that comes twice', 'duplicateIndex', [...sound(5), ...sound(5)], 5],
    ['a frame left out', 'missingIndex', changed(10, 9, { index: 11 }), 9],
    ['a first frame that is not 0', 'missingIndex', sound(5).slice(1), 0],
    ['a time that stands still', 'timeNotLater', changed(10, 6, { us: 5 * 111_111 }), 6],
    ['a time that goes back', 'timeNotLater', changed(10, 6, { us: 0 }), 6],
    ['too few readings', 'wrongObservationSize', changed(10, 2, { observation: [1] }), 2],
    ['NaN', 'nonFinite', changed(10, 2, { observation: [1, Number.NaN] }), 2],
    ['infinity', 'nonFinite', changed(10, 2, { observation: [Number.NEGATIVE_INFINITY, 1] }), 2],
    ['a reading beyond its range', 'outOfRange', changed(10, 2, { observation: [1, 5.3] }), 2],
    ['a negative reading', 'outOfRange', changed(10, 2, { observation: [-0.1, 1] }), 2],
    ['an action that the type has not', 'wrongAction', changed(10, 8, { action: [4] }), 8],
    ['half an action', 'wrongAction', changed(10, 8, { action: [1.5] }), 8],
    ['no action', 'wrongAction', changed(10, 8, { action: [] }), 8],
    ['a NaN action', 'wrongAction', changed(10, 8, { action: [Number.NaN] }), 8],
    ['an expert action that the type has not', 'wrongExpertAction', changed(10, 1, { expert: [-1] }), 1],
    ['a correction without an expert', 'correctionWithoutExpert', changed(10, 1, { isCorrection: 1 }), 1],
  ];
  for (const [what, fact, frames, row] of cases) {
    it(`name the first frame with ${what}`, () => {
      const finding = factsOf(frames)[fact] as { row: number } | undefined;
      assert.equal(finding?.row, row);
    });
  }

  it('call frames in another order out of order, not missing', () => {
    const facts = factsOf([0, 2, 1, 3].map((index) => ({ ...sound(4)[index]!, index })));
    assert.equal(facts.indexOutOfOrder?.row, 2);
    assert.equal(facts.missingIndex, undefined);
    assert.equal(facts.duplicateIndex, undefined);
  });

  it('call a sensor dead that keeps its value, but not one that is saturated', () => {
    const frames = sound(25).map((frame) => ({ ...frame, observation: [1.5, 5] }));
    assert.deepEqual(factsOf(frames).constantObservations, ['left']);
    assert.deepEqual(factsOf([]).constantObservations, []);
  });

  it('compare limits in the precision of the readings', () => {
    assert.equal(factsOf(changed(3, 1, { observation: [5.2, 0] })).outOfRange, undefined);
  });

  it('expect empty actions of a type without commands', () => {
    const frame = { ...sound(1)[0]!, action: [], observation: ur3CobotopsType.observations.map(() => 0) };
    const columns = columnsOf([frame], ur3CobotopsType);
    const collector = frameFactsCollector(ur3CobotopsType);
    collector.add(columns, 0, 1);
    assert.equal(collector.take().wrongAction, undefined);
    collector.add({ ...columns, actionSize: [1], action: [0] }, 0, 1);
    assert.equal(collector.take().wrongAction?.row, 0);
  });

  it('are the same however the frames are cut into pieces, and begin anew with each episode', () => {
    const frame = fc.record({
      index: fc.integer({ min: -1, max: 12 }),
      us: fc.integer({ min: 0, max: 2_000_000 }),
      isCorrection: fc.constantFrom(0, 1, -1),
      observation: fc.array(fc.constantFrom(0, 1, 5, 6, Number.NaN), { minLength: 1, maxLength: 3 }),
      action: fc.array(fc.constantFrom(0, 3, 4, 0.5), { maxLength: 2 }),
      expert: fc.option(fc.array(fc.constantFrom(0, 9), { minLength: 1, maxLength: 1 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), fc.nat(20), (frames, cut) => {
        const collector = frameFactsCollector(type);
        const columns = columnsOf(frames, type);
        const at = Math.min(cut, frames.length);
        collector.add(columns, 0, at);
        collector.add(columns, at, frames.length);
        assert.deepEqual(collector.take(), factsOf(frames));
        collector.add(columns, 0, frames.length);
        assert.deepEqual(collector.take(), factsOf(frames));
      }),
    );
  });
});
