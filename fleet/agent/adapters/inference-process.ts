import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import type { Tensors } from '../../../policies/runtime.ts';
import { camerasSeenBy } from '../../../policies/seen-images.ts';
import type { PolicySession } from '../versions/policy-runtime.ts';
import { fedPicture, type PictureFeed } from '../versions/robot-images.ts';
import { dictionary } from '../../../domain/dictionary.ts';
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

/** Only a process whose model sees holds a decoder. */
const decoder = () => import('./sharp-pictures.ts');

interface Decoded {
  readonly feeds: Tensors;
  /** Of what is one of several images at once. */
  readonly scaled: ReadonlyMap<string, Uint8Array>;
}

async function decoded(pictures: readonly PictureFeed[]): Promise<Decoded> {
  const { scaledRgb } = await decoder();
  const all = await Promise.all(
    pictures.map(async (feed) => ({ feed, rgb: await scaledRgb(feed.image, feed.width, feed.height) })),
  );
  return {
    feeds: dictionary(all.map(({ feed, rgb }) => [feed.port, fedPicture(feed, rgb)] as const)),
    scaled: new Map(all.flatMap(({ feed, rgb }) => (feed.window === undefined ? [] : [[feed.port, rgb] as const]))),
  };
}

async function answer(request: InferenceRequest): Promise<InferenceAnswer> {
  const { id } = request;
  if (request.kind === 'open') {
    const { model, threads = 1 } = request;
    session = await onnxPolicyRuntime({ threads }).open('file' in model ? readFileSync(model.file) : model.bytes);
    if (camerasSeenBy(session).length > 0) await decoder();
    return { id, opened: { inputs: session.inputs, outputs: session.outputs } };
  }
  if (session === undefined) throw new Error('expected an opened model first');
  const { pictures = [] } = request;
  const feeds = request.kind === 'run' ? request.feeds : {};
  if (pictures.length === 0) return { id, results: await session.run(feeds), decodingMs: 0 };
  const startedMs = performance.now();
  let images: Decoded;
  try {
    images = await decoded(pictures);
  } catch (cause) {
    return { id, badImage: cause instanceof Error ? cause.message : String(cause) };
  }
  const decodingMs = performance.now() - startedMs;
  const results = request.kind === 'run' ? await session.run({ ...feeds, ...images.feeds }) : {};
  return { id, results, decodingMs, ...(images.scaled.size === 0 ? {} : { scaled: images.scaled }) };
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
