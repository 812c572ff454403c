import { commandTrainer } from '../activities/adapters/command-trainer.ts';
import { onnxTrainer } from '../activities/adapters/onnx-trainer.ts';
import { failure } from '../activities/failures.ts';
import type { Trainers } from '../activities/trainer-port.ts';
import type { GraphRuntime } from '../policies/runtime.ts';
import type { Settings } from './config.ts';

/**
 * Both ways to train. A cycle's input may name a program, so only programs that the worker's own settings list are run:
 * who may start a workflow may not therefore run anything on the training machine.
 */
export const openTrainers = (settings: Pick<Settings, 'trainerPrograms'>, runtime: GraphRuntime): Trainers => ({
  onnx: onnxTrainer({ runtime, monotonicMs: () => performance.now() }),
  command: (command) => {
    const [program = ''] = command;
    if (settings.trainerPrograms.includes(program)) return commandTrainer(command);
    const listed = settings.trainerPrograms.join(', ') || 'none';
    throw failure(
      'TrainingImpossible',
      `expected a program that FLYWHEEL_TRAINER_PROGRAMS of the training worker lists (${listed}), got ${program}`,
    );
  },
});
