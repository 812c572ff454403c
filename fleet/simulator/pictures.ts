import { camerasOf, type Camera } from '../../datasets/camera.ts';
import { pictureBytes, type Images, type SeenCamera } from '../../policies/seen-images.ts';
import type { Surroundings } from './surroundings.ts';

/** What a robot's cameras see in one frame: RGB of each camera's recorded size, by camera, in memory of its own. */
export type FramePictures = ReadonlyMap<string, Uint8Array>;

/** Every camera of a body takes an image. */
export const takePictures = (robot: Surroundings, body: { readonly cameras?: readonly Camera[] }): FramePictures =>
  new Map(
    camerasOf(body).map(({ name }) => {
      const rgb = robot.see?.(name);
      if (rgb === undefined) throw new Error(`expected surroundings that a camera ${name} sees, got others`);
      return [name, Uint8Array.from(rgb)];
    }),
  );

/** The images of some robots as one call of a model takes them. Throws for a camera whose policies see another size than it records: nobody scales here. */
export function seenPictures(pictures: readonly FramePictures[], seen: readonly SeenCamera[]): Images {
  return new Map(
    seen.map((camera) => {
      const all = pictures.map((each) => each.get(camera.name) ?? new Uint8Array(0));
      const wrong = all.find(({ length }) => length !== pictureBytes(camera));
      if (wrong !== undefined)
        throw new Error(
          `expected images of camera ${camera.name} of ${camera.width} × ${camera.height} pixels, as the model sees them, got ${wrong.length} bytes`,
        );
      return [camera.name, new Uint8Array(Buffer.concat(all))];
    }),
  );
}
