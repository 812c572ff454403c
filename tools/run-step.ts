import { spawn } from 'node:child_process';

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
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-keptOutputLength);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const progress = setInterval(() => report(`${step.doing}: ${elapsedSeconds()} s`), progressEveryMs);
  try {
    return await new Promise<StepResult | undefined>((resolve, reject) => {
      child.once('error', (error) => ('code' in error && error.code === 'ENOENT' ? resolve(undefined) : reject(error)));
      child.once('close', (exitCode) => resolve({ exitCode, output, elapsedSeconds: elapsedSeconds() }));
    });
  } finally {
    clearInterval(progress);
  }
}
