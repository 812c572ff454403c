import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { robotTypeSchema } from '../../datasets/robot-type.ts';
import { actionTolerance } from '../../policies/agreement.ts';
import { copiedState } from '../../policies/evaluation/copied-state.ts';
import { evaluateHeldout } from '../../policies/evaluation/evaluate-heldout.ts';
import { errorBound, errorNotWorse } from '../../policies/gates/errors.ts';
import { gateVerdict, offlineGates, pairedRatioCounter, type GateResult } from '../../policies/gates/index.ts';
import { policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import type { GraphSession } from '../../policies/runtime.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { sourceOf } from './tiny-training.ts';

/** Two joints that are measured, one by another name, and a hidden reading that says where the arm goes next. */
const arm = testRobotType({
  observations: ['shoulder', 'elbow-position', 'goal'].map((name) => ({ name, unit: 'rad', min: -2, max: 2 })),
  actions: {
    kind: 'continuous',
    ranges: [
      { name: 'shoulder', unit: 'rad', min: -2, max: 2 },
      { name: 'elbow', unit: 'rad', min: -1, max: 1, measuredBy: 'elbow-position' },
    ],
  },
  tasks: ['reach'],
});
const sizes = policySizes(arm)!;
const policy = (answer: (observation: Float32Array) => readonly number[]): GraphSession => ({
  inputs: [{ name: 'observation', type: 'float32', shape: ['batch', 3] }],
  outputs: [{ name: 'action', type: 'float32', shape: ['batch', 2] }],
  run: async (feeds) => {
    const { data, shape } = feeds['observation']!;
    const rows = shape[0]!;
    const values = Array.from({ length: rows }, (_, row) =>
      answer((data as Float32Array).subarray(3 * row, 3 * row + 3)),
    );
    return { action: { type: 'float32', data: Float32Array.from(values.flat()), shape: [rows, 2] } };
  },
  close: async () => undefined,
});
/** The arm moves a tenth of the way to its goal at each frame. */
const next = ([shoulder = 0, elbow = 0, goal = 0]: ArrayLike<number> & Iterable<number>): [number, number] => [
  shoulder + 0.1 * (goal - shoulder),
  elbow + 0.1 * (goal / 2 - elbow),
];

async function judged(candidate: GraphSession, champion: GraphSession | undefined, linear?: GraphSession) {
  const random = randomStream(1, 'arm');
  const [rows, episodes] = [40, 30];
  const blocks = Array.from({ length: episodes }, () => {
    const observation = Float32Array.from({ length: 3 * rows }, () => 4 * random() - 2);
    const label = Float32Array.from({ length: rows }, (_, row) => row).reduce<number[]>(
      (all, row) => [...all, ...next(observation.subarray(3 * row, 3 * row + 3))],
      [],
    );
    return {
      rows,
      observation,
      task: new Int32Array(rows),
      label: Float32Array.from(label),
      weight: new Float32Array(rows).fill(1),
    };
  });
  const copy = copiedState(arm)!;
  const outcome = await evaluateHeldout({
    type: arm,
    sizes,
    source: { ...sourceOf(...blocks), episodes: async (block) => new Int32Array(rows).fill(block) },
    candidate,
    others: { copy, ...(champion === undefined ? {} : { champion }), ...(linear === undefined ? {} : { linear }) },
    majorityLabel: undefined,
    progress: () => undefined,
    monotonicMs: () => 0,
  });
  const paired = outcome.errors!.paired;
  const facts = {
    ...outcome,
    champion:
      champion === undefined
        ? ({ kind: 'none' } as const)
        : ({ kind: 'compared', version: '1.0.0', sums: outcome.others['champion']!.sums } as const),
    anchor: { kind: 'none' } as const,
    tasks: [{ task: 'reach', episodes, onlyNewEpisodes: 0, onlyOldEpisodes: 0, trafficFraction: 1 }],
    errors: {
      byAction: outcome.errors!.byAction,
      copy: paired.get('copy')!,
      ...(champion === undefined ? {} : { champion: paired.get('champion')! }),
      ...(linear === undefined ? {} : { linear: paired.get('linear')! }),
    },
  };
  const gates = offlineGates({ absolute: { sizeBytes: 1 }, heldout: facts }, arm);
  return { outcome, gates };
}
const gate = (gates: readonly GateResult[], id: string): GateResult =>
  gates.find((one) => one.id === id) ?? assert.fail(id);
const noisy = (amount: number, seed: number): GraphSession => {
  const random = randomStream(seed, 'noise');
  return policy((observation) => next(observation).map((value) => value + amount * (random() - 0.5)));
};

describe('continuous actions', () => {
  it('are measured in their units: mean, p95 and share of the range, joint by joint', async () => {
    const off = policy((observation) => {
      const [shoulder, elbow] = next(observation);
      return [shoulder + 0.2, elbow - 0.1];
    });
    const { outcome } = await judged(off, undefined);
    const [shoulder, elbow] = outcome.errors!.byAction;
    assert.deepEqual([shoulder!.name, shoulder!.unit, elbow!.name], ['shoulder', 'rad', 'elbow']);
    assert.ok(Math.abs(shoulder!.mean - 0.2) < 1e-5 && Math.abs(elbow!.mean - 0.1) < 1e-5);
    assert.ok(Math.abs(shoulder!.meanFraction - 0.05) < 1e-6);
    assert.ok(shoulder!.p95 >= 0.2 - 1e-6 && shoulder!.p95 <= 0.2 + 4 / 1000 + 1e-6, `${shoulder!.p95}`);
  });

  it('hold a policy that is worse than to repeat what is measured', async () => {
    const { gates } = await judged(noisy(3, 1), noisy(3, 2));
    const copy = gate(gates, 'baseline.copy');
    assert.equal(copy.outcome, 'fail');
    assert.ok(copy.value! > 1.05 && copy.limit === 1.05 && copy.sampleSize === 30, copy.sentence);
    assert.match(copy.sentence, /repeating the measured state \d/);
    assert.equal(gate((await judged(noisy(0.05, 1), noisy(0.05, 2))).gates, 'baseline.copy').outcome, 'pass');
  });

  it('hold one that is worse than a linear model, or than the champion, and pass an equal one', async () => {
    const { gates } = await judged(noisy(0.2, 1), noisy(0.1, 2), noisy(0.02, 3));
    assert.equal(gate(gates, 'champion.error').outcome, 'fail');
    assert.equal(gate(gates, 'baseline.linear').outcome, 'fail');
    const equal = await judged(noisy(0.1, 1), noisy(0.1, 2), noisy(0.1, 3));
    assert.equal(gate(equal.gates, 'champion.error').outcome, 'pass', gate(equal.gates, 'champion.error').sentence);
    const same = policy(next);
    const perfect = await judged(same, same, same);
    for (const id of ['champion.error', 'baseline.linear', 'baseline.copy'])
      assert.equal(gate(perfect.gates, id).outcome, 'pass');
  });

  it('without a champion pass in bootstrap only; without a training set the champion stands in for the linear model', async () => {
    const alone = await judged(noisy(0.05, 1), undefined);
    assert.equal(gate(alone.gates, 'champion.error').outcome, 'notApplicable');
    const { gates } = await judged(noisy(0.05, 1), noisy(0.05, 2));
    assert.equal(gate(gates, 'baseline.linear').outcome, 'notApplicable');
    const judgedGates = gates.filter(({ id }) => !id.startsWith('model.') && id !== 'heldout.single-rows');
    assert.equal(
      gateVerdict(judgedGates, false),
      'pass',
      JSON.stringify(judgedGates.filter((one) => one.outcome !== 'pass')),
    );
  });

  it('prove nothing on few episodes, or by numbers that are none', () => {
    const counter = pairedRatioCounter();
    for (let episode = 0; episode < 19; episode += 1) counter.endEpisode(1, 100, 5, 100);
    assert.equal(errorNotWorse('champion.error', 'x', 1.1, counter.finish()).outcome, 'fail');
    const none = pairedRatioCounter().finish();
    assert.equal(errorNotWorse('champion.error', 'x', 1.1, none).outcome, 'fail');
    assert.equal(errorBound({ ...none, episodes: 9, sums: [1, 10, 0, 10] }, 1).upperRatio, Infinity);
  });

  it('have their tolerance and their measurement in the robot type; older documents have neither', () => {
    const type = testRobotType({ actions: arm.actions, observations: arm.observations });
    assert.deepEqual(robotTypeSchema.parse(type), type);
    assert.deepEqual(
      [...actionTolerance(type)!].map((value) => Number(value.toFixed(6))),
      [0.2, 0.1],
    );
    const wide = { ...type, limits: { ...type.limits, actionToleranceFraction: 0.1 } };
    assert.deepEqual(
      [...actionTolerance(wide)!].map((value) => Number(value.toFixed(6))),
      [0.4, 0.2],
    );
    const wrong = structuredClone(type);
    if (wrong.actions.kind === 'continuous') wrong.actions.ranges[0]!.measuredBy = 'nose';
    assert.match(robotTypeSchema.safeParse(wrong).error!.message, /measuredBy to name an observation/);
    const unmeasured = testRobotType({ actions: arm.actions });
    assert.equal(copiedState(testRobotType()), undefined);
    assert.ok(unmeasured.observations.every(({ name }) => name !== 'shoulder'));
  });

  it('have their gates in the document', () => {
    const text = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
    for (const id of ['champion.error', 'baseline.copy', 'baseline.linear']) assert.ok(text.includes(`\`${id}\``), id);
  });
});
