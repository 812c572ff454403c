import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openArrowRows } from '../../../activities/adapters/arrow-row-source.ts';
import { commandTrainer } from '../../../activities/adapters/command-trainer.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../../activities/adapters/onnx-trainer.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { probeModel } from '../../../policies/evaluation/probe-model.ts';
import { readFile } from 'node:fs/promises';
import { learnableRows } from '../../policies/tiny-training.ts';
import { testRobotType } from './arrow-sets.ts';
import { storeSets } from './stored-sets.ts';

const monotonicMs = (): number => performance.now();

/** Real adapters on a store in memory, with small learnable sets of `testRobotType` in it. */
export async function trainingWorld(type: RobotType = testRobotType()) {
  const scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-training-'));
  const runtime = onnxRuntime();
  const store = memoryObjectStore();
  const episodes = Int32Array.from({ length: 1200 }, (_, row) => Math.floor(row / 20));
  const heldout = learnableRows(1200, 3);
  /* One task an episode, as robots work. */
  heldout.task.forEach((_, row) => (heldout.task[row] = (episodes[row] ?? 0) % 2));
  heldout.label.forEach((_, row) => {
    const sum = (heldout.observation[3 * row] ?? 0) + (heldout.observation[3 * row + 1] ?? 0);
    heldout.label[row] = heldout.task[row] === 1 ? 2 : sum > 0 ? 1 : 0;
  });
  const digests = await storeSets(store, type, {
    train: [learnableRows(400, 1), learnableRows(200, 4)],
    validation: [learnableRows(150, 2)],
    heldout: [heldout],
    episodes: [episodes],
  });
  const ports = {
    store,
    runtime,
    openRows: openArrowRows,
    trainers: {
      onnx: onnxTrainer({ runtime, monotonicMs }),
      command: (command: readonly string[]) => commandTrainer(command),
    },
    probe: {
      probe: async (path: string, robotType: RobotType) =>
        probeModel({
          runtime,
          model: await readFile(path),
          type: robotType,
          seed: 1,
          monotonicMs,
          progress: () => undefined,
        }),
    },
    progress: () => undefined,
    scratchDirectory,
  };
  const robotType = { id: type.id, version: type.version };
  return {
    ...digests,
    store,
    type,
    robotType,
    ports,
    close: () => rm(scratchDirectory, { recursive: true, force: true }),
  };
}

/** Settings that train in a moment. */
export const quick = {
  hiddenWidths: [8],
  learningRate: 0.03,
  batchSize: 32,
  maxSteps: 300,
  evaluateEverySteps: 20,
  patienceEvaluations: 100,
  checkpointEverySteps: 50,
} as const;
