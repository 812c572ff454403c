import { commandTrainer } from '../activities/adapters/command-trainer.ts';
import { onnxTrainer } from '../activities/adapters/onnx-trainer.ts';
import { failure } from '../store/failures.ts';
import type { Trainers } from '../activities/ports/trainer.ts';
import type { GraphRuntime } from '../policies/runtime.ts';
import type { Settings } from './config.ts';
import { allowedCommand, type TrainerCommand } from './trainer-commands.ts';

/**
 * Both ways to train. A cycle's input may name a command, so only commands that the worker's own settings list are run, with
 * the environment that these settings give: who may start a workflow may not therefore run anything on the training machine,
 * nor see its secrets.
 */
export const openTrainers = (
  settings: Pick<Settings, 'trainerCommands'>,
  runtime: GraphRuntime,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Trainers => ({
  onnx: onnxTrainer({ runtime, monotonicMs: () => performance.now() }),
  command: (command) => {
    const allowed = allowedCommand(settings.trainerCommands, command);
    if (allowed !== undefined) return commandTrainer(command, { environment: environmentOf(allowed, environment) });
    const listed = settings.trainerCommands.map((known) => JSON.stringify(known.command)).join(', ') || 'none';
    throw failure(
      'TrainingImpossible',
      `expected a command that begins like one that FLYWHEEL_TRAINERS of the training worker lists (${listed}), got ${JSON.stringify(command).slice(0, 300)}`,
    );
  },
});

function environmentOf(
  { environment, inherit }: TrainerCommand,
  worker: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const taken = inherit.flatMap((name) => {
    const value = worker[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(taken), ...environment };
}
