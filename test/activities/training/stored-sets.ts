import { createHash } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import type { ImageAsking } from '../../../activities/mix/image-windows.ts';
import { pinnedCatalogue } from '../../../activities/mix/mix-manifest.ts';
import { documentOf } from '../../../datasets/taught-type.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../../datasets/robot-type.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import type { RowBlock } from '../../../policies/rows.ts';
import { writeArrowSet, type SetCamera } from './arrow-sets.ts';

export interface Blocks {
  readonly train: readonly RowBlock[];
  readonly validation: readonly RowBlock[];
  readonly heldout: readonly RowBlock[];
  /** Episode of every held-out row, block by block. */
  readonly episodes: readonly Int32Array[];
  /** Of the blocks' pictures, in their order. */
  readonly cameras?: readonly SetCamera[];
  /** For whom held-out rows have images before their own. */
  readonly imageWindows?: readonly ImageAsking[];
}

const rows = (list: readonly RowBlock[]): number => list.reduce((sum, block) => sum + block.rows, 0);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Puts a robot type, a training set and a held-out set into a store, as the mix does; returns their digests. */
export async function storeSets(
  store: ObjectStore,
  type: RobotType,
  blocks: Blocks,
): Promise<{ trainingSetDigest: string; heldoutDigest: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-sets-'));
  try {
    await publishRobotType(store, documentOf(type));
    const path = (name: string): string => join(directory, name);
    await writeArrowSet(path('train.arrow'), blocks.train, undefined, blocks.cameras);
    await writeArrowSet(path('validation.arrow'), blocks.validation, undefined, blocks.cameras);
    await writeArrowSet(path('heldout.arrow'), blocks.heldout, blocks.episodes, blocks.cameras);
    const common = {
      robotType: robotTypeName(type),
      robotTypeDigest: robotTypeDigest(type),
      tasks: type.tasks,
      ...pinnedCatalogue(type),
    };
    const strata = type.tasks.map((task) => ({ source: 'new', task, availableFrames: 100, takenFrames: 100 }));
    const file = async (name: string, list: readonly RowBlock[]) => ({
      [name]: { sha256: digest(await readFile(path(name))), rows: rows(list) },
    });
    const files = {
      ...(await file('train.arrow', blocks.train)),
      ...(await file('validation.arrow', blocks.validation)),
    };
    const trainingManifest = jsonBytes({ ...common, strata, files });
    const windows = blocks.imageWindows === undefined ? {} : { imageWindows: blocks.imageWindows };
    const heldoutManifest = jsonBytes({ ...common, ...windows, files: await file('heldout.arrow', blocks.heldout) });
    const [trainingSetDigest, heldoutDigest] = [digest(trainingManifest), digest(heldoutManifest)];
    await store.put(trainingSetFile(trainingSetDigest, 'manifest.json'), trainingManifest);
    await store.put(heldoutSetFile(heldoutDigest, 'manifest.json'), heldoutManifest);
    for (const file of ['train.arrow', 'validation.arrow'] as const)
      await store.put(trainingSetFile(trainingSetDigest, file), await readFile(path(file)));
    await store.put(heldoutSetFile(heldoutDigest, 'heldout.arrow'), await readFile(path('heldout.arrow')));
    return { trainingSetDigest, heldoutDigest };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
