import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openArrowRows } from '../../activities/adapters/arrow-row-source.ts';
import { onnxTrainer } from '../../activities/adapters/onnx-trainer.ts';
import { evaluateHeldout } from '../../policies/evaluation/evaluate-heldout.ts';
import { probeModel } from '../../policies/evaluation/probe-model.ts';
import { unseenBy } from '../../activities/evaluation/seen-rows.ts';
import { mirrorPlan, mirrorRows } from '../../policies/mirror.ts';
import { ioProblems, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import type { RowBlock } from '../../policies/rows.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { historyOf, windowsOf } from '../../policies/windows.ts';
import { testRobotType, writeArrowSet } from '../activities/training/arrow-sets.ts';
import { runtime } from './tiny-training.ts';

const type = testRobotType();
const sizes = policySizes(type)!;
const history = 3;

/** Episodes of ten frames: the label of a frame is whether the first reading of the frame two before was positive, which the present readings do not tell. */
function pastRows(episodes: number, seed: number): RowBlock & { readonly episodes: Int32Array } {
  const random = randomStream(seed, 'past rows');
  const rows = 10 * episodes;
  const observation = Float32Array.from({ length: 3 * rows }, () => 2 * random() - 1);
  const past = new Float32Array(rows * (history - 1) * 3);
  const label = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const first = row - (row % 10);
    const frames = [row - 2, row - 1].map((frame) => Math.max(first, frame));
    frames.forEach((frame, at) => past.set(observation.subarray(3 * frame, 3 * frame + 3), (row * 2 + at) * 3));
    label[row] = observation[3 * frames[0]!]! > 0 ? 2 : 0;
  }
  return {
    rows,
    observation,
    past,
    label,
    task: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 10) % 2),
    weight: new Float32Array(rows).fill(1),
    episodes: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 10)),
  };
}

describe('windows of readings', () => {
  it('hold the frames before, oldest first, and the earliest for those that are not there', () => {
    const observation = Float32Array.of(5, 50, 6, 60);
    const past = Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40);
    assert.deepEqual([...windowsOf(observation, 2, past, 3)], [1, 10, 2, 20, 5, 50, 3, 30, 4, 40, 6, 60]);
    assert.deepEqual([...windowsOf(observation, 2, past, 2)], [2, 20, 5, 50, 4, 40, 6, 60]);
    assert.deepEqual([...windowsOf(observation, 2, past, 4)].slice(0, 8), [1, 10, 1, 10, 2, 20, 5, 50]);
    assert.deepEqual([...windowsOf(observation, 2, undefined, 2)], [5, 50, 5, 50, 6, 60, 6, 60]);
    assert.equal(windowsOf(observation, 2, past, 1), observation);
    assert.deepEqual([...windowsOf(new Float32Array(0), 0, undefined, 3)], []);
  });

  it('are mirrored frame by frame', () => {
    const mirrored = testRobotType({ mirror: { observations: { swapped: [['a', 'b']], negated: ['c'] } } });
    const block = pastRows(2, 4);
    const plan = mirrorPlan(mirrored, []);
    const { past } = mirrorRows(block, plan, () => true);
    assert.deepEqual([...past!.subarray(3, 6)], [block.past![4]!, block.past![3]!, -block.past![5]!]);
    assert.deepEqual(
      mirrorRows(
        mirrorRows(block, plan, () => true),
        plan,
        () => true,
      ).past,
      block.past,
    );
  });
});

