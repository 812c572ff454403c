import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../../activities/adapters/onnx-trainer.ts';
import { isFailure } from '../../../store/failures.ts';
import { storedCheckpoints } from '../../../activities/training/training-run.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { RowBlock } from '../../../policies/rows.ts';
import { learnableRows } from '../../policies/tiny-training.ts';
import { testRobotType, writeArrowSet } from './arrow-sets.ts';

const child = fileURLToPath(new URL('killable-training.ts', import.meta.url));

describe('the embedded trainer', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-onnx-trainer-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const train = async (
    train: RowBlock,
    validation: RowBlock,
    { type = testRobotType(), settings = {} }: { type?: RobotType; settings?: Readonly<Record<string, unknown>> } = {},
  ) => {
    const [trainPath, validationPath] = [join(directory, 'train.arrow'), join(directory, 'validation.arrow')];
    await writeArrowSet(trainPath, [train]);
    await writeArrowSet(validationPath, [validation]);
    return onnxTrainer({ runtime: onnxRuntime(), monotonicMs: () => performance.now() }).train(
      {
        trainPath,
        validationPath,
        trainRows: train.rows,
        validationRows: validation.rows,
        robotType: type,
        settings: { hiddenWidths: [4], maxSteps: 20, evaluateEverySteps: 10, ...settings },
        seed: 1,
        checkpoints: { save: async () => undefined, latest: async () => undefined },
        scratchDirectory: directory,
      },
      () => undefined,
    );
  };

  it('killed at any moment and started again ends bit-identical to a training that ran through', async function () {
    this.timeout(120_000);
    const [trainPath, validationPath] = [join(directory, 'train.arrow'), join(directory, 'validation.arrow')];
    await writeArrowSet(trainPath, [learnableRows(700, 1)]);
    await writeArrowSet(validationPath, [learnableRows(100, 2)]);
    /** Runs the training in a process of its own; kills it once it is at `killAtStep`. */
    const run = (name: string, killAtStep: number): Promise<number | string | null> =>
      new Promise((resolve, reject) => {
        const worker = fork(child, [join(directory, name), trainPath, validationPath], { stdio: 'inherit' });
        worker.on('message', (step: number) => {
          if (step >= killAtStep) worker.kill('SIGKILL');
        });
        worker.on('error', reject);
        worker.on('exit', (code, signal) => resolve(signal ?? code));
      });
    assert.equal(await run('whole', Infinity), 0);
    assert.equal(await run('killed', 120), 'SIGKILL');
    const saved = await storedCheckpoints(
      fileObjectStore({ root: join(directory, 'killed', 'store') }),
      'run',
    ).latest();
    assert.ok(saved !== undefined && saved.step >= 50 && saved.step < 400, `${saved?.step}`);
    assert.equal(await run('killed', 260), 'SIGKILL');
    assert.equal(await run('killed', Infinity), 0);
    const [whole, resumed] = await Promise.all(
      ['whole', 'killed'].map((name) => readFile(join(directory, name, 'model.onnx'))),
    );
    assert.deepEqual(resumed, whole);
  });

  it('says that nothing can be learned without rows, without validation, or without actions', async () => {
    const [rows, none] = [learnableRows(50, 1), learnableRows(0, 1)];
    const impossible = (work: Promise<unknown>, text: RegExp) =>
      assert.rejects(work, (error: Error) => {
        assert.ok(isFailure(error, 'TrainingImpossible'), String(error));
        assert.match(error.message, text);
        return true;
      });
    await impossible(train(none, rows), /got 0 and 50/);
    await impossible(train(rows, none), /got 50 and 0/);
    await impossible(train(rows, rows, { type: testRobotType({ actions: { kind: 'none' } }) }), /without/);
  });

  it('refuses readings that are no numbers, and labels or tasks that do not exist', async () => {
    const rows = learnableRows(50, 1);
    const [nan, label, task] = [learnableRows(50, 1), learnableRows(50, 1), learnableRows(50, 1)];
    nan.observation[4] = Number.NaN;
    (label.label as Int32Array)[3] = 3;
    task.task[2] = -1;
    await assert.rejects(train(nan, rows), (error) => isFailure(error, 'TrainingImpossible'));
    await assert.rejects(train(label, rows), /expected label from 0 to below 3, got 3 at row 3/);
    await assert.rejects(train(task, rows), /expected task from 0 to below 2, got -1 at row 2/);
  });

  it('refuses a set with other columns than the robot type has', async () => {
    const rows = learnableRows(50, 1);
    const wide = { ...rows, observation: new Float32Array(50 * 4) };
    await assert.rejects(train(wide, rows), (error) => isFailure(error, 'CorruptData'));
    const continuous = { ...rows, label: new Float32Array(50) };
    await assert.rejects(train(continuous, rows), /expected column label/);
  });

  it('names settings it does not know', async () => {
    const rows = learnableRows(50, 1);
    await assert.rejects(train(rows, rows, { settings: { depth: 3 } }), /depth/);
  });

  it('tells how long it waited for data', async () => {
    const { dataWaitFraction } = await train(learnableRows(500, 1), learnableRows(50, 1));
    assert.ok(dataWaitFraction !== undefined && dataWaitFraction >= 0 && dataWaitFraction < 1);
  });
});
