import { readFileSync } from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';

/** A command that may train, and what it sees of the worker's environment. */
export interface TrainerCommand {
  /** A cycle's command begins with these words, exactly; what follows are its own arguments. */
  readonly command: readonly string[];
  /** Variables of the program. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of variables that it takes over from the worker. */
  readonly inherit: readonly string[];
}

const word = z.string().min(1).max(4096);
const variable = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable');

const documentSchema = z.strictObject({
  trainers: z
    .array(
      z.strictObject({
        command: z.array(word).min(1).max(64),
        environment: z.record(variable, z.string()).default({}),
        inherit: z.array(variable).default([]),
      }),
    )
    .max(100),
});

/** Programs that run whatever their arguments say; allowed only together with what they run. */
const interpreters =
  /^(python[\d.]*|pypy[\d.]*|node|nodejs|deno|bun|tsx|npx|npm|pnpm|yarn|(ba|da|z|k|c|tc|fi)?sh|busybox|perl[\d.]*|ruby[\d.]*|lua[\d.]*|php[\d.]*|R|Rscript|julia|java|env|sudo|su|doas|xargs|nice|nohup|timeout|setsid|stdbuf|time|ssh|uv|uvx|pipx|poetry|conda|mamba|micromamba|torchrun|accelerate|deepspeed|mpirun|mpiexec|srun|sbatch|docker|podman|make|find|awk|sed|gdb|strace|systemd-run)(\.exe)?$/i;

const runsAnything = ([program = '', ...rest]: readonly string[]): boolean =>
  interpreters.test(path.basename(program)) && rest.every((argument) => argument.startsWith('-'));

const advice = (program: string): string =>
  `expected a whole command, got ${JSON.stringify(program)} alone, which runs whatever a cycle's input says; list it with what it runs in the file that FLYWHEEL_TRAINERS names: {"trainers": [{"command": [${JSON.stringify(program)}, "/opt/trainer/train.py"]}]}`;

/**
 * The commands that may train: those of the settings document, and the programs of the older list, which are whole commands by
 * themselves. Throws an error with the name of the setting for a document that cannot be read, or an interpreter named alone.
 */
export function readTrainerCommands(documentPath: string | undefined, programs: string): readonly TrainerCommand[] {
  const listed = programs
    .split(',')
    .map((program) => program.trim())
    .filter((program) => program !== '')
    .map((program) => ({ command: [program], environment: {}, inherit: [] }));
  const named = documentPath === undefined ? [] : readDocument(documentPath);
  for (const [setting, commands] of [
    ['FLYWHEEL_TRAINER_PROGRAMS', listed],
    ['FLYWHEEL_TRAINERS', named],
  ] as const)
    for (const { command } of commands)
      if (runsAnything(command)) throw new Error(`settings: ${setting}: ${advice(command.join(' '))}`);
  return [...named, ...listed];
}

function readDocument(documentPath: string): readonly TrainerCommand[] {
  const where = `settings: FLYWHEEL_TRAINERS: ${documentPath}`;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(documentPath, 'utf8'));
  } catch (cause) {
    throw new Error(
      `${where}: expected a JSON file, got ${cause instanceof SyntaxError ? 'something else' : (cause as Error).message}`,
      { cause },
    );
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) throw new Error(`${where}: ${describeIssues(parsed.error)}`);
  return parsed.data.trainers;
}

/** The listed command that the asked one begins with, the longest of several. */
export const allowedCommand = (
  listed: readonly TrainerCommand[],
  asked: readonly string[],
): TrainerCommand | undefined =>
  listed
    .filter(({ command }) => command.every((word, index) => asked[index] === word))
    .toSorted((a, b) => b.command.length - a.command.length)[0];

/** What the program of a listed command sees: its own variables, and those it takes over from the worker. */
export function environmentOf(
  { environment, inherit }: TrainerCommand,
  worker: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const taken = inherit.flatMap((name) => {
    const value = worker[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(taken), ...environment };
}
