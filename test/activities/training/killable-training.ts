import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../../activities/adapters/onnx-trainer.ts';
import { storedCheckpoints } from '../../../activities/training/training-run.ts';
import { testRobotType } from './arrow-sets.ts';

/** One training in a process that may be killed: tells its parent every step it is at, leaves `model.onnx` in its folder. */
const [folder = '', trainPath = '', validationPath = ''] = process.argv.slice(2);
const scratchDirectory = join(folder, 'scratch');
await mkdir(scratchDirectory, { recursive: true });
const outcome = await onnxTrainer({ runtime: onnxRuntime(), monotonicMs: () => performance.now() }).train(
  {
    trainPath,
    validationPath,
    trainRows: 700,
    validationRows: 100,
    robotType: testRobotType(),
    settings: { hiddenWidths: [16], batchSize: 32, maxSteps: 400, evaluateEverySteps: 40, checkpointEverySteps: 50 },
    seed: 11,
    checkpoints: storedCheckpoints(fileObjectStore({ root: join(folder, 'store') }), 'run'),
    scratchDirectory,
  },
  ({ step = 0 }) => void process.send?.(step),
);
await copyFile(outcome.modelPath, join(folder, 'model.onnx'));
process.disconnect?.();
