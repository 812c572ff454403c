import { z } from 'zod';

/** A camera at the robot's centre that looks ahead, level, with square pixels and no distortion. Unknown keys are rejected. */
export const cameraSchema = z.strictObject({
  /** Pixels. */
  width: z.int().min(16).max(320).default(64),
  height: z.int().min(12).max(240).default(48),
  /** Horizontal, degrees; the vertical one follows from the size. */
  fieldOfViewDegrees: z.number().min(20).max(140).default(90),
  /** Height of its centre above the floor, metres. */
  mountHeightM: z.number().min(0.05).max(2).default(0.4),
});
export type Camera = z.infer<typeof cameraSchema>;

/** Distance of the image plane, in pixels: half the width is seen under half the field of view. */
export const focalLengthPixels = ({ width, fieldOfViewDegrees }: Camera): number =>
  width / 2 / Math.tan((fieldOfViewDegrees * Math.PI) / 360);
