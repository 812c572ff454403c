import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';

import { openArrowRows } from '../../activities/adapters/arrow-row-source.ts';
import { onnxTrainer } from '../../activities/adapters/onnx-trainer.ts';
import { unseenBy } from '../../activities/evaluation/seen-rows.ts';
import { evaluateHeldout } from '../../policies/evaluation/evaluate-heldout.ts';
import { executedAnswers } from '../../policies/evaluation/executed.ts';
import { goldenAnswers } from '../../policies/evaluation/golden.ts';
import { mappedSession } from '../../policies/evaluation/mapped-session.ts';
import { probeModel } from '../../policies/evaluation/probe-model.ts';
import { chunkPlan, chunkRows, horizonOf } from '../../policies/chunks.ts';
import { mirrorPlan, mirrorRows } from '../../policies/mirror.ts';
import { ioProblems, policySizes } from '../../policies/policy-io.ts';
import { float32Tensor, type GraphSession } from '../../policies/runtime.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { testRobotType, writeArrowSet } from '../activities/training/arrow-sets.ts';
import { rowsAhead } from './rows-ahead.ts';
import { runtime } from './tiny-training.ts';

const discrete = testRobotType();
const continuous = testRobotType({
  actions: { kind: 'continuous', ranges: ['x', 'y'].map((name) => ({ name, unit: '1', min: -4, max: 4 })) },
});
const horizon = 3;

describe('rows with a horizon', () => {
  it('have the labels of all steps, and no weight where there is none', () => {
    const block = {
      rows: 2,
      observation: new Float32Array(2),
      task: new Int32Array(2),
      label: Int32Array.of(1, 2),
      weight: Float32Array.of(0.5, 2),
    };
    const rows = chunkRows(block, { labels: Int32Array.of(3, 4, 2, 2), frames: Int32Array.of(8, 9, 7, -1) });
    assert.deepEqual([...rows.label], [1, 3, 4, 2, 2, 2]);
    assert.deepEqual([...rows.weight], [0.5, 0.5, 0.5, 2, 2, 0]);
    const empty = { ...block, rows: 0, observation: new Float32Array(0) };
    assert.equal(chunkRows(empty, { labels: new Int32Array(0), frames: new Int32Array(0) }), empty);
  });

  it('are mirrored step by step', () => {
    const type = testRobotType({ mirror: { actions: { swapped: [['go', 'turn']] } } });
    const names = type.actions.kind === 'discrete' ? type.actions.names : [];
    const plan = mirrorPlan(type, []);
    const label = Int32Array.of(0, names.indexOf('go'), names.indexOf('turn'), 0, 0, 0);
    const block = {
      rows: 2,
      observation: new Float32Array(6),
      task: new Int32Array(2),
      label,
      weight: new Float32Array(6),
    };
    const mirrored = mirrorRows(block, plan, (row) => row === 0).label;
    assert.deepEqual([...mirrored], [0, names.indexOf('turn'), names.indexOf('go'), 0, 0, 0]);
  });

  it('are planned only as they can be', () => {
    assert.equal(chunkPlan({}), undefined);
    assert.deepEqual(chunkPlan({ horizon: 8 }), { horizon: 8, execute: 8 });
    assert.deepEqual(chunkPlan({ horizon: 8, execute: 3 }), { horizon: 8, execute: 3 });
    assert.throws(
      () => chunkPlan({ horizon: 2, execute: 3 }),
      /at most the 2 actions of the horizon to execute, got 3/,
    );
    assert.throws(() => chunkPlan({ execute: 3 }), /expected a horizon/);
  });
});

