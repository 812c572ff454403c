import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import type { ObjectBody, ObjectStore } from '../../store/object-store.ts';
import type { CheckpointStore } from '../ports/trainer.ts';

/** Keys of one training: `training-runs/<runId>/…`. */
export const trainingRunFile = (
  runId: string,
  file: 'job.json' | 'model.onnx' | 'metrics.json' | 'rung.json' | 'checkpoints/',
): string => `training-runs/${runId}/${file}`;

const keptCheckpoints = 2;

/**
 * Checkpoints of one training in the object store. The digest is part of the name, so that a damaged one is known by it and
 * the one before is used. Two are kept.
 */
export function storedCheckpoints(store: ObjectStore, runId: string): CheckpointStore & { deleteAll(): Promise<void> } {
  const prefix = trainingRunFile(runId, 'checkpoints/');
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of store.list(prefix)) found.push(key);
    return found;
  };
  const remove = async (surplus: readonly string[]): Promise<void> => {
    for (const key of surplus) await store.delete(key);
  };
  return {
    async save(step, body) {
      const ofStep = `${prefix}${String(step).padStart(12, '0')}-`;
      const saved = `${ofStep}${await sha256Of(body)}`;
      await store.put(saved, body);
      // Of several of one step, as in the middle of an evaluation, the last counts.
      const [same, others] = partition(await keys(), (key) => key.startsWith(ofStep) && key !== saved);
      await remove([...same, ...others.slice(0, -keptCheckpoints)]);
    },
    async latest() {
      for (const key of (await keys()).toReversed()) {
        const [, step = '', sha256 = ''] = /(\d{12})-([0-9a-f]{64})$/.exec(key) ?? [];
        const filePath = step === '' ? undefined : await store.localPath(key);
        if (filePath !== undefined && (await sha256Of({ filePath })) === sha256)
          return { step: Number(step), filePath };
      }
      return undefined;
    },
    deleteAll: async () => remove(await keys()),
  };
}

function partition(all: readonly string[], isChosen: (key: string) => boolean): readonly [string[], string[]] {
  return [all.filter(isChosen), all.filter((key) => !isChosen(key))];
}

/** sha256 of bytes or of a file, 64 hex digits; files are streamed. */
export async function sha256Of(body: ObjectBody): Promise<string> {
  const hash = createHash('sha256');
  if (body instanceof Uint8Array) return hash.update(body).digest('hex');
  for await (const chunk of createReadStream(body.filePath)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
