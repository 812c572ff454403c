import assert from 'node:assert/strict';

import { assert as check, constantFrom, integer, property } from 'fast-check';

import { mirrorProblems, type Mirror } from '../../datasets/mirror.ts';
import { checkRobotType } from '../../datasets/robot-type-check/check-robot-type.ts';
import { diffRobotTypes } from '../../datasets/robot-type-diff.ts';
import { robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { varyRows } from '../../policies/images/augment.ts';
import { mirrorPlan, mirrorRows } from '../../policies/mirror.ts';
import { randomStream } from '../../policies/random.ts';
import type { RowBlock } from '../../policies/rows.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';

const range = (name: string, changes: object = {}) => ({ name, unit: 'm', min: -1, max: 1, ...changes });
const camera = (name: string, width = 8) => ({
  name,
  width: 64,
  height: 48,
  rateHz: 10,
  colour: 'rgb' as const,
  codec: 'jpeg' as const,
  learned: { width, height: 8 },
  mayLeaveRobot: true,
});
const mirror: Mirror = {
  observations: {
    swapped: [
      ['left', 'right'],
      ['left-turn', 'right-turn'],
    ],
    negated: ['yaw', 'left-turn', 'right-turn'],
  },
  actions: { swapped: [['to-left', 'to-right']] },
  cameras: { swapped: [['port', 'starboard']] },
};
const observations = ['left', 'yaw', 'right', 'left-turn', 'right-turn', 'ahead'].map((name) => range(name));
const type = testRobotType({
  observations,
  actions: { kind: 'discrete', names: ['to-left', 'stop', 'to-right'] },
  cameras: [camera('front'), camera('port'), camera('starboard')],
  mirror,
});
const arm = testRobotType({
  observations,
  actions: { kind: 'continuous', ranges: [range('turn'), range('l'), range('r')] },
  mirror: { ...mirror, cameras: {}, actions: { swapped: [['l', 'r']], negated: ['turn'] } },
});
const seen = [
  { camera: 'starboard', width: 3 },
  { camera: 'front', width: 2 },
  { camera: 'port', width: 3 },
];

const rowsOf = (of: RobotType, rows: number, seed: number): RowBlock => {
  const random = randomStream(seed, 'rows');
  const floats = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
  return {
    rows,
    observation: floats(6 * rows),
    task: new Int32Array(rows),
    label: of === arm ? floats(3 * rows) : Int32Array.from({ length: rows }, () => Math.floor(3 * random())),
    weight: floats(rows),
    pictures: seen.map(({ width }) => Uint8Array.from({ length: rows * width * 2 * 3 }, () => 256 * random())),
  };
};

describe('mirroring', () => {
  it('turns lines of pixels, and swaps and negates numbers, actions and cameras as the robot type says', () => {
    const block: RowBlock = {
      rows: 2,
      observation: Float32Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60),
      task: Int32Array.of(0, 1),
      label: Int32Array.of(0, 1),
      weight: Float32Array.of(1, 1),
      pictures: [
        Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        Uint8Array.of(21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32),
      ],
    };
    const plan = mirrorPlan(type, [
      { camera: 'port', width: 2 },
      { camera: 'starboard', width: 2 },
    ]);
    const turned = mirrorRows(block, plan, (row) => row === 0);
    assert.deepEqual([...turned.observation], [3, -2, 1, -5, -4, 6, 10, 20, 30, 40, 50, 60]);
    assert.deepEqual([...turned.label], [2, 1]);
    assert.deepEqual([...turned.pictures![0]!], [24, 25, 26, 21, 22, 23, 7, 8, 9, 10, 11, 12]);
    assert.deepEqual([...turned.pictures![1]!], [4, 5, 6, 1, 2, 3, 27, 28, 29, 30, 31, 32]);
    assert.deepEqual(
      [block.observation[0], block.label[0], block.pictures![0]![0]],
      [1, 0, 1],
      'the rows it comes from stay',
    );
    const commands = { ...block, rows: 1, label: Float32Array.of(0.5, 0.1, 0.2), pictures: [] };
    const told = mirrorRows(commands, mirrorPlan(arm, []), () => true).label;
    assert.deepEqual([...told], [...Float32Array.of(-0.5, 0.2, 0.1)]);
  });

  it('twice gives back every byte, whichever rows are chosen', () => {
    check(
      property(constantFrom(type, arm), integer({ min: 0, max: 9 }), integer(), (of, rows, seed) => {
        const block = rowsOf(of, rows, seed);
        const cameras = of === arm ? [] : seen;
        const plan = mirrorPlan(of, cameras);
        const random = randomStream(seed, 'chosen');
        const chosen = Array.from({ length: rows }, () => random() < 0.5);
        const once = mirrorRows(of === arm ? { ...block, pictures: [] } : block, plan, (row) => chosen[row] === true);
        const twice = mirrorRows(once, plan, (row) => chosen[row] === true);
        for (const part of ['observation', 'label', 'task', 'weight'] as const)
          assert.deepEqual(bytesOf(twice[part]), bytesOf(block[part]), part);
        if (of === type) assert.deepEqual(twice.pictures, block.pictures);
      }),
      { numRuns: 200 },
    );
  });

  it('varies a row as a whole, as often as asked, by the stream alone, and leaves what no flip was asked for', () => {
    const block = rowsOf(type, 1000, 7);
    const plan = mirrorPlan(type, seen);
    const cameras = seen.map(({ width }) => ({ width, height: 2 }));
    const vary = (augmentation: object, seed = 1) =>
      varyRows(block, cameras, augmentation, plan, randomStream(seed, 'x'));
    const half = vary({ flip: 0.5 });
    const all = mirrorRows(block, plan, () => true);
    const isTurned = (row: number, part: 'observation' | 'pictures') => {
      const [now, turned] = [half, all].map((rows) =>
        part === 'observation'
          ? rows.observation.subarray(6 * row, 6 * row + 6)
          : rows.pictures![0]!.subarray(18 * row, 18 * row + 18),
      );
      return Buffer.compare(bytesOf(now!), bytesOf(turned!)) === 0;
    };
    const turned = Array.from({ length: 1000 }, (_, row) => isTurned(row, 'observation'));
    assert.deepEqual(
      turned,
      Array.from({ length: 1000 }, (_, row) => isTurned(row, 'pictures')),
    );
    const share = turned.filter(Boolean).length;
    assert.ok(share > 430 && share < 570, `${share}`);
    assert.deepEqual(vary({ flip: 0.5 }), half);
    assert.notDeepEqual(vary({ flip: 0.5 }, 2).observation, half.observation);
    assert.equal(vary({ flip: 0 }), block);
    assert.deepEqual(
      vary({ noise: 0.1 }).pictures,
      varyRows(block, cameras, { noise: 0.1 }, undefined, randomStream(1, 'x')).pictures,
    );
  });

  it('is refused for a type that does not say what is left and right, and where half of a pair of cameras is learned from', () => {
    assert.throws(
      () => mirrorPlan(testRobotType(), []),
      /expected a robot type that says what is left and right \(mirror\).*got .*@1, which does not; leave flip out/,
    );
    assert.throws(
      () => mirrorPlan(type, [{ camera: 'port', width: 3 }]),
      /expected training.cameras to have starboard as well, which changes places with port/,
    );
  });
});

