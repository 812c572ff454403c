import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import type { PolicySession } from '../versions/policy-runtime.ts';
import type { InferenceAnswer, InferenceRequest } from './inference-messages.ts';
import { onnxPolicyRuntime } from './onnx-runtime.ts';

/**
 * The process that runs one model for an agent. Its agent kills it when it does not answer in time; when the agent is gone, it
 * ends itself, even in the middle of a run that never ends: a thread waits for the end of its standard input.
 */
const endWithAgent = `
  const bytes = Buffer.alloc(64);
  try { while (require('node:fs').readSync(0, bytes) > 0); } catch {}
  process.kill(process.pid, 'SIGKILL');
`;
new Worker(endWithAgent, {
  eval: true,
  resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1, codeRangeSizeMb: 8 },
}).unref();

let session: PolicySession | undefined;

async function answer(request: InferenceRequest): Promise<InferenceAnswer> {
  const { id } = request;
  if (request.kind === 'open') {
    const { model } = request;
    session = await onnxPolicyRuntime().open('file' in model ? readFileSync(model.file) : model.bytes);
    return { id, opened: { inputs: session.inputs, outputs: session.outputs } };
  }
  if (session === undefined) throw new Error('expected an opened model first');
  return { id, results: await session.run(request.feeds) };
}

async function obey(request: InferenceRequest): Promise<void> {
  let answered: InferenceAnswer;
  try {
    answered = await answer(request);
  } catch (cause) {
    answered = { id: request.id, error: cause instanceof Error ? cause.message : String(cause) };
  }
  process.send?.(answered);
}

process.on('message', (request: InferenceRequest) => void obey(request));
process.on('disconnect', () => process.exit(0));
