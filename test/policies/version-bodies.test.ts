import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { mappingFor, servedBody } from '../../policies/body-mapping.ts';
import {
  bodyName,
  identityBody,
  modelSizesOf,
  versionBodiesProblems,
  versionBodiesSchema,
  type VersionBodies,
  type VersionBody,
} from '../../policies/version-bodies.ts';

const old = scitosG5Type;
const oldBody = { id: old.id, version: old.version, digest: robotTypeDigest(old) };
const proven = { standing: 'proven', heldOutEpisodes: 40 } as const;

/** Body 2: every reading renamed and in the other order, two more sensors, one action less and one more. */
const renamed = (name: string): string => `ring-${name}`;
const newType: RobotType = {
  ...old,
  version: 2,
  observations: [
    { name: 'bumper', unit: '1', min: 0, max: 1 },
    ...old.observations.map((each) => ({ ...each, name: renamed(each.name) })).toReversed(),
    { name: 'light', unit: '1', min: 0, max: 1 },
  ],
  actions: { kind: 'discrete', names: ['reverse', ...actionNames().slice(1).toReversed()] },
};
const newBody = { id: newType.id, version: 2, digest: robotTypeDigest(newType) };

function actionNames(): readonly string[] {
  if (old.actions.kind !== 'discrete') throw new Error('expected discrete actions');
  return old.actions.names;
}

function own(): VersionBody {
  const body = identityBody(old, oldBody, proven);
  if (body === undefined) throw new Error('expected a body');
  return body;
}

const followed = (): VersionBody => ({
  robotType: newBody,
  ...proven,
  observations: old.observations.map(({ name }) => ({ from: renamed(name), factor: 2, offset: -1 })),
  actions: { kind: 'discrete', names: actionNames().map((name, index) => (index === 0 ? null : name)) },
});
const document = (...bodies: VersionBody[]): VersionBodies => ({ bodies });

/** An arm with two joints, and its next body: the other order, one scaled, one that the model does not know. */
const arm = (version: number, names: readonly string[]) => ({
  observations: names.map((name) => ({ name, unit: 'rad', min: -3, max: 3 })),
  actions: {
    kind: 'continuous' as const,
    ranges: names.map((name) => ({ name, unit: 'rad', min: -3, max: 3 })),
  },
  reference: { id: 'arm', version, digest: String(version).repeat(64) },
});
const arm1 = arm(1, ['a', 'b']);
const arm2 = arm(2, ['b2', 'wrist', 'a']);
const arm2Body: VersionBody = {
  robotType: arm2.reference,
  standing: 'unproven',
  heldOutEpisodes: 0,
  observations: [
    { from: 'a', factor: 1, offset: 0 },
    { from: 'b2', factor: 0.5, offset: 1 },
  ],
  actions: {
    kind: 'continuous',
    ranges: [
      { name: 'b2', from: 1, factor: 2, offset: -2 },
      { name: 'wrist', fill: 0.25 },
      { name: 'a', from: 0, factor: 1, offset: 0 },
    ],
  },
};

