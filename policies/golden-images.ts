import { deflateRawSync, inflateRawSync } from 'node:zlib';

import { z } from 'zod';

import { cameraNameSchema } from '../datasets/camera.ts';
import { pictureBytes, type Images, type SeenCamera } from './seen-images.ts';

const mostPictures = 16;
/** base64 of a deflated picture of 512 × 512 pixels in which nothing repeats. */
const mostText = 1_100_000;
const side = z.int().min(8).max(512);

/** What one camera shows in golden inputs: a few pictures, and which of them each row has. */
export const goldenImageSchema = z.strictObject({
  camera: cameraNameSchema,
  width: side,
  height: side,
  /** Red, green and blue of each pixel, row by row, deflated, base64: what comes out is the same on every processor. */
  pictures: z.array(z.base64().max(mostText)).min(1).max(mostPictures),
  rows: z
    .array(
      z
        .int()
        .min(0)
        .max(mostPictures - 1),
    )
    .min(1)
    .max(4096),
});
export type GoldenImage = z.infer<typeof goldenImageSchema>;

/** `pictures` are RGB of the camera's size; `rows` says which of them each row has. */
export const packGoldenImage = (
  { name, width, height }: SeenCamera,
  pictures: readonly Uint8Array[],
  rows: readonly number[],
): GoldenImage => ({
  camera: name,
  width,
  height,
  pictures: pictures.map((bytes) => deflateRawSync(bytes, { level: 9 }).toString('base64')),
  rows: [...rows],
});

/**
 * The images of each golden row. Throws, in words, where they are not those of the cameras that the model sees, at their learned
 * sizes, or no pictures come out; nothing is unpacked beyond the size that a picture must have.
 */
export function goldenImagesOf(
  images: readonly GoldenImage[],
  cameras: readonly SeenCamera[],
  rows: number,
): readonly Images[] {
  const unpacked = cameras.map((camera) => {
    const found = images.find((each) => each.camera === camera.name);
    if (found === undefined) throw new Error(`expected golden images of camera ${camera.name}, got none`);
    if (found.width !== camera.width || found.height !== camera.height || found.rows.length !== rows)
      throw new Error(
        `expected ${rows} golden images of camera ${camera.name} of ${camera.width} × ${camera.height} pixels, got ${found.rows.length} of ${found.width} × ${found.height}`,
      );
    return { camera, found, pictures: found.pictures.map((text) => unpack(text, camera)) };
  });
  return Array.from(
    { length: rows },
    (_, row) =>
      new Map(
        unpacked.map(({ camera, found, pictures }) => {
          const picture = pictures[found.rows[row] ?? -1];
          if (picture === undefined)
            throw new Error(`expected a picture of camera ${camera.name} for golden row ${row}, got none`);
          return [camera.name, picture];
        }),
      ),
  );
}

function unpack(text: string, camera: SeenCamera): Uint8Array {
  const wanted = pictureBytes(camera);
  const bytes = inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: wanted });
  if (bytes.length === wanted) return bytes;
  throw new Error(`expected ${wanted} bytes of a golden image of camera ${camera.name}, got ${bytes.length}`);
}
