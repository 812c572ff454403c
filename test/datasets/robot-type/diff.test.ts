import assert from 'node:assert/strict';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { diffRobotTypes } from '../../../datasets/robot-type-diff.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';

const observation = (name: string, more: object = {}) => ({ name, unit: 'm', min: 0, max: 1, ...more });
const typeOf = (more: object = {}): RobotType =>
  robotTypeSchema.parse({
    ...scitosG5Type,
    id: 'rover',
    observations: [observation('a'), observation('b'), observation('c')],
    actions: { kind: 'continuous', ranges: [observation('x'), observation('y')] },
    ...more,
  });
const camera = {
  name: 'front',
  width: 64,
  height: 48,
  rateHz: 10,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 64, height: 48 },
  mayLeaveRobot: true,
};
const step = (more: object): string => diffRobotTypes(typeOf(), typeOf({ version: 2, ...more })).step;

describe('the difference of two robot types', () => {
  it('says of each feature and action whether it is the same, changed, new or gone, field by field', () => {
    const to = typeOf({
      version: 2,
      observations: [observation('a'), observation('b', { unit: 'cm', max: 100 }), observation('d')],
      actions: { kind: 'continuous', ranges: [observation('x', { measuredBy: 'a' })] },
    });
    const { features, actions, step: is, why, from } = diffRobotTypes(typeOf(), to);
    assert.deepEqual(features, [
      { name: 'a', is: 'same', changes: [] },
      {
        name: 'b',
        is: 'changed',
        changes: [
          { field: 'unit', from: 'm', to: 'cm' },
          { field: 'max', from: 1, to: 100 },
        ],
      },
      { name: 'd', is: 'new', changes: [] },
      { name: 'c', is: 'gone', changes: [] },
    ]);
    assert.deepEqual(actions, [
      { name: 'x', is: 'changed', changes: [{ field: 'measuredBy', from: undefined, to: 'a' }] },
      { name: 'y', is: 'gone', changes: [] },
    ]);
    assert.deepEqual([is, from], ['major', 'rover@1']);
    assert.equal(why, 'feature b changed, feature d new, feature c gone, action x changed, action y gone');
  });

  it('is a major step where a model could not run on: order, kind, names; minor where learning or judging changes; none for words', () => {
    assert.equal(step({ observations: [observation('b'), observation('a'), observation('c')] }), 'major');
    assert.equal(step({ actions: { kind: 'discrete', names: ['x', 'y'] } }), 'major');
    assert.equal(step({ actions: { kind: 'none' } }), 'major');
    assert.equal(step({ cameras: [camera] }), 'major');
    assert.equal(step({ rateHz: 5 }), 'minor');
    assert.equal(step({ limits: { ...scitosG5Type.limits, minAgreementFraction: 0.9 } }), 'minor');
    assert.equal(step({ description: 'other words' }), 'none');
    assert.equal(step({}), 'none');
  });

  it('says of each camera what changed, and of a changed size that a model could not run on', () => {
    const [from, to] = [{ ...camera, name: 'left' }, camera];
    const changed = { ...camera, learned: { width: 32, height: 32 } };
    const diff = diffRobotTypes(typeOf({ cameras: [from, to] }), typeOf({ version: 2, cameras: [changed] }));
    assert.deepEqual(diff.cameras, [
      {
        name: 'front',
        is: 'changed',
        changes: [
          { field: 'learned', from: { width: 64, height: 48 }, to: { width: 32, height: 32 } },
          { field: 'place', from: 2, to: 1 },
        ],
      },
      { name: 'left', is: 'gone', changes: [] },
    ]);
    assert.deepEqual([diff.step, diff.other], ['major', []]);
  });

  it('holds critical actions among the limits of judging', () => {
    const names = ['go', 'stop'];
    const critical = [{ name: 'stop', minRecallFraction: 0.9 }];
    const before = typeOf({ actions: { kind: 'discrete', names } });
    const diff = diffRobotTypes(before, typeOf({ actions: { kind: 'discrete', names, critical } }));
    assert.deepEqual([diff.step, diff.other.map(({ field }) => field)], ['minor', ['actions.critical']]);
  });

  it('takes names for names, whatever they are called', () => {
    const odd = (name: string) => typeOf({ observations: [observation(name)] });
    const { features } = diffRobotTypes(odd('__proto__'), odd('constructor'));
    assert.deepEqual(
      features.map(({ name, is }) => [name, is]),
      [
        ['constructor', 'new'],
        ['__proto__', 'gone'],
      ],
    );
  });
});