describe('a policy that answers chunks', function () {
  this.timeout(60_000);
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-chunks-'));
    for (const [name, isContinuous] of [
      ['discrete', false],
      ['continuous', true],
    ] as const) {
      const [train, validation, heldout] = [
        rowsAhead(50, 1, isContinuous),
        rowsAhead(20, 3, isContinuous),
        rowsAhead(30, 5, isContinuous),
      ];
      await writeArrowSet(join(directory, `${name}-train.arrow`), [train]);
      await writeArrowSet(join(directory, `${name}-validation.arrow`), [validation]);
      await writeArrowSet(join(directory, `${name}-heldout.arrow`), [heldout], [heldout.episodes]);
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function train(kind: 'discrete' | 'continuous', changes: object) {
    const outcome = await onnxTrainer({ runtime, monotonicMs: () => performance.now() }).train(
      {
        trainPath: join(directory, `${kind}-train.arrow`),
        validationPath: join(directory, `${kind}-validation.arrow`),
        trainRows: 500,
        validationRows: 200,
        robotType: kind === 'discrete' ? discrete : continuous,
        settings: { hiddenWidths: [16], maxSteps: 300, evaluateEverySteps: 100, checkpointEverySteps: 1000 },
        seed: 1,
        checkpoints: { save: async () => undefined, latest: async () => undefined },
        scratchDirectory: directory,
        ...changes,
      },
      () => undefined,
    );
    return { outcome, model: await readFile(outcome.modelPath) };
  }

  for (const kind of ['discrete', 'continuous'] as const)
    it(`is learned from ${kind} actions, and judged on the one that a robot would have executed`, async () => {
      const type = kind === 'discrete' ? discrete : continuous;
      const sizes = policySizes(type)!;
      const { model, outcome } = await train(kind, { horizon });
      assert.ok((outcome.validationAgreementFraction ?? 0) > 0.85, `${outcome.validationAgreementFraction}`);
      assert.deepEqual((await train(kind, { horizon })).model, model, 'repeatably');
      const candidate = await runtime.open(model);
      assert.deepEqual(
        candidate.outputs.map(({ shape }) => shape.slice(1)),
        [[horizon, sizes.actionSize]],
      );
      assert.deepEqual([horizonOf(candidate), ioProblems(candidate, sizes)], [horizon, []]);

      const source = await openArrowRows(join(directory, `${kind}-heldout.arrow`), sizes, [], horizon);
      assert.deepEqual([source.hasRuns, source.history], [true, horizon]);
      assert.equal(unseenBy(candidate, source), undefined);
      assert.match(unseenBy(candidate, { history: horizon }) ?? '', /says where its rows lie in their run/);
      assert.match(unseenBy(candidate, { history: 2, hasRuns: true }) ?? '', /history of 3 frames/);
      const champion = await runtime.open(tinyPolicy(type, 1));
      const judged = await evaluateHeldout({
        type,
        sizes,
        source,
        candidate,
        others: { champion },
        reference: 'champion',
        majorityLabel: kind === 'discrete' ? 0 : undefined,
        progress: () => undefined,
        monotonicMs: () => performance.now(),
      });
      assert.ok(judged.agreeingFrames > 0.85 * judged.frames, `${judged.agreeingFrames} of ${judged.frames}`);
      assert.deepEqual([judged.singles.rows, judged.singles.differing], [300, 0]);
      const facts = await probeModel({
        runtime,
        model,
        type,
        seed: 1,
        monotonicMs: () => performance.now(),
        progress: () => undefined,
      });
      assert.deepEqual(
        [facts.horizon, facts.outputs?.badInputs, facts.singles?.differing, facts.readingDependence],
        [horizon, 0, 0, []],
      );
      const golden = await goldenAnswers(candidate, type, sizes);
      const width = horizon * sizes.actionSize;
      assert.deepEqual([golden.outputs[0]?.length, golden.tolerances.length], [width, width]);
      for (const resource of [candidate, champion, source]) await resource.close();
    });

  it('answers only the steps that are executed; with one it is a model of the present action', async () => {
    const { model: all } = await train('continuous', { horizon });
    const { model: two } = await train('continuous', { horizon, execute: 2 });
    const { model: one } = await train('continuous', { horizon, execute: 1 });
    const feeds = { observation: float32Tensor(Float32Array.of(0.1, 0.2, 0.3), [1, 3]) };
    const answers = await Promise.all(
      [all, two, one].map(async (bytes) => {
        const session = await runtime.open(bytes);
        const task = session.inputs.some(({ name }) => name === 'task')
          ? { task: { type: 'int32' as const, data: Int32Array.of(0), shape: [1] } }
          : {};
        const { action } = await session.run({ ...feeds, ...task });
        const { shape } = session.outputs[0]!;
        await session.close();
        return { values: [...(action!.data as Float32Array)], shape: shape.slice(1) };
      }),
    );
    assert.deepEqual(
      answers.map(({ shape }) => shape),
      [[3, 2], [2, 2], [2]],
    );
    assert.deepEqual(answers[1]!.values, answers[0]!.values.slice(0, 4));
    assert.deepEqual(answers[2]!.values, answers[0]!.values.slice(0, 2));
  });

  it('starts warm from one of the same horizon alone, and needs a set with one', async () => {
    const { model } = await train('continuous', { horizon });
    const startFromPath = join(directory, 'start.onnx');
    await writeFile(startFromPath, model);
    const warmth = async (changes: object) =>
      (await train('continuous', { startFromPath, ...changes })).outcome.warmStart;
    assert.equal(await warmth({ horizon }), 'warm');
    assert.equal(await warmth({ horizon, execute: 1 }), 'warm');
    assert.equal(await warmth({ horizon: 2 }), 'cold: another horizon');
    assert.equal(await warmth({}), 'cold: another horizon');
    await assert.rejects(
      train('continuous', { horizon: 4 }),
      /expected columns future and future_frames of at least 3 labels of 2 float32/,
    );
    await assert.rejects(train('continuous', { horizon: 3, execute: 4 }), /at most the 3 actions/);
  });

  it('is refused with an axis of actions that is none', async () => {
    const session = await runtime.open((await train('discrete', { horizon })).model);
    const outputs = (shape: readonly (number | string)[]) => session.outputs.map((port) => ({ ...port, shape }));
    for (const shape of [
      ['batch', 1, 3],
      ['batch', 65, 3],
      ['batch', 'steps', 3],
      ['batch', 3, 4],
      ['batch', 3, 'actions'],
      [1, 3, 3],
    ])
      assert.equal(ioProblems({ ...session, outputs: outputs(shape) }, policySizes(discrete)!).length, 1, shape.join());
    await session.close();
  });

  it('is refused by the probe for a number that is not finite in a later step, or probabilities that are none', async () => {
    const sizes = policySizes(discrete)!;
    const fake = (values: readonly number[]): GraphSession => ({
      inputs: [
        { name: 'observation', type: 'float32', shape: ['batch', sizes.observationSize] },
        { name: 'task', type: 'int32', shape: ['batch'] },
      ],
      outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 2, 3] }],
      run: async ({ observation }) => {
        const rows = observation!.shape[0]!;
        return {
          probabilities: float32Tensor(
            Float32Array.from({ length: rows * 6 }, (_, at) => values[at % 6]!),
            [rows, 2, 3],
          ),
        };
      },
      close: async () => undefined,
    });
    const probed = async (values: readonly number[]) => {
      const { outputs, sums } = await probeModel({
        runtime: { open: async () => fake(values) },
        model: tinyPolicy(discrete, 1),
        type: discrete,
        seed: 1,
        monotonicMs: () => performance.now(),
        progress: () => undefined,
      });
      return [outputs!.badInputs > 0, (sums?.badRows ?? 0) > 0];
    };
    assert.deepEqual(await probed([1, 0, 0, 0, 1, 0]), [false, false]);
    assert.deepEqual(await probed([1, 0, 0, 0, Number.NaN, 0]), [true, false]);
    assert.deepEqual(await probed([1, 0, 0, 1, 1, -1]), [false, true]);
    assert.deepEqual(await probed([0.5, 0, 0, 1, 0.5, 0]), [false, true]);
  });
});

