import type { GraphRuntime } from '../../policies/runtime.ts';
import { openOnnxChild } from './onnx-child-process.ts';

export interface OnnxRuntimeProcessOptions {
  readonly threads?: number;
  readonly memoryLimitMiB?: number;
  /** A single run that takes longer fails, and the session with it. */
  readonly runLimitMs?: number;
}

const openLimitMs = 120_000;

/**
 * GraphRuntime with a process for each session, for models that strangers made: what such a model does to its process is an
 * error of `open` or `run` here, never the end of the worker. After a failed run that was not the model's own answer the
 * process is gone, and every further run fails.
 */
export const onnxRuntimeProcess = ({
  threads = 1,
  runLimitMs = 60_000,
  ...limits
}: OnnxRuntimeProcessOptions = {}): GraphRuntime => ({
  async open(model) {
    const child = openOnnxChild(limits);
    try {
      const opened = await child.ask({ kind: 'open', model, threads }, { timeLimitMs: openLimitMs });
      if (opened.kind !== 'opened')
        throw new Error(opened.kind === 'failed' ? opened.reason : 'expected an open model');
      return {
        inputs: opened.inputs,
        outputs: opened.outputs,
        async run(feeds) {
          const answer = await child.ask({ kind: 'run', feeds }, { timeLimitMs: runLimitMs }).catch((error: Error) => {
            child.close();
            throw error;
          });
          if (answer.kind === 'results') return answer.results;
          throw new Error(answer.kind === 'failed' ? answer.reason : 'expected results of the model');
        },
        close: async () => child.close(),
      };
    } catch (error) {
      child.close();
      throw error;
    }
  },
});
