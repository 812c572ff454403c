import { readFile } from 'node:fs/promises';

import type { RobotType } from '../../datasets/robot-type.ts';
import type { GraphRuntime, GraphSession } from '../../policies/runtime.ts';
import type { OpenRows } from '../ports/rows.ts';
import type { Progress } from '../ports/progress.ts';
import type { Trainers } from '../ports/trainer.ts';

interface LinearPorts {
  readonly runtime: GraphRuntime;
  readonly trainers: Trainers;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

/** What the candidate was trained on, opened. */
export interface Training {
  readonly rows: Awaited<ReturnType<OpenRows>>;
  readonly trainPath: string;
  readonly validationPath: string;
  readonly validationRows: number;
}

export interface LinearBaseline {
  readonly session?: GraphSession;
  readonly notes: readonly string[];
}

const linearSteps = 4000;
export const noTraining = { notes: ['no training set: neither a linear nor a majority baseline'] } as const;

/** Softmax or least-squares regression on the same training set, for the report; deterministic; left out with a note when it cannot be trained. */
export async function trainLinear(
  ports: LinearPorts,
  robotType: RobotType,
  training: Training,
): Promise<LinearBaseline> {
  try {
    const { modelPath } = await ports.trainers.onnx.train(
      {
        trainPath: training.trainPath,
        validationPath: training.validationPath,
        trainRows: training.rows.blockRows.reduce((sum, rows) => sum + rows, 0),
        validationRows: training.validationRows,
        robotType,
        settings: { hiddenWidths: [], maxSteps: linearSteps, patienceEvaluations: linearSteps, weightDecay: 0 },
        seed: 1,
        checkpoints: { save: async () => undefined, latest: async () => undefined },
        scratchDirectory: ports.scratchDirectory,
      },
      ports.progress,
    );
    return { session: await ports.runtime.open(await readFile(modelPath)), notes: [] };
  } catch (error) {
    if (!(error instanceof Error) || !('type' in error) || error.type !== 'TrainingImpossible') throw error;
    return { notes: [`no linear baseline: ${error.message}`] };
  }
}