describe('the action that a robot would have executed', () => {
  /** Answers [100 × first reading of the newest frame + step, oldest reading]. */
  const session = (steps: number, history: number): GraphSession => ({
    inputs: [{ name: 'observation', type: 'float32', shape: history === 1 ? ['batch', 1] : ['batch', history, 1] }],
    outputs: [{ name: 'action', type: 'float32', shape: steps === 1 ? ['batch', 2] : ['batch', steps, 2] }],
    run: async ({ observation }) => {
      const data = observation!.data as Float32Array;
      const rows = observation!.shape[0]!;
      const answers = Array.from({ length: rows * steps }, (_, at) => {
        const row = Math.floor(at / steps);
        return [100 * data[(row + 1) * history - 1]! + (at % steps), data[row * history]!];
      }).flat();
      return { action: float32Tensor(Float32Array.from(answers), steps === 1 ? [rows, 2] : [rows, steps, 2]) };
    },
    close: async () => undefined,
  });
  const sizes = { head: 'continuous' as const, observationSize: 1, actionSize: 2, taskCount: 1 };

  it('is that of a robot that walks through the run frame by frame, for any chunk, history and run', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        async (steps, history, runs) => {
          const frames = runs.flatMap((count, run) =>
            Array.from({ length: count }, (_, frame) => ({ run, frame, value: 10 * run + frame })),
          );
          const before = steps + history - 2;
          const at = (run: number, frame: number): number => 10 * run + Math.max(0, frame);
          const rows = {
            observation: Float32Array.from(frames, ({ value }) => value),
            task: new Int32Array(frames.length),
            past: Float32Array.from(
              frames.flatMap(({ run, frame }) =>
                Array.from({ length: before }, (_, place) => at(run, frame - before + place)),
              ),
            ),
            runFrames: Int32Array.from(frames, ({ frame }) => frame),
          };
          const executed = await executedAnswers(session(steps, history), sizes, rows);
          // The robot: asks at the first frame of a run and whenever its chunk is used up.
          const wanted = frames.flatMap(({ run, frame }) => {
            const asked = frame - (frame % steps);
            return [100 * at(run, asked) + (frame - asked), at(run, asked - history + 1)];
          });
          assert.deepEqual([...executed], wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is unknown without the place in the run, or without the frames at which it was asked', async () => {
    const rows = { observation: Float32Array.of(1), task: Int32Array.of(0) };
    await assert.rejects(executedAnswers(session(3, 1), sizes, rows), /where they lie in their run/);
    await assert.rejects(
      executedAnswers(session(3, 1), sizes, { ...rows, past: Float32Array.of(1), runFrames: Int32Array.of(1) }),
      /with 2 frames before them, got 1/,
    );
    await assert.rejects(
      executedAnswers(
        { ...session(3, 1), run: async () => ({ action: float32Tensor(new Float32Array(4), [1, 2, 2]) }) },
        sizes,
        { ...rows, past: new Float32Array(2), runFrames: Int32Array.of(0) },
      ),
      /expected output action of 6 float32/,
    );
  });

  it('of another body is mapped step by step', async () => {
    const own = testRobotType({
      observations: [{ name: 'a', unit: '1', min: -2, max: 2 }],
      actions: continuous.actions,
    });
    const body = {
      type: own,
      observations: [{ from: 'a', factor: 1, offset: 0 }],
      actions: {
        kind: 'continuous' as const,
        ranges: [
          { name: 'x', from: 'y', factor: 2, offset: 0 },
          { name: 'y', fill: 7 },
        ],
      },
    };
    const mapped = mappedSession(session(2, 1), body, own);
    const { action } = await mapped.run({ observation: float32Tensor(Float32Array.of(3, 4), [2, 1]) });
    assert.deepEqual(
      [action!.shape, [...(action!.data as Float32Array)]],
      [
        [2, 2, 2],
        [6, 7, 6, 7, 8, 7, 8, 7],
      ],
    );
  });
});
