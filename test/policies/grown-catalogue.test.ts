import assert from 'node:assert/strict';

import { taughtType } from '../../datasets/taught-type.ts';
import { taskCatalogue, type TaskRecord } from '../../datasets/task-catalogue.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { evaluateHeldout, type HeldoutInput } from '../../policies/evaluation/evaluate-heldout.ts';
import { exportPolicy, type PolicyParts } from '../../policies/export-policy.ts';
import { taskHarm } from '../../policies/gates/tasks.ts';
import { initialParameters, parameterLayout } from '../../policies/network.ts';
import { networkShape, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import type { RowBlock } from '../../policies/rows.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import type { GraphSession } from '../../policies/runtime.ts';
import { warmStart } from '../../policies/warm-start.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { runtime, sourceOf } from './tiny-training.ts';

const grown = (type: RobotType, ...ids: readonly string[]): RobotType => {
  const changes = ids.map((id) => ({ kind: 'add', id, instruction: id }) as const);
  const record: TaskRecord = { changes, atMs: 1, who: 'ada', why: 'a test' };
  return taughtType(type, 'p', taskCatalogue(type, [{ seq: 0, record }]));
};

const normalisation = { mean: Float32Array.of(0.1, -0.2, 0.3), scale: Float32Array.of(1.5, 0.7, 2) };

function partsOf(type: RobotType, seed: number, hiddenWidths = [6, 5]): PolicyParts {
  const shape = networkShape(policySizes(type)!, { hiddenWidths, taskEmbeddingSize: 4 });
  return { shape, parameters: initialParameters(shape, randomStream(seed, 'parts')), observation: normalisation };
}

async function answers(model: Uint8Array, type: RobotType, tasks: readonly number[]): Promise<Float32Array> {
  const random = randomStream(9, 'rows');
  const task = Int32Array.from({ length: 300 }, (_, row) => tasks[row % tasks.length] ?? 0);
  const observation = Float32Array.from({ length: 3 * task.length }, () => 4 * random() - 2);
  const session = await runtime.open(model);
  try {
    return await runPolicy(session, policySizes(type)!, observation, task);
  } finally {
    await session.close();
  }
}

const rowsOfEmbedding = ({ shape }: PolicyParts, parameters: Float32Array): number[][] => {
  const { start = 0, size = 0 } = parameterLayout(shape).find(({ name }) => name === 'task_embedding') ?? {};
  const width = shape.taskEmbeddingSize;
  const values = [...parameters.subarray(start, start + size)];
  return Array.from({ length: size / width }, (_, row) => values.slice(row * width, (row + 1) * width));
};

describe('a warm start across a catalogue that grew', () => {
  for (const [name, tasks] of [
    ['of two tasks', ['drive', 'park']],
    ['of one task, which has no embedding', ['drive']],
  ] as const)
    it(`answers for the tasks of before bit-equal to a model ${name}`, async () => {
      const before = testRobotType({ tasks: [...tasks] });
      const after = grown(before, 'dock', 'wait', 'turn');
      const model = exportPolicy(partsOf(before, 1), before);
      const target = partsOf(after, 2);
      const start = warmStart({ ...target, model, type: after, fresh: target.parameters });
      assert.equal(start.kind, 'warm');
      const next = exportPolicy({ ...target, parameters: (start as { parameters: Float32Array }).parameters }, after);
      const old = tasks.map((_, index) => index);
      assert.deepEqual(await answers(next, after, old), await answers(model, before, old));
    });

  it('starts every new task at the mean of those that the champion knew', () => {
    const before = testRobotType();
    const after = grown(before, 'dock', 'wait');
    const source = partsOf(before, 1);
    const target = partsOf(after, 2);
    warmStart({ ...target, model: exportPolicy(source, before), type: after, fresh: target.parameters });
    const [drive = [], park = []] = rowsOfEmbedding(source, source.parameters);
    const mean = drive.map((value, place) => Math.fround((value + (park[place] ?? 0)) / 2));
    assert.deepEqual(rowsOfEmbedding(target, target.parameters), [drive, park, mean, mean]);
  });

  it('starts all tasks at zero where the champion had no embedding', () => {
    const before = testRobotType({ tasks: ['drive'] });
    const after = grown(before, 'dock');
    const target = partsOf(after, 2);
    warmStart({ ...target, model: exportPolicy(partsOf(before, 1), before), type: after, fresh: target.parameters });
    assert.deepEqual(rowsOfEmbedding(target, target.parameters), [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });
});

describe('a champion that does not know a task', () => {
  const type = grown(testRobotType(), 'dock');
  const sizes = policySizes(type)!;
  /** Always the same action; fails on a task beyond those that it knows, as a model of fewer embeddings does. */
  const always = (action: number, knownTasks = 3): GraphSession => ({
    inputs: [
      { name: 'observation', type: 'float32', shape: ['batch', 3] },
      { name: 'task', type: 'int32', shape: ['batch'] },
    ],
    outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 3] }],
    async run(feeds) {
      const tasks = [...((feeds['task']?.data ?? []) as Int32Array)];
      if (tasks.some((task) => task >= knownTasks)) throw new Error('indices element out of data bounds');
      const data = Float32Array.from({ length: 3 * tasks.length }, (_, at) => (at % 3 === action ? 1 : 0));
      return { probabilities: { type: 'float32', data, shape: [tasks.length, 3] } };
    },
    close: async () => undefined,
  });
  const block = (task: readonly number[]): RowBlock => ({
    rows: task.length,
    observation: new Float32Array(3 * task.length),
    label: new Int32Array(task.length),
    task: Int32Array.from(task),
    weight: new Float32Array(task.length).fill(1),
  });
  // Two episodes of each task, two frames each: drive, dock, park, dock, drive, park.
  const tasks = [0, 0, 2, 2, 1, 1, 2, 2, 0, 0, 1, 1];
  const judged = (more: Partial<HeldoutInput> = {}) =>
    evaluateHeldout({
      type,
      sizes,
      source: {
        ...sourceOf(block(tasks)),
        episodes: async () => Int32Array.from(tasks, (_, row) => Math.floor(row / 2)),
        robots: async () => Int32Array.from(tasks, () => 0),
      },
      candidate: always(1),
      others: { champion: always(0, 2), linear: always(0) },
      reference: 'champion',
      knownTasks: { champion: 2 },
      majorityLabel: 0,
      progress: () => undefined,
      monotonicMs: () => 0,
      ...more,
    });

  it('is not asked about it, and is not held against the candidate there', async () => {
    const outcome = await judged();
    assert.deepEqual([outcome.frames, outcome.episodes], [12, 6]);
    const { champion, linear } = outcome.others;
    assert.deepEqual([champion?.sums.frames, champion?.sums.episodes, champion?.agreeingFrames], [8, 4, 8]);
    assert.deepEqual([linear?.sums.frames, linear?.sums.episodes, linear?.agreeingFrames], [12, 6, 12]);
    assert.deepEqual(
      outcome.tasks.map(({ task, episodes, unknownTo, discordant, agreement }) => [
        task,
        episodes,
        unknownTo,
        discordant['champion']?.onlyOld,
        agreement['champion']?.episodes,
      ]),
      [
        ['drive', 2, [], 2, 2],
        ['park', 2, [], 2, 2],
        ['dock', 2, ['champion'], 0, 0],
      ],
    );
    assert.deepEqual(outcome.robots, [
      { robot: 0, episodes: 6, frames: 12, agreeingFrames: 0, referenceFrames: 8, comparedFrames: 8 },
    ]);
    assert.deepEqual(outcome.labels[0]?.recall?.sums, [0, 8, 8, 8]);
    assert.equal(outcome.labels[0]?.frames, 12);
  });

  it('fails when it is asked all the same: the test above tests something', async () => {
    await assert.rejects(judged({ knownTasks: {} }), /out of data bounds/);
  });

  it('leaves a new task out of the gate that looks for forgotten ones', () => {
    const task = (name: string, isNew: boolean) => ({
      task: name,
      episodes: 40,
      onlyNewEpisodes: 0,
      onlyOldEpisodes: 12,
      trafficFraction: 0.5,
      ...(isNew ? { isNew } : {}),
    });
    assert.equal(taskHarm([task('drive', false)]).outcome, 'fail');
    assert.equal(taskHarm([task('dock', true)]).outcome, 'pass');
  });
});
