import { z } from 'zod';

import { cameraNameSchema } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { mostDisagreements } from '../../policies/evaluation/disagreements.ts';
import { mostMisses } from '../../policies/evaluation/misses.ts';
import type { seenCameraSchema } from '../../policies/model-manifest.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { HeldoutComparison } from './compare-on-heldout.ts';
import type { Shown } from './seen-rows.ts';

const disagreementSchema = z.strictObject({
  /** Its number in the held-out set. */
  episode: z.int(),
  /** Null where the set does not say; not there in documents of earlier versions. */
  episodeId: z.string().nullable().optional(),
  /** Null where the set does not say whose it is. */
  robotId: z.string().nullable(),
  task: z.string(),
  differenceFraction: z.number(),
  recorded: z.string(),
  candidate: z.string(),
  champion: z.string(),
  /** What the cameras showed: JPEG, base64. */
  images: z.array(z.strictObject({ camera: cameraNameSchema, jpeg: z.base64().max(33_000) })).max(8),
});

/** Held-out frames on which candidate and champion differ most. */
export const disagreementsSchema = z.array(disagreementSchema).min(1).max(mostDisagreements);

const missSchema = z.strictObject({
  /** Null where the set does not say. */
  episodeId: z.string().nullable(),
  frame: z.int().nullable(),
  robotId: z.string().nullable(),
  task: z.string(),
  recorded: z.string(),
  chosen: z.string(),
  probability: z.number(),
  /** Of the first ones: what the cameras showed. */
  images: disagreementSchema.shape.images.optional(),
});

/** Held-out frames that the candidate gets wrong: how many, and those it is surest of. */
export const misclassifiedSchema = z.strictObject({
  frames: z.int().min(1),
  listed: z.array(missSchema).min(1).max(mostMisses),
});

const encodedImages = (images: Shown['images']) =>
  images.map(({ camera, jpeg }) => ({ camera, jpeg: Buffer.from(jpeg).toString('base64') }));

/** What the candidate gets wrong; empty where nothing is. */
export function missParts(
  { misses, outcome, robotIds, episodeIds }: HeldoutComparison,
  type: RobotType,
): { readonly misclassified?: z.infer<typeof misclassifiedSchema> } {
  if (misses.length === 0) return {};
  const listed = misses.map(({ episode, frame, robot, task, recorded, chosen, probability, images }) => ({
    episodeId: episodeIds?.[episode] ?? null,
    frame: frame ?? null,
    robotId: robot === undefined ? null : (robotIds[robot] ?? `robot ${robot}`),
    task: type.tasks[task] ?? `task ${task}`,
    recorded,
    chosen,
    probability,
    ...(images === undefined ? {} : { images: encodedImages(images) }),
  }));
  return { misclassified: { frames: outcome.frames - outcome.agreeingFrames, listed } };
}

/** What candidate and champion see, and where they differ. */
export function seenParts(
  { cameras, history, horizon, imageHistory, disagreements, robotIds, episodeIds }: HeldoutComparison,
  type: RobotType,
): {
  readonly cameras?: z.infer<typeof seenCameraSchema>[];
  readonly history?: number;
  readonly horizon?: number;
  readonly imageHistory?: number;
  readonly disagreements?: z.infer<typeof disagreementsSchema>;
} {
  const shown = disagreements.map(
    ({ episode, robot, task, differenceFraction, recorded, candidate, champion, images }) => ({
      episode,
      episodeId: episodeIds?.[episode] ?? null,
      robotId: robot === undefined ? null : (robotIds[robot] ?? `robot ${robot}`),
      task: type.tasks[task] ?? `task ${task}`,
      differenceFraction,
      recorded,
      candidate,
      champion,
      images: encodedImages(images),
    }),
  );
  return {
    ...(cameras.length === 0 ? {} : { cameras: cameras.map((camera) => ({ ...camera })) }),
    ...(history === 1 ? {} : { history }),
    ...(horizon === 1 ? {} : { horizon }),
    ...(imageHistory === 1 ? {} : { imageHistory }),
    ...(shown.length === 0 ? {} : { disagreements: shown }),
  };
}

const imagesSchema = z.looseObject({
  disagreements: z.array(z.looseObject({})).optional(),
  misclassified: z.looseObject({ listed: z.array(z.looseObject({})) }).optional(),
});

/** An evaluation as the registry keeps it: without images, because what is signed could lose none when an episode is erased. */
export function withoutImages(evaluation: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(evaluation);
  if (!text.includes('"jpeg"')) return evaluation;
  const { disagreements, misclassified, ...rest } = imagesSchema.parse(JSON.parse(text));
  const bare = disagreements?.map((each) => ({ ...each, images: [] }));
  const listed = misclassified?.listed.map((each) => ({ ...each, images: [] }));
  return jsonBytes({
    ...rest,
    ...(bare && { disagreements: bare }),
    ...(misclassified && { misclassified: { ...misclassified, listed } }),
  });
}
