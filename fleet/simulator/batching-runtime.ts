import { createHash } from 'node:crypto';

import type { GraphRuntime, GraphSession, Tensor, Tensors } from '../../policies/runtime.ts';
import {
  fedPicture,
  type PictureFeed,
  type PolicySession,
  type SeeingResults,
  type UnscaledImage,
} from '../agent/index.ts';

/** An image as RGB of exactly this size, as a robot scales what its policy sees. */
export type ImageScaler = (image: UnscaledImage, width: number, height: number) => Promise<Uint8Array>;

interface Waiting {
  readonly feeds: Tensors;
  readonly resolve: (results: Tensors) => void;
  readonly reject: (cause: unknown) => void;
}

interface SharedModel {
  readonly session: GraphSession;
  readonly run: (feeds: Tensors) => Promise<Tensors>;
  users: number;
}

export interface BatchingRuntime {
  open(model: Uint8Array): Promise<PolicySession>;
  /** Of a model that is open; 0 of any other. */
  sizeBytes(sha256: string): number;
}

/**
 * One loaded model for all robots that run it: what they ask in the same turn of the event loop becomes one call, rows one
 * after the other. Every input and output must have the batch as its first dimension. Without a scaler it takes images of the learned size only.
 */
export function batchingRuntime(runtime: GraphRuntime, scale?: ImageScaler): BatchingRuntime {
  const models = new Map<string, Promise<SharedModel>>();
  const sizes = new Map<string, number>();

  async function shared(model: Uint8Array): Promise<{ readonly key: string; readonly model: SharedModel }> {
    const key = createHash('sha256').update(model).digest('hex');
    const opening = models.get(key) ?? openShared(runtime, model);
    models.set(key, opening);
    sizes.set(key, model.length);
    try {
      return { key, model: await opening };
    } catch (cause) {
      models.delete(key);
      throw cause;
    }
  }

  return {
    sizeBytes: (sha256) => sizes.get(sha256) ?? 0,
    async open(bytes) {
      const { key, model } = await shared(bytes);
      model.users += 1;
      let isOpen = true;
      return {
        inputs: model.session.inputs,
        outputs: model.session.outputs,
        run: (feeds) => model.run(feeds),
        ...(scale === undefined
          ? {}
          : {
              runSeeing: (feeds, pictures) => runSeeing(model, scale, feeds, pictures),
              scale: async (pictures) => ({ scaled: (await scaledBy(scale, pictures)).scaled, decodingMs: 0 }),
            }),
        async close() {
          if (!isOpen) return;
          isOpen = false;
          model.users -= 1;
          if (model.users > 0) return;
          models.delete(key);
          sizes.delete(key);
          await model.session.close();
        },
      };
    },
  };
}

async function openShared(runtime: GraphRuntime, model: Uint8Array): Promise<SharedModel> {
  const session = await runtime.open(model);
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    void runTogether(session, batch);
  };
  return {
    session,
    users: 0,
    run: (feeds) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ feeds, resolve, reject });
      }),
  };
}

/** How long scaling takes here says nothing about a robot, as with the decision itself. */
async function scaledBy(scale: ImageScaler, pictures: readonly PictureFeed[]) {
  const all = await Promise.all(
    pictures.map(async (feed) => ({ feed, rgb: await scale(feed.image, feed.width, feed.height) })),
  );
  return {
    feeds: Object.fromEntries(all.map(({ feed, rgb }) => [feed.port, fedPicture(feed, rgb)])),
    scaled: new Map(all.map(({ feed, rgb }) => [feed.port, rgb])),
  };
}

async function runSeeing(
  model: SharedModel,
  scale: ImageScaler,
  feeds: Tensors,
  pictures: readonly PictureFeed[],
): Promise<SeeingResults> {
  const { feeds: seen, scaled } = await scaledBy(scale, pictures);
  return { results: await model.run({ ...feeds, ...seen }), decodingMs: 0, scaled };
}

/** One call for all; when it fails each is tried alone, so that a robot's wrong input is its own trouble only. */
async function runTogether(session: GraphSession, batch: readonly Waiting[]): Promise<void> {
  try {
    const results = await session.run(joined(batch.map(({ feeds }) => feeds)));
    let start = 0;
    for (const { feeds, resolve } of batch) {
      const end = start + rowsOf(feeds);
      resolve(rowsBetween(results, start, end));
      start = end;
    }
  } catch {
    for (const { feeds, resolve, reject } of batch) await session.run(feeds).then(resolve, reject);
  }
}

const rowsOf = (feeds: Tensors): number => Object.values(feeds)[0]?.shape[0] ?? 0;

function joined(all: readonly Tensors[]): Tensors {
  const [first] = all;
  if (first === undefined || all.length === 1) return first ?? {};
  return Object.fromEntries(
    Object.entries(first).map(([name, tensor]) => {
      const parts = all.map((feeds) => feeds[name] ?? tensor);
      const length = parts.reduce((sum, part) => sum + part.data.length, 0);
      const data = emptyLike(tensor.data, length);
      let at = 0;
      for (const part of parts) {
        data.set(part.data as Float32Array, at);
        at += part.data.length;
      }
      const rows = parts.reduce((sum, part) => sum + (part.shape[0] ?? 0), 0);
      return [name, { type: tensor.type, data, shape: [rows, ...tensor.shape.slice(1)] }];
    }),
  );
}

function emptyLike(values: Tensor['data'], length: number): Float32Array | Int32Array | Uint8Array {
  if (values instanceof Float32Array) return new Float32Array(length);
  return values instanceof Uint8Array ? new Uint8Array(length) : new Int32Array(length);
}

const rowsBetween = (results: Tensors, start: number, end: number): Tensors =>
  Object.fromEntries(
    Object.entries(results).map(([name, { type, data, shape }]): [string, Tensor] => {
      const width = data.length / (shape[0] ?? 1);
      return [name, { type, data: data.slice(start * width, end * width), shape: [end - start, ...shape.slice(1)] }];
    }),
  );