describe('a policy with history', () => {
  let directory: string;
  let model: Uint8Array;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-history-'));
    const [trainPath, validationPath] = [join(directory, 'train.arrow'), join(directory, 'validation.arrow')];
    await writeArrowSet(trainPath, [pastRows(30, 1), pastRows(20, 2)]);
    await writeArrowSet(validationPath, [pastRows(20, 3)]);
    await writeArrowSet(join(directory, 'heldout.arrow'), [pastRows(30, 5)], [pastRows(30, 5).episodes]);
    model = await train({ history });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  let agreement = 0;
  async function train(changes: object): Promise<Uint8Array> {
    const trainer = onnxTrainer({ runtime, monotonicMs: () => performance.now() });
    const outcome = await trainer.train(
      {
        trainPath: join(directory, 'train.arrow'),
        validationPath: join(directory, 'validation.arrow'),
        trainRows: 500,
        validationRows: 200,
        robotType: type,
        settings: { hiddenWidths: [16], maxSteps: 400, evaluateEverySteps: 100, checkpointEverySteps: 1000 },
        seed: 1,
        checkpoints: { save: async () => undefined, latest: async () => undefined },
        scratchDirectory: directory,
        ...changes,
      },
      () => undefined,
    );
    agreement = outcome.validationAgreementFraction ?? 0;
    return readFile(outcome.modelPath);
  }
  const open = () => runtime.open(model);

  it('learns what only the past tells, repeatably, and reads it by a leading axis of time', async () => {
    assert.deepEqual(await train({ history }), model);
    assert.ok(agreement > 0.9, `${agreement}`);
    await train({});
    assert.ok(agreement < 0.7, `${agreement}`);
    const session = await open();
    assert.deepEqual(session.inputs.find(({ name }) => name === 'observation')?.shape.slice(1), [history, 3]);
    assert.equal(historyOf(session), history);
    assert.deepEqual(ioProblems(session, sizes), []);
    await session.close();
    await assert.rejects(train({ history: 4 }), /expected column past of at least 3 frames of 3 float32/);
  });

  it('is refused with a time axis that is none', async () => {
    const session = await open();
    const inputs = (shape: readonly (number | string)[]) =>
      session.inputs.map((port) => (port.name === 'observation' ? { ...port, shape } : port));
    for (const shape of [
      ['batch', 1, 3],
      ['batch', 65, 3],
      ['batch', 'frames', 3],
      ['batch', 3, 4],
      [1, 3, 3],
    ])
      assert.equal(ioProblems({ ...session, inputs: inputs(shape) }, sizes).length, 1, shape.join());
    await session.close();
  });

  it('passes the probe, with readings before that are of any kind', async () => {
    const facts = await probeModel({
      runtime,
      model,
      type,
      seed: 1,
      monotonicMs: () => performance.now(),
      progress: () => undefined,
    });
    assert.deepEqual([facts.history, facts.outputs?.badInputs, facts.singles?.differing], [history, 0, 0]);
    assert.deepEqual(facts.readingDependence, []);
  });

  it('is judged on held-out rows with their past beside a champion of the present alone, on the action that it would execute', async () => {
    const source = await openArrowRows(join(directory, 'heldout.arrow'), sizes, [], history);
    assert.equal(source.history, history);
    const [candidate, champion] = [await open(), await runtime.open(tinyPolicy(type, 1))];
    const judged = await evaluateHeldout({
      type,
      sizes,
      source,
      candidate,
      others: { champion },
      reference: 'champion',
      majorityLabel: 0,
      progress: () => undefined,
      monotonicMs: () => performance.now(),
    });
    assert.ok(judged.agreeingFrames > 0.9 * judged.frames, `${judged.agreeingFrames}`);
    assert.ok(judged.others['champion']!.agreeingFrames < 0.7 * judged.frames);
    assert.deepEqual([judged.singles.rows, judged.singles.differing], [300, 0]);
    const block = await source.read(0);
    const answers = await runPolicy(candidate, sizes, block.observation, block.task, undefined, block.past);
    const blind = await runPolicy(candidate, sizes, block.observation, block.task);
    assert.notDeepEqual(answers, blind, 'the past is what it answers by');
    assert.match(unseenBy(candidate, {}) ?? '', /expected a held-out set with a history of 3 frames, .* got one of 1/);
    assert.equal(unseenBy(candidate, { history: 5 }), undefined);
    for (const resource of [candidate, champion, source]) await resource.close();
  });

  it('starts warm from one of the same history alone', async () => {
    const { writeFile } = await import('node:fs/promises');
    const start = join(directory, 'start.onnx');
    await writeFile(start, model);
    const trainer = onnxTrainer({ runtime, monotonicMs: () => performance.now() });
    const job = {
      trainPath: join(directory, 'train.arrow'),
      validationPath: join(directory, 'validation.arrow'),
      trainRows: 500,
      validationRows: 200,
      robotType: type,
      settings: { hiddenWidths: [16], maxSteps: 5, evaluateEverySteps: 5 },
      seed: 1,
      startFromPath: start,
      checkpoints: { save: async () => undefined, latest: async () => undefined },
      scratchDirectory: directory,
    };
    assert.equal((await trainer.train({ ...job, history }, () => undefined)).warmStart, 'warm');
    assert.equal((await trainer.train({ ...job, history: 2 }, () => undefined)).warmStart, 'cold: another history');
    assert.equal((await trainer.train(job, () => undefined)).warmStart, 'cold: another history');
  });
});
