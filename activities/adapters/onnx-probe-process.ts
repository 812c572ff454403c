import { randomInt } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

import type { ModelProbe } from '../ports/model-probe.ts';
import { openOnnxChild } from './onnx-child-process.ts';

export interface OnnxProbeOptions {
  /** A model that is not through by then counts as one that hangs. */
  readonly timeLimitMs?: number;
  readonly memoryLimitMiB?: number;
  /** Of the inputs that are tried; default: one that nobody knows beforehand. The facts name it. */
  readonly seed?: number;
}

const defaultLimitMs = 120_000;
/** A thousand answers of a model that sees, below 200 ms each, and what is asked besides. */
const seeingLimitMs = 300_000;
const progressIntervalMs = 500;

/** Probes a model in a process of its own, with limits on time and memory. Too large files are not loaded at all. */
export const onnxProbe = ({ timeLimitMs: given, seed, ...limits }: OnnxProbeOptions = {}): ModelProbe => ({
  async probe(modelPath, type, progress) {
    const timeLimitMs = given ?? (type.cameras === undefined ? defaultLimitMs : seeingLimitMs);
    const { size: sizeBytes } = await stat(modelPath);
    if (sizeBytes > type.limits.maxModelSizeBytes) return { sizeBytes };
    const model = await readFile(modelPath);
    let details: object = {};
    const child = openOnnxChild(limits);
    const stopped = watch(() => progress({ stage: 'probing the model', ...details }));
    try {
      const job = { kind: 'probe', model, type, seed: seed ?? randomInt(2 ** 31) } as const;
      const onProgress = (heard: object): void => {
        details = heard;
      };
      const answer = await Promise.race([
        stopped.happened,
        child
          .ask(job, { timeLimitMs, onProgress })
          .catch((error: Error) => ({ kind: 'failed', reason: error.message }) as const),
      ]);
      if (answer.kind === 'facts') return answer.facts;
      const reason = answer.kind === 'failed' ? answer.reason : `it answered ${answer.kind}`;
      return { sizeBytes, load: { isLoaded: false, reason } };
    } finally {
      stopped.close();
      child.close();
    }
  },
});

/** Calls `tick` now and then; `happened` rejects with what it throws. */
function watch(tick: () => void): { readonly happened: Promise<never>; close(): void } {
  let timer: NodeJS.Timeout | undefined;
  const happened = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      try {
        tick();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }, progressIntervalMs);
  });
  return { happened, close: () => clearInterval(timer) };
}
