import { z } from 'zod';

import { trainingSetFile } from '../../datasets/training-set.ts';
import { horizonSchema } from '../../policies/chunks.ts';
import { imageHistorySchema } from '../../policies/image-windows.ts';
import { historySchema } from '../../policies/windows.ts';
import { failure } from '../../store/failures.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { doubtBySchema } from './doubtful-episodes.ts';
import { favouredLabelsSchema } from './favoured-labels.ts';
import { inScratch } from './in-scratch.ts';
import { learnedTasksSchema } from './learned-tasks.ts';
import { mixSet } from './mix-set.ts';
import type { SetPorts } from './ports.ts';
import { readTrainingSet } from './read-sets.ts';
import { setCamerasSchema } from './set-cameras.ts';
import { sourcesSchema } from './source-schema.ts';

const versionSchema = z.strictObject({ episodes: z.int().min(0), frames: z.int().min(0) });
const madeFromSchema = z.looseObject({
  datasetVersion: versionSchema,
  seed: z.int(),
  targetFrames: z.int(),
  newFraction: z.number(),
  exclusionsSeq: z.int().default(-1),
  labelsSeq: z.int().default(-1),
  bodies: z.array(z.looseObject({ robotType: z.string() })).optional(),
  bodiesLeftOut: z.array(z.looseObject({ robotType: z.string() })).default([]),
  recipe: z.strictObject({
    newSince: versionSchema,
    historyEpisodesPerRobot: z.int(),
    correctionWeight: z.number(),
    correctionShareCap: z.number(),
    sources: sourcesSchema.optional(),
    learnedTasks: learnedTasksSchema.optional(),
    cameras: setCamerasSchema.optional(),
    favouredLabels: favouredLabelsSchema.optional(),
    doubtBy: doubtBySchema.optional(),
    history: historySchema.optional(),
    horizon: horizonSchema.optional(),
    imageHistory: imageHistorySchema.optional(),
  }),
});

/**
 * Makes the rows of a training set again where the sweep of old sets has taken them, from the lake as it was, under the exclusions and labels of then: what a person
 * said since changes nothing. Idempotent: a set whose rows are there is left alone. `NotFound` for a set whose manifest does not
 * say enough, `Conflict` where other bytes come out.
 */
export async function remakeTrainingSet(ports: SetPorts, digest: string, robotType: RobotType): Promise<void> {
  const manifest = await readTrainingSet(ports.store, digest, robotType);
  const files = ['train.arrow', 'validation.arrow'] as const;
  const paths = await Promise.all(files.map((file) => ports.store.localPath(trainingSetFile(digest, file))));
  if (paths.every((path) => path !== undefined)) return;
  const madeFrom = madeFromSchema.safeParse(manifest);
  if (!madeFrom.success)
    throw failure(
      'NotFound',
      'expected the rows of the training set, or a manifest that says how to make them again, got neither: sets of earlier versions cannot be made again once they were swept',
      { coordinates: { key: trainingSetFile(digest, 'manifest.json') } },
    );
  const { recipe, exclusionsSeq, labelsSeq, bodies, bodiesLeftOut, ...options } = madeFrom.data;
  const madeBefore = {
    exclusionsSeq,
    labelsSeq,
    digest,
    bodies: bodies?.map((body) => body.robotType),
    leftOut: bodiesLeftOut.map((body) => body.robotType),
  };
  await inScratch(ports, (session, directory) =>
    mixSet(ports, session, robotType, { ...options, ...recipe }, directory, madeBefore),
  );
}
