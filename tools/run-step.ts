import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { Report } from './tool-cache.ts';

const progressEveryMs = 15_000;
const keptOutputLength = 4_000;

export interface Step {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Said with the elapsed seconds every 15 s, e.g. `building temporal`. */
  readonly doing: string;
  /** Told each line that the program prints on its standard error and output. */
  readonly line?: (text: string) => void;
  /** Said after the elapsed seconds, e.g. `12 of 40 packages`. */
  readonly howFar?: () => string;
}

export interface StepResult {
  readonly exitCode: number | null;
  /** The last 4,000 characters of both streams. */
  readonly output: string;
  readonly elapsedSeconds: number;
}

/** Runs one program to its end without an input, saying now and then that it still runs; undefined when the program does not exist. */
export async function runStep(step: Step, report: Report): Promise<StepResult | undefined> {
  const startMs = performance.now();
  const elapsedSeconds = () => Math.round((performance.now() - startMs) / 1_000);
  const child = spawn(step.command, step.arguments, {
    cwd: step.folder,
    env: step.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-keptOutputLength);
      step.line?.(line);
    });
  const progress = setInterval(() => {
    const howFar = step.howFar === undefined ? '' : `, ${step.howFar()}`;
    report(`${step.doing}: ${elapsedSeconds()} s${howFar}`);
  }, progressEveryMs);
  try {
    return await new Promise<StepResult | undefined>((resolve, reject) => {
      child.once('error', (error) => ('code' in error && error.code === 'ENOENT' ? resolve(undefined) : reject(error)));
      child.once('close', (exitCode) => resolve({ exitCode, output, elapsedSeconds: elapsedSeconds() }));
    });
  } finally {
    clearInterval(progress);
  }
}
