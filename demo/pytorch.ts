import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { toolPath } from '../tools/tool.ts';
import type { TrainerCommand } from '../workers/trainer-commands.ts';

const source = fileURLToPath(new URL('../trainers/pytorch/src', import.meta.url));

/** `trainers/pytorch`, as training workers of an installation may run it. Installs PyTorch once, on the CPU. */
export const pytorchTrainer = async (): Promise<TrainerCommand> => pytorchOf(await toolPath('python-torch'));

/** The same by a Python that has it. */
export const pytorchOf = (python: string): TrainerCommand => ({
  command: [python, '-m', 'flywheel_pytorch'],
  // Two threads that wait for each other on two busy cores take five times as long.
  environment: { PYTHONPATH: source, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' },
  inherit: [],
});

/** Writes the document that says which programs may train; gives the setting that names it to workers. */
export function allowTrainers(
  stateDirectory: string,
  trainers: readonly TrainerCommand[],
): Readonly<Record<'FLYWHEEL_TRAINERS', string>> {
  const file = path.join(stateDirectory, 'trainers.json');
  writeFileSync(file, `${JSON.stringify({ trainers }, undefined, 2)}\n`, { mode: 0o600 });
  return { FLYWHEEL_TRAINERS: file };
}
