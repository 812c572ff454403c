import { spawn, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import type { CurvePoint } from '../../policies/checkpoint.ts';
import { failure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import {
  impossibleExitCode,
  parseTrainerLine,
  type TrainerJobFile,
  type TrainerLine,
} from '../training/trainer-messages.ts';
import type { Trainer, TrainingJob, TrainingOutcome } from '../ports/trainer.ts';
import { writeJob } from './trainer-job.ts';

export interface CommandTrainerOptions {
  /** All the program sees of an environment, beside `PATH`, `HOME` and `TMPDIR`, which it may override. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that prints no line of the contract for so long counts as hanging and is ended. */
  readonly silenceLimitMs?: number;
  /** Between asking the program to end and ending it. */
  readonly graceMs?: number;
}

const watchIntervalMs = 500;
const errorTailBytes = 4096;
const systemPath = '/usr/local/bin:/usr/bin:/bin';

/** What the program has said so far. */
interface Conversation {
  readonly curve: CurvePoint[];
  done: Extract<TrainerLine, { event: 'done' }> | undefined;
  last: Readonly<Record<string, unknown>>;
  planned: { readonly maxSteps?: number };
  lastLineMs: number;
}

/**
 * Trains by any program that keeps to the contract of docs/training.md. The program runs in the folder of its job, without the
 * worker's environment, as the head of a process group of its own, so that ending it ends its helpers; its standard input closes when this worker dies, which tells it to end by itself.
 * https://nodejs.org/api/child_process.html#optionsdetached
 */
export const commandTrainer = (command: readonly string[], options: CommandTrainerOptions = {}): Trainer => ({
  async train(job, progress) {
    const { jobFile, jobPath } = await writeJob(job);
    const conversation: Conversation = {
      curve: [],
      done: undefined,
      last: { stage: 'starting' },
      planned: {},
      lastLineMs: performance.now(),
    };
    await runProgram([...command, jobPath], conversation, job, progress, options);
    return outcomeOf(conversation, jobFile, command);
  },
});

async function runProgram(
  command: readonly string[],
  conversation: Conversation,
  job: TrainingJob,
  progress: Progress,
  { environment = {}, silenceLimitMs = 600_000, graceMs = 2000 }: CommandTrainerOptions,
): Promise<void> {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, {
    detached: true,
    cwd: job.scratchDirectory,
    env: { PATH: systemPath, HOME: job.scratchDirectory, TMPDIR: job.scratchDirectory, ...environment },
    stdio: 'pipe',
  });
  const errors = tailOf(child);
  let stopped: Error | undefined;
  let force: NodeJS.Timeout | undefined;
  const stop = (reason: Error): void => {
    if (stopped !== undefined) return;
    stopped = reason;
    signalGroup(child, 'SIGTERM');
    force = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  };
  const watch = setInterval(() => {
    try {
      progress({ stage: 'training', ...conversation.last });
    } catch (error) {
      stop(error instanceof Error ? error : new Error(String(error)));
    }
    if (performance.now() - conversation.lastLineMs > silenceLimitMs)
      stop(
        failure('TrainerFailed', `expected a line at least every ${silenceLimitMs / 1000} s, got none`, where(command)),
      );
  }, watchIntervalMs);
  try {
    const ended = exitOf(child, command);
    const reading = readLines(child, conversation, job).catch((error: unknown) => {
      stop(failure('TrainerFailed', (error as Error).message, { cause: error, ...where(command) }));
    });
    const [{ code, signal }] = await Promise.all([ended, reading]);
    if (stopped !== undefined) throw stopped;
    if (code === 0) return;
    const text = `the training program ended with ${signal ?? code}: ${errors().trim() || 'it said nothing on stderr'}`;
    throw failure(code === impossibleExitCode ? 'TrainingImpossible' : 'TrainerFailed', text, where(command));
  } finally {
    clearInterval(watch);
    clearTimeout(force);
  }
}

const where = (command: readonly string[]) => ({ coordinates: { command: command.join(' ') } });

function exitOf(
  child: ChildProcess,
  command: readonly string[],
): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(
        failure('TrainingImpossible', `expected a program that can be started, got ${cause.message}`, {
          cause,
          ...where(command),
        }),
      ),
    );
    child.on('exit', () => signalGroup(child, 'SIGKILL'));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Handles line after line: while a checkpoint is being stored the program may go on, but its next lines wait. */
async function readLines(child: ChildProcess, conversation: Conversation, job: TrainingJob): Promise<void> {
  if (child.stdout === null) return;
  let lost: Error | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = parseTrainerLine(text);
    if (line === undefined) continue;
    conversation.lastLineMs = performance.now();
    switch (line.event) {
      case 'progress':
        if (line.maxSteps !== undefined) conversation.planned = { maxSteps: line.maxSteps };
        conversation.last = { ...conversation.planned, step: line.step };
        break;
      case 'evaluation': {
        const { step, trainLoss, validationLoss, validationAgreementFraction } = line;
        conversation.curve.push({ step, trainLoss, validationLoss, validationAgreementFraction });
        conversation.last = { ...conversation.planned, step, validationLoss };
        break;
      }
      case 'checkpoint':
        lost = await saveUnlessGone(job, line);
        break;
      case 'done':
        conversation.done = line;
    }
  }
  if (lost !== undefined) throw lost;
}

/** A program keeps its newest checkpoints only: one that is gone when its turn comes is no failure if a later one can be stored. */
async function saveUnlessGone(
  job: TrainingJob,
  { step, path }: Extract<TrainerLine, { event: 'checkpoint' }>,
): Promise<Error | undefined> {
  try {
    await job.checkpoints.save(step, { filePath: path });
    return undefined;
  } catch (error) {
    const isThere = await stat(path).catch(() => undefined);
    if (isThere !== undefined || !(error instanceof Error)) throw error;
    return error;
  }
}

async function outcomeOf(
  { curve, done }: Conversation,
  { modelPath }: TrainerJobFile,
  command: readonly string[],
): Promise<TrainingOutcome> {
  const written = await stat(modelPath).catch(() => undefined);
  if (done === undefined || written === undefined)
    throw failure(
      'TrainerFailed',
      `expected a line "done" and a model at modelPath from a program that ends with 0, got ${done === undefined ? 'no line' : 'no model'}`,
      where(command),
    );
  const { steps, validationLoss, validationAgreementFraction, settings, warmStart, dataWaitFraction } = done;
  return {
    modelPath,
    steps,
    validationLoss,
    validationAgreementFraction,
    curve,
    settings,
    ...(warmStart === undefined ? {} : { warmStart }),
    ...(dataWaitFraction === undefined ? {} : { dataWaitFraction }),
  };
}

/** The last of what the program writes to stderr. */
function tailOf(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-errorTailBytes);
  });
  return () => tail;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
