import assert from 'node:assert/strict';

import { highestIndex, isWithin } from '../../policies/agreement.ts';
import { calibrationCounter } from '../../policies/evaluation/calibration.ts';
import { confusionCounter } from '../../policies/evaluation/confusion.ts';
import { evaluateHeldout } from '../../policies/evaluation/evaluate-heldout.ts';
import { robotInputs } from '../../policies/evaluation/robot-inputs.ts';
import { probeModel } from '../../policies/evaluation/probe-model.ts';
import { ioProblems, policySizes } from '../../policies/policy-io.ts';
import type { GraphRuntime, GraphSession, Tensors } from '../../policies/runtime.ts';
import { planSearch } from '../../policies/search.ts';
import { defaultTraining, resolveSettings } from '../../policies/specification.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { runtime, sourceOf } from './tiny-training.ts';

const type = testRobotType();
const sizes = policySizes(type)!;
const silent = { seed: 1, progress: () => undefined, monotonicMs: () => performance.now() };

/** A session that answers by a function of its feeds. */
const session = (
  answer: (rows: number, feeds: Tensors) => Float32Array,
  changes: Partial<GraphSession> = {},
): GraphSession => ({
  inputs: [
    { name: 'observation', type: 'float32', shape: ['batch', 3] },
    { name: 'task', type: 'int32', shape: ['batch'] },
  ],
  outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 3] }],
  run: async (feeds) => {
    const rows = feeds['observation']!.shape[0]!;
    return { probabilities: { type: 'float32', data: answer(rows, feeds), shape: [rows, 3] } };
  },
  close: async () => undefined,
  ...changes,
});
const opening = (one: GraphSession): GraphRuntime => ({ open: async () => one });
const even = (rows: number): Float32Array => new Float32Array(3 * rows).fill(1 / 3);

describe('agreement', () => {
  it('takes the first of the highest, and never a NaN', () => {
    assert.equal(highestIndex([0.1, 0.5, 0.5]), 1);
    assert.equal(highestIndex([Number.NaN, 0.5, 0.4]), 1);
    assert.equal(highestIndex([Number.NaN, Number.NaN]), 0);
    assert.equal(highestIndex([]), 0);
  });

  it('of continuous actions holds in every dimension or not at all', () => {
    const tolerance = Float32Array.of(0.5, 0.1);
    assert.ok(isWithin([1, 1], [1.5, 1.0625], tolerance));
    assert.ok(!isWithin([1, 1], [1, 1.2], tolerance));
    assert.ok(!isWithin([Number.NaN, 1], [1, 1], tolerance));
  });
});

