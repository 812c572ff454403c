import { z } from 'zod';

import { cameraNameSchema } from '../../datasets/camera.ts';
import { sha256Schema, ulidSchema } from './identifiers.ts';
import { wireLimits } from './limits.ts';

/*
 * A clip travels in parts, so that a cut line costs one part. In this order:
 * 1. GET of `wirePaths.media`: which parts the gateways have.
 * 2. PUT of `wirePaths.mediaPart` for each that is missing, in any order. All parts but the last have `wireLimits.partBytes`.
 * 3. POST to `wirePaths.media`: the gateway proves the hash over all parts and makes the clip visible; also after `stored` in step 1,
 *    because it says of which episode and camera the clip is. From 201 or 200 on the robot may delete its copy.
 * Every step may be repeated, and go through another gateway than the one before. A gateway that knows no clips answers `notFound`.
 */

/** Content type of a part; a body of unknown length is refused (400). */
export const mediaPartContentType = 'application/octet-stream';

/** Parts a clip of this size is sent in. */
export const partsOf = (sizeBytes: number): number => Math.ceil(sizeBytes / wireLimits.partBytes);

/** Size of one part of a clip; 0 past its end. */
export const partSizeOf = (sizeBytes: number, part: number): number =>
  Math.max(0, Math.min(wireLimits.partBytes, sizeBytes - part * wireLimits.partBytes));

/** Parts a clip has at most; they are numbered from 0. */
export const maxParts = partsOf(wireLimits.maxClipBytes);

/**
 * What the gateways have of this robot's clip. `stored`: all of it, proven; `received` is empty then. `unknown`: nothing,
 * also when another robot brought the same bytes. 503 before anything is sent: too many clips are on their way.
 */
export const mediaStateSchema = z.strictObject({
  outcome: z.enum(['stored', 'partial', 'unknown']),
  partBytes: z.int().positive(),
  /** Numbers of the parts that are there, ascending. */
  received: z.array(z.int().min(0).max(maxParts)).max(maxParts),
});
export type MediaState = z.infer<typeof mediaStateSchema>;

/** 201: stored now. 200: this part was there with the same bytes. */
export const mediaPartAnswerSchema = z.strictObject({
  sha256: sha256Schema,
  part: z.int().min(0).max(maxParts),
  outcome: z.enum(['stored', 'alreadyStored']),
});
export type MediaPartAnswer = z.infer<typeof mediaPartAnswerSchema>;

/** Microseconds since 1970 UTC. */
const instantUsSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What a robot says of a clip whose parts are all sent. */
export const mediaCompletionSchema = z
  .strictObject({
    sizeBytes: z.int().min(1).max(wireLimits.maxClipBytes),
    parts: z.int().min(1).max(maxParts),
    camera: cameraNameSchema,
    episodeId: ulidSchema,
    /** Instant of the clip's first image. */
    startedAtUs: instantUsSchema,
  })
  .refine(({ sizeBytes, parts }) => parts === partsOf(sizeBytes), {
    path: ['parts'],
    error: `expected as many parts as the size has of ${wireLimits.partBytes} bytes`,
  });
export type MediaCompletion = z.infer<typeof mediaCompletionSchema>;

/** 201: visible from now on as this robot's. 200: it was so before. */
export const mediaAnswerSchema = z.strictObject({
  sha256: sha256Schema,
  sizeBytes: z.int().min(1),
  outcome: z.enum(['stored', 'alreadyStored']),
});
export type MediaAnswer = z.infer<typeof mediaAnswerSchema>;
