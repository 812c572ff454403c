import { z } from 'zod';

/** Pixels along a side of a recorded image at most. */
const maxSide = 4096;
/** Pixels along a side of an image that a model sees at most. */
const maxLearnedSide = 512;

/** Names of cameras are parts of names of files, columns and inputs of models. */
export const cameraNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes');

/** What a camera of a robot type records, and what a model sees of it. */
export const cameraSchema = z
  .strictObject({
    name: cameraNameSchema,
    /** Pixels of a recorded image. */
    width: z.int().min(16).max(maxSide),
    height: z.int().min(16).max(maxSide),
    /** Images per second. */
    rateHz: z.number().positive().max(240),
    colour: z.enum(['rgb', 'grey']),
    /** How a clip is coded: `jpeg` keeps each image by itself and needs no encoder on the robot. */
    codec: z.enum(['h264', 'av1', 'jpeg']),
    /** Pixels of an image in training sets and in a model's input: the recorded one is scaled to it, whatever its proportions. */
    learned: z.strictObject({
      width: z.int().min(8).max(maxLearnedSide),
      height: z.int().min(8).max(maxLearnedSide),
    }),
    /** Whether images may leave the robot; without it a robot's policy sees them and nobody else. */
    mayLeaveRobot: z.boolean(),
  })
  .refine(({ learned, width, height }) => learned.width <= width && learned.height <= height, {
    path: ['learned'],
    error: 'expected at most the size of the recorded image',
  });
export type Camera = z.infer<typeof cameraSchema>;

/** A robot type's cameras: at most 8, each name once. */
export const camerasSchema = z
  .array(cameraSchema)
  .min(1)
  .max(8)
  .refine((cameras) => new Set(cameras.map(({ name }) => name)).size === cameras.length, 'expected each name once');

/** Names of the cameras that a training learns from, each once. */
export const learnedCamerasSchema = z
  .array(cameraNameSchema)
  .min(1)
  .max(8)
  .refine((names) => new Set(names).size === names.length, 'expected each camera once');

/** The cameras of a robot type, in its order; empty for one without. */
export const camerasOf = ({ cameras = [] }: { readonly cameras?: readonly Camera[] }): readonly Camera[] => cameras;

/** `kind` of a camera's clip in the `media` of an episode. */
export const clipKind = (camera: string): string => `camera:${camera}`;

/** Key of a clip in the object store: its content names it. */
export const clipKey = (sha256: string): string => `media/${sha256}.mp4`;