const bytesOf = (values: ArrayBufferView): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

describe('the mirror of a robot type', () => {
  const told = (changes: object): string[] =>
    [...mirrorProblems({ ...type, ...changes })].map(({ path, expected }) => `${path.join('.')}: ${expected}`);
  const numbers = (changes: object) => told({ mirror: { observations: changes } });

  it('is refused where names are unknown, pairs share a name, signs differ within a pair, or ranges are not alike', () => {
    assert.deepEqual(told({}), []);
    assert.deepEqual(numbers({ swapped: [['left', 'rihgt']] }), [
      'mirror.observations.swapped.0.1: the name of an observation',
    ]);
    assert.deepEqual(numbers({ swapped: [['left', 'left']] }), [
      'mirror.observations.swapped.0.1: a name that is in no other place of the list',
    ]);
    assert.deepEqual(
      numbers({
        swapped: [
          ['left', 'right'],
          ['yaw', 'left'],
        ],
      }),
      ['mirror.observations.swapped.1.1: a name that is in no other place of the list'],
    );
    assert.deepEqual(numbers({ swapped: [['left', 'right']], negated: ['left'] }), [
      'mirror.observations.negated.0: its partner right in this list as well',
    ]);
    assert.deepEqual(numbers({ negated: ['yaw', 'yaw'] }), [
      'mirror.observations.negated.1: a name that is not yet in the list',
    ]);
    const uneven = [...observations.slice(1), range('left', { min: 0 })];
    assert.deepEqual(
      told({ observations: uneven, mirror: { observations: { swapped: [['left', 'right']], negated: [] } } }),
      ['mirror.observations.swapped.0: two of the same unit and range'],
    );
    assert.deepEqual(told({ observations: uneven, mirror: { observations: { negated: ['left'] } } }), [
      'mirror.observations.negated.0: one whose range is from -max to max, without saturatesAt',
    ]);
    assert.deepEqual(told({ mirror: { actions: { negated: ['stop'] } } }), [
      'mirror.actions.negated: nothing here: only continuous actions have a sign',
    ]);
    assert.deepEqual(
      told({ mirror: { cameras: { swapped: [['front', 'port']] } }, cameras: [camera('front'), camera('port', 16)] }),
      ['mirror.cameras.swapped.0: two of the same learned size'],
    );
  });

  it('is checked with the document, is a minor step, and changes nothing of a type without one', () => {
    const { mirror: _mirror, ...plain } = type;
    assert.equal('mirror' in robotTypeSchema.parse(plain), false);
    assert.equal(diffRobotTypes(robotTypeSchema.parse(plain), { ...type, version: 2 }).step, 'minor');
    const document = { ...type, mirror: { actions: { swapped: [['to-left', 'up']] } } };
    const { problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(document)));
    const [problem] = problems.filter(({ path }) => path.startsWith('mirror'));
    assert.deepEqual(
      [problem?.path, problem?.expected, problem?.got],
      ['mirror.actions.swapped[0][1]', 'the name of an action', '"up"'],
    );
    assert.notEqual(problem?.advice, '');
  });
});