describe('the confusion of labels', () => {
  it('counts recorded against chosen, with precision, recall and F1', () => {
    const counter = confusionCounter(['a', 'b', 'c']);
    for (const [recorded, chosen] of [
      [0, 0],
      [0, 0],
      [0, 1],
      [1, 1],
    ] as const)
      counter.count(recorded, chosen);
    const { counts, perLabel } = counter.finish();
    assert.deepEqual(counts, [
      [2, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    assert.deepEqual(perLabel[0], { label: 'a', precision: 1, recall: 2 / 3, f1: 0.8, frames: 3 });
    assert.deepEqual(perLabel[1], { label: 'b', precision: 0.5, recall: 1, f1: 2 / 3, frames: 1 });
    assert.deepEqual(perLabel[2], { label: 'c', precision: null, recall: null, f1: null, frames: 0 });
  });
});

describe('the calibration error', () => {
  it('is the gap between certainty and truth', () => {
    const counter = calibrationCounter();
    for (let row = 0; row < 100; row += 1) counter.count(0.9, row < 70);
    for (let row = 0; row < 100; row += 1) counter.count(0.5, row < 50);
    assert.ok(Math.abs(counter.finish()! - 0.1) < 1e-9);
    assert.equal(calibrationCounter().finish(), null);
  });
});

describe('a model’s inputs and outputs', () => {
  const good = session(even);
  it('fit when names, types, widths and an open batch do', () => {
    assert.deepEqual(ioProblems(good, sizes), []);
    const { inputs } = good;
    assert.deepEqual(ioProblems({ ...good, inputs: inputs.slice(0, 1) }, { ...sizes, taskCount: 1 }), []);
  });

  it('are named one by one when they do not', () => {
    const problems = (changes: Partial<GraphSession>) => ioProblems({ ...good, ...changes }, sizes).join('\n');
    assert.match(problems({ inputs: good.inputs.slice(0, 1) }), /expected input task int32 \[batch\].*got none/);
    assert.match(problems({ outputs: [] }), /expected output probabilities/);
    const port = (shape: (number | string)[], portType = 'float32') => [
      { name: 'probabilities', type: portType, shape },
    ];
    assert.match(problems({ outputs: port(['batch', 4]) }), /got float32 \[batch, 4\]/);
    assert.match(problems({ outputs: port([1, 3]) }), /open batch size, got float32 \[1, 3\]/);
    assert.match(problems({ outputs: port(['batch', 3], 'float64') }), /got float64/);
    assert.match(
      problems({ inputs: [...good.inputs, { name: 'image', type: 'float32', shape: [] }] }),
      /one more: image/,
    );
  });
});

describe('the probe of a model', () => {
  const probe = (runtimeOf: GraphRuntime, model: Uint8Array = tinyPolicy(type, 1)) =>
    probeModel({ ...silent, runtime: runtimeOf, model, type });

  it('finds nothing wrong with the tiny policy', async () => {
    const facts = await probe(runtime, tinyPolicy(type, 1));
    assert.deepEqual(facts.ioProblems, []);
    assert.deepEqual(facts.outputs, { inputsTried: 10_000, badInputs: 0, reason: '' });
    assert.equal(facts.latency!.samples, 1024);
  });

  it('does not load what is too large', async () => {
    const runtimeOf = { open: () => Promise.reject(new Error('loaded')) };
    assert.deepEqual(await probe(runtimeOf, new Uint8Array(2 ** 20 + 1)), { sizeBytes: 2 ** 20 + 1 });
  });

  it('counts the inputs that give no number, and tells of the first', async () => {
    const sometimes = (rows: number): Float32Array =>
      even(rows).map((value, index) => (index === 6 ? Number.NaN : value));
    const { outputs, latency } = await probe(opening(session(sometimes)));
    assert.deepEqual(outputs, {
      inputsTried: 10_000,
      badInputs: 20,
      reason: outputs!.reason,
    });
    assert.match(outputs.reason, /^input 2 \(readings saturated: .*a=.*\) gives a number that is not finite$/);
    assert.equal(latency, undefined);
  });

  it('takes a model that fails on an input as failed', async () => {
    const { outputs } = await probe(opening(session(even, { run: () => Promise.reject(new Error('out of range')) })));
    assert.equal(outputs!.badInputs, 500);
    assert.equal(outputs!.reason, 'it fails on inputs 0 to 500: out of range');
  });

  it('stops measuring a slow model after a while, with the samples there are', async () => {
    let now = 0;
    const facts = await probeModel({
      ...silent,
      runtime: opening(session(even)),
      model: tinyPolicy(type, 1),
      type,
      monotonicMs: () => (now += 100),
    });
    assert.ok(facts.latency!.samples < 200);
    assert.equal(facts.latency!.p99Ms, 100);
  });

  it('tries what a robot may send, by the seed: within and beyond the ranges, saturated, constant, swapped', () => {
    const { observation, task } = robotInputs(type, 7, 0, 600);
    assert.deepEqual(robotInputs(type, 7, 0, 600).observation, observation);
    assert.deepEqual(robotInputs(type, 7, 100, 50).observation, observation.subarray(300, 450));
    assert.notDeepEqual(robotInputs(type, 8, 0, 600).observation, observation);
    assert.ok(observation.every((value) => Math.abs(value) <= 2 + 10 * 4));
    assert.ok(observation.some((value) => Math.abs(value) > 30));
    const alike = Array.from({ length: 600 }, (_, row) => observation.subarray(3 * row, 3 * row + 3)).filter(
      ([a, b, c]) => a === b && b === c,
    );
    assert.ok(alike.length >= 100);
    assert.deepEqual([...new Set(task)], [0, 1]);
  });

  it('finds a model that answers otherwise alone than among others', async () => {
    const byBatch = (rows: number): Float32Array =>
      Float32Array.from({ length: 3 * rows }, (_, index) => (index % 3 === (rows === 1 ? 0 : 1) ? 1 : 0));
    const { singles, repeats } = await probe(opening(session(byBatch)));
    assert.deepEqual([singles!.rows, singles!.differing], [512, 512]);
    assert.match(singles!.reason, /^readings .*a=.* give 1, 0, 0 alone and 0, 1, 0 among others$/);
    assert.equal(repeats!.differing, 0);
  });

  it('finds a model that samples', async () => {
    let run = 0;
    const sampling = (rows: number): Float32Array =>
      Float32Array.from({ length: 3 * rows }, (_, index) => (index % 3 === (run += 1) % 2 ? 1 : 0));
    const { repeats } = await probe(opening(session(sampling)));
    assert.ok(repeats!.differing > 50, `${repeats!.differing}`);
  });

  it('finds logits that are named probabilities', async () => {
    const { sums } = await probe(opening(session((rows) => new Float32Array(3 * rows).fill(2))));
    assert.deepEqual([sums!.rows, sums!.badRows], [10_000, 10_000]);
    assert.match(sums!.reason, /^input 0 \(readings in range: .*\) gives 2, 2, 2$/);
  });

  it('names outputs that nobody asked for', async () => {
    const more = session(even);
    const outputs = [...more.outputs, { name: 'hidden', type: 'float32', shape: ['batch', 7] }];
    const facts = await probe(opening({ ...more, outputs }));
    assert.deepEqual([facts.ioProblems, facts.extraOutputs, facts.outputs], [[], ['hidden'], undefined]);
  });
});

describe('the evaluation on held-out rows', () => {
  it('counts frames, episodes and tasks across blocks, and compares policies on the same frames', async () => {
    const rows = (label: readonly number[], task: number) => ({
      rows: label.length,
      observation: new Float32Array(3 * label.length),
      task: new Int32Array(label.length).fill(task),
      label: Int32Array.from(label),
      weight: new Float32Array(label.length).fill(1),
    });
    const blocks = [rows([0, 0, 1, 0, 0], 0), rows([0, 0, 2], 1)];
    const episodes = [Int32Array.of(0, 0, 0, 1, 1), Int32Array.of(2, 2, 3)];
    const robots = [Int32Array.of(4, 4, 4, 1, 1), Int32Array.of(4, 4, 1)];
    const always = (action: number) =>
      session((count) => Float32Array.from({ length: 3 * count }, (_, index) => (index % 3 === action ? 0.8 : 0.1)));
    const outcome = await evaluateHeldout({
      type,
      sizes,
      source: {
        ...sourceOf(...blocks),
        episodes: async (block) => episodes[block],
        robots: async (block) => robots[block],
      },
      candidate: always(0),
      others: { champion: always(2) },
      reference: 'champion',
      majorityLabel: 0,
      ...silent,
    });
    assert.deepEqual([outcome.singles.rows, outcome.singles.differing], [8, 0]);
    assert.deepEqual([outcome.frames, outcome.episodes, outcome.agreeingFrames, outcome.majorityFrames], [8, 4, 6, 6]);
    const { sums, agreeingFrames } = outcome.others['champion']!;
    assert.equal(agreeingFrames, 1);
    assert.deepEqual([sums.onlyNewFrames, sums.onlyOldFrames, sums.frames, sums.episodes], [6, 1, 8, 4]);
    assert.deepEqual(
      [sums.squaredDifferences, sums.differencesTimesFrames, sums.squaredFrames],
      [2 ** 2 + 2 ** 2 + 2 ** 2 + 1, 2 * 3 + 2 * 2 + 2 * 2 - 1, 9 + 4 + 4 + 1],
    );
    assert.deepEqual(outcome.robots, [
      { robot: 1, episodes: 2, frames: 3, agreeingFrames: 2, referenceFrames: 1, comparedFrames: 3 },
      { robot: 4, episodes: 2, frames: 5, agreeingFrames: 4, referenceFrames: 0, comparedFrames: 5 },
    ]);
    assert.deepEqual(
      outcome.tasks.map(({ task, episodes: count, frames, discordant }) => [
        task,
        count,
        frames,
        discordant['champion'],
      ]),
      [
        ['drive', 2, 5, { onlyNew: 1, onlyOld: 0 }],
        ['park', 2, 3, { onlyNew: 1, onlyOld: 1 }],
      ],
    );
  });
});

describe('the settings of a training', () => {
  it('have defaults for small and for large sets, and let single ones be set', () => {
    assert.deepEqual(resolveSettings({}, 3690).specification, defaultTraining(3690).specification);
    const { hyperparameters } = resolveSettings({ learningRate: 0.5 }, 2_000_000);
    assert.equal(hyperparameters.learningRate, 0.5);
    assert.equal(hyperparameters.batchSize, 512);
    assert.equal(hyperparameters.maxSteps, 39_070);
  });

  it('are varied around what is asked for by a search, itself first', () => {
    const trials = planSearch({ batchSize: 32 }, 1000);
    assert.equal(trials.length, 6);
    assert.deepEqual(trials[0]!.settings, { batchSize: 32, learningRate: 0.01, hiddenWidths: [128, 128] });
    assert.equal(new Set(trials.map(({ summary }) => summary)).size, 6);
    assert.ok(trials.every(({ settings }) => settings.batchSize === 32));
  });
});