describe('the bodies of a version', () => {
  it('without a file are the robot type of its manifest alone', () => {
    const served = servedBody({ model: oldBody, bodies: undefined }, old, oldBody);
    assert.ok('mapping' in served);
    const observation = Float32Array.from(old.observations, (_, index) => index);
    assert.deepEqual(served.mapping.inputsOf(observation), observation);
    assert.deepEqual(served.mapping.actionOf(Float32Array.of(0, 0.1, 0.9, 0)), [2]);
    assert.deepEqual(servedBody({ model: oldBody, bodies: undefined }, newType, newBody), {
      refusal: 'cannotLoad',
      problem: 'expected a policy for scitos-g5@2, got one for scitos-g5@1',
    });
  });

  it('map readings by name, whatever their order, and scale them', () => {
    const served = servedBody({ model: oldBody, bodies: document(own(), followed()) }, newType, newBody);
    assert.ok('mapping' in served, JSON.stringify(served));
    assert.deepEqual(served.sizes, { head: 'discrete', observationSize: 24, actionSize: 4 });
    const reading = (name: string): number => (name === 'bumper' || name === 'light' ? 1e30 : name.length + 0.5);
    const observation = newType.observations.map(({ name }) => reading(name));
    assert.deepEqual(
      [...served.mapping.inputsOf(observation)],
      old.observations.map(({ name }) => 2 * reading(renamed(name)) - 1),
    );
  });

  it('choose the best of the actions that the body can do, as its own document counts them', () => {
    const served = servedBody({ model: oldBody, bodies: document(own(), followed()) }, newType, newBody);
    assert.ok('mapping' in served);
    const names = newType.actions.kind === 'discrete' ? newType.actions.names : [];
    const chosen = (...answer: number[]): string | undefined =>
      names[served.mapping.actionOf(Float32Array.from(answer))[0] ?? -1];
    const [, second, third, fourth] = actionNames();
    assert.equal(chosen(0.9, 0.01, 0.05, 0.04), third);
    assert.equal(chosen(0.1, 0.6, 0.2, 0.1), second);
    assert.equal(chosen(Number.NaN, Number.NaN, Number.NaN, 0.1), fourth);
    assert.equal(chosen(1, Number.NaN, Number.NaN, Number.NaN), second);
  });

  it('map numbers of the answer to the actions of the body, fill what the model does not know', () => {
    const mapping = mappingFor(arm2Body, arm2);
    assert.ok('actionOf' in mapping);
    assert.deepEqual([...mapping.inputsOf([4, 9, 3])], [3, 3]);
    assert.deepEqual(mapping.actionOf(Float32Array.of(0.5, 1)), [0, 0.25, 0.5]);
  });

  it('are named with eight digits of their digest', () => {
    const digest = `0123456789abcdef${'0'.repeat(48)}`;
    assert.equal(bodyName({ id: 'arm', version: 3, digest }), 'arm@3 (01234567)');
  });

  it('say who is not served', () => {
    const other = { ...newBody, version: 3 };
    const refused = servedBody({ model: oldBody, bodies: document(own(), followed()) }, newType, other);
    assert.ok('refusal' in refused);
    assert.equal(refused.refusal, 'wrongRobotType');
    assert.match(
      refused.problem,
      /expected a policy that serves scitos-g5@3 .*, got one for scitos-g5@1 .*, scitos-g5@2/,
    );
    const changed = { ...newBody, digest: 'f'.repeat(64) };
    const digest = servedBody({ model: oldBody, bodies: document(own(), followed()) }, newType, changed);
    assert.ok('refusal' in digest && digest.refusal === 'wrongRobotType');
  });

  it('are of no use to a robot without the readings or the actions that they name', () => {
    const nameless = {
      ...followed(),
      observations: followed().observations.with(3, { from: '__proto__', factor: 1, offset: 0 }),
    };
    assert.deepEqual(mappingFor(nameless, newType), {
      problem: 'expected readings that this robot has, got "__proto__"',
    });
    const idle: VersionBody = { ...followed(), actions: { kind: 'discrete', names: [null, 'toString', null, null] } };
    assert.deepEqual(mappingFor(idle, newType), { problem: 'expected actions that this robot has, got "toString"' });
    const swapped = {
      ...arm2Body,
      actions: {
        kind: 'continuous' as const,
        ranges: arm2Body.actions.kind === 'continuous' ? arm2Body.actions.ranges.toReversed() : [],
      },
    };
    assert.match(JSON.stringify(mappingFor(swapped, arm2)), /in their order/);
    const short = {
      ...arm2Body,
      actions: { ...swapped.actions, ranges: swapped.actions.ranges.slice(1).toReversed() },
    };
    assert.match(JSON.stringify(mappingFor(short, arm2)), /got null for/);
    assert.match(JSON.stringify(mappingFor(arm2Body, newType)), /expected readings/);
    const twice = { ...arm2, observations: [...arm2.observations, ...arm2.observations] };
    assert.match(JSON.stringify(mappingFor(arm2Body, twice)), /one name twice/);
    assert.match(
      JSON.stringify(mappingFor({ ...followed(), actions: arm2Body.actions }, newType)),
      /expected discrete/,
    );
  });

  const bad: readonly (readonly [string, VersionBodies, RegExp])[] = [
    ['no own body', document(followed()), /model's own body scitos-g5@1/],
    [
      'an own body of another digest',
      document({ ...own(), robotType: { ...oldBody, digest: '0'.repeat(64) } }),
      /own body/,
    ],
    ['an own body that is scaled', document({ ...own(), observations: followed().observations }), /mapped as it is/],
    [
      'an own body without an action',
      document({ ...own(), actions: { kind: 'discrete', names: [...actionNames().slice(1), null] } }),
      /mapped as it is/,
    ],
    [
      'a body twice',
      document(own(), followed(), { ...followed(), robotType: { ...newBody, digest: 'a'.repeat(64) } }),
      /every body once/,
    ],
    ['too few inputs', document(own(), { ...followed(), observations: [{ fill: 0 }] }), /expected 24 inputs/],
    [
      'too few outputs',
      document(own(), { ...followed(), actions: { kind: 'discrete', names: ['a', 'b'] } }),
      /expected 4 outputs/,
    ],
    [
      'no action at all',
      document(own(), { ...followed(), actions: { kind: 'discrete', names: [null, null, null, null] } }),
      /at least one action/,
    ],
    [
      'an action twice',
      document(own(), { ...followed(), actions: { kind: 'discrete', names: ['a', 'a', null, null] } }),
      /every action once/,
    ],
    [
      'actions of another kind',
      document(own(), { ...followed(), actions: arm2Body.actions }),
      /expected discrete actions/,
    ],
  ];
  for (const [what, bodies, problem] of bad)
    it(`are not believed with ${what}`, () => {
      versionBodiesSchema.parse(bodies);
      assert.match(versionBodiesProblems(bodies, oldBody).join('; '), problem);
      const refused = servedBody({ model: oldBody, bodies }, newType, newBody);
      assert.ok('refusal' in refused && refused.refusal === 'cannotLoad');
    });

  it('are not believed with an output that the model does not have', () => {
    const armOwn = identityBody(arm1, arm1.reference, proven);
    assert.ok(armOwn !== undefined);
    const beyond: VersionBody = {
      ...arm2Body,
      actions: { kind: 'continuous', ranges: [{ name: 'b2', from: 2, factor: 1, offset: 0 }] },
    };
    assert.deepEqual(versionBodiesProblems(document(armOwn, arm2Body), arm1.reference), []);
    assert.deepEqual(modelSizesOf(document(armOwn, arm2Body), arm1.reference), {
      head: 'continuous',
      observationSize: 2,
      actionSize: 2,
    });
    assert.match(versionBodiesProblems(document(armOwn, beyond), arm1.reference).join(), /an output below 2 for "b2"/);
  });

  const reading = followed().observations[0];
  const shapes: readonly (readonly [string, unknown])[] = [
    ['no bodies', { bodies: [] }],
    ['too many', { bodies: Array.from({ length: 65 }, () => own()) }],
    ['an unknown field', { bodies: [own()], more: 1 }],
    ['a factor of 0', document({ ...own(), observations: [{ from: 'a', factor: 0, offset: 0 }] })],
    ['both a reading and a constant', document({ ...own(), observations: [{ ...reading, fill: 1 }] })],
    ['a long name', document({ ...own(), observations: [{ from: 'x'.repeat(257), factor: 1, offset: 0 }] })],
    ['a hostile id', document({ ...own(), robotType: { ...oldBody, id: '__proto__' } })],
    ['an unknown standing', document({ ...own(), standing: 'fine' as never })],
    ['a broken count', document({ ...own(), heldOutEpisodes: 0.5 })],
    [
      'a negative output',
      document({
        ...arm2Body,
        actions: { kind: 'continuous', ranges: [{ name: 'a', from: -1, factor: 1, offset: 0 }] },
      }),
    ],
    [
      'more inputs than there can be',
      document({ ...own(), observations: Array.from({ length: 1025 }, () => ({ fill: 0 })) }),
    ],
    ['numbers beyond all', JSON.parse(JSON.stringify(document(own())).replace('"offset":0', '"offset":1e999'))],
    ['no number', JSON.parse(JSON.stringify(document(own())).replace('"offset":0', '"offset":null'))],
    ['nothing', undefined],
  ];
  for (const [what, shape] of shapes)
    it(`are not read with ${what}`, () => assert.ok(!versionBodiesSchema.safeParse(shape).success));

  it('are mapped by name alone: a permutation of the body changes no input and no chosen action', () => {
    const order = fc.shuffledSubarray(newType.observations, { minLength: newType.observations.length });
    const values = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 26, maxLength: 26 });
    const answer = fc.array(fc.float({ noNaN: true, min: 0, max: 1 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(order, values, answer, (observations, numbers, outputs) => {
        const byName = new Map(newType.observations.map(({ name }, index) => [name, numbers[index] ?? 0]));
        const plain = mappingFor(followed(), newType);
        const shuffled = mappingFor(followed(), { ...newType, observations });
        assert.ok('inputsOf' in plain && 'inputsOf' in shuffled);
        assert.deepEqual(
          shuffled.inputsOf(observations.map(({ name }) => byName.get(name) ?? 0)),
          plain.inputsOf(numbers),
        );
        assert.deepEqual(shuffled.actionOf(Float32Array.from(outputs)), plain.actionOf(Float32Array.from(outputs)));
      }),
    );
  });
});
