import { fork } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { RobotType } from '../../datasets/robot-type.ts';
import { probeModel } from '../../policies/evaluation/probe-model.ts';
import type { AbsoluteFacts } from '../../policies/gates/index.ts';
import type { ModelProbe } from '../model-probe-port.ts';
import type { Progress } from '../ports.ts';
import { onnxRuntime } from './onnx-runtime.ts';

export interface OnnxProbeOptions {
  /** A model that is not through by then counts as one that hangs. */
  readonly timeLimitMs?: number;
}

interface Job {
  readonly modelPath: string;
  readonly type: RobotType;
}
type Message =
  | { readonly kind: 'progress'; readonly details: Readonly<Record<string, number>> }
  | { readonly kind: 'facts'; readonly facts: AbsoluteFacts };

const progressIntervalMs = 500;

/**
 * Probes a model in a process of its own, so that one that crashes or hangs the runtime takes that process down and not the
 * worker. Too large files are not loaded at all. Not covered: a model that asks for more memory than the machine has can
 * make the system end other processes before this one; limit the worker's memory (cgroup) where strangers' models are checked.
 * https://nodejs.org/api/child_process.html#child_processforkmodulepath-args-options
 */
export const onnxProbe = ({ timeLimitMs = 120_000 }: OnnxProbeOptions = {}): ModelProbe => ({
  async probe(modelPath, type, progress) {
    const { size: sizeBytes } = await stat(modelPath);
    if (sizeBytes > type.limits.maxModelSizeBytes) return { sizeBytes };
    const end = await runChild({ modelPath, type }, timeLimitMs, progress);
    if (typeof end !== 'string') return end;
    return { sizeBytes, load: { isLoaded: false, reason: end } };
  },
});

/** The facts, or in words how the process ended without them. */
function runChild(job: Job, timeLimitMs: number, progress: Progress): Promise<AbsoluteFacts | string> {
  const child = fork(fileURLToPath(import.meta.url), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let details: Readonly<Record<string, unknown>> = { stage: 'probing the model' };
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      clearInterval(watch);
      clearTimeout(limit);
      child.kill('SIGKILL');
      act();
    };
    const watch = setInterval(() => {
      try {
        progress(details);
      } catch (error) {
        finish(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    }, progressIntervalMs);
    const limit = setTimeout(
      () => finish(() => resolve(`it was not through after ${timeLimitMs / 1000} s`)),
      timeLimitMs,
    );
    child.on('message', (message: Message) => {
      if (message.kind === 'facts') finish(() => resolve(message.facts));
      else details = { stage: 'probing the model', ...message.details };
    });
    child.on('error', (error) => finish(() => reject(error)));
    child.on('exit', (code, signal) => finish(() => resolve(`the runtime's process ended with ${signal ?? code}`)));
    child.send(job);
  });
}

const answer = (message: Message): void => void process.send?.(message);

/** The child's side: one job, one answer. */
function serve(): void {
  process.on('disconnect', () => process.exit(1));
  process.once('message', (job: Job) => {
    void readFile(job.modelPath)
      .then((model) =>
        probeModel({
          runtime: onnxRuntime(),
          model,
          type: job.type,
          monotonicMs: () => performance.now(),
          progress: (details) => answer({ kind: 'progress', details }),
        }),
      )
      .then((facts) => answer({ kind: 'facts', facts }));
  });
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) serve();
