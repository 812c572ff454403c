import { camerasOf, type Camera } from '../datasets/camera.ts';
import { dictionary } from '../domain/dictionary.ts';
import { imagesOfPort, imageWindows } from './image-windows.ts';
import { imagePort } from './images/camera-layers.ts';
import { uint8Tensor, type ModelPort, type Tensor, type Tensors } from './runtime.ts';

/** A camera as models see it: pixels of the learned size. */
export interface SeenCamera {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** RGB of some rows by camera, row after row: [rows, height, width, 3] bytes each, or with images before [rows, images, height, width, 3], oldest first, the present last. */
export type Images = ReadonlyMap<string, Uint8Array>;

export const noImages: Images = new Map();

/** The cameras of a robot type as models see them; empty for one without. */
export const seenCamerasOf = (type: { readonly cameras?: readonly Camera[] }): readonly SeenCamera[] =>
  camerasOf(type).map(({ name, learned: { width, height } }) => ({ name, width, height }));

const prefix = imagePort('');

/** The camera whose images an input takes; undefined for any other input. */
export const cameraOfPort = (port: string): string | undefined =>
  port.startsWith(prefix) ? port.slice(prefix.length) : undefined;

/** Names of the cameras that a model sees, in the order of its inputs. */
export const camerasSeenBy = ({ inputs }: { readonly inputs: readonly ModelPort[] }): readonly string[] =>
  inputs.flatMap(({ name }) => cameraOfPort(name) ?? []);

export const pictureBytes = ({ width, height }: Pick<SeenCamera, 'width' | 'height'>): number => width * height * 3;

/** Bytes of images that are given to a model at once, at most: its planes take a hundred times as many. */
const imageBytesAtOnce = 4 * 1024 * 1024;

/** How many rows to ask a model about at once that sees these cameras, `images` of each: `most` without images. */
export function rowsAtOnce(cameras: readonly SeenCamera[], most: number, images = 1): number {
  const bytes = images * cameras.reduce((sum, camera) => sum + pictureBytes(camera), 0);
  return bytes === 0 ? most : Math.max(1, Math.min(most, Math.floor(imageBytesAtOnce / bytes)));
}

/** A model was asked without an image that it needs, or with one of another size: no other image takes its place. */
export class MissingImage extends TypeError {
  constructor(message: string) {
    super(message);
    this.name = 'MissingImage';
  }
}

/** The images that a model sees as its inputs, as many of each camera as it takes. Throws `MissingImage` where one is not there or has another size. */
export const imageTensors = (
  session: { readonly inputs: readonly ModelPort[] },
  cameras: readonly SeenCamera[],
  images: Images,
  rows: number,
): Tensors =>
  dictionary(
    session.inputs.flatMap((port): readonly [string, Tensor][] => {
      const name = cameraOfPort(port.name);
      if (name === undefined) return [];
      const camera = cameras.find((each) => each.name === name);
      if (camera === undefined)
        throw new MissingImage(`expected a camera ${name} of the robot type, which the model sees, got none`);
      const bytes = images.get(name);
      const size = pictureBytes(camera);
      const wanted = rows * size;
      if (bytes === undefined || bytes.length < wanted || (wanted > 0 && bytes.length % wanted !== 0))
        throw new MissingImage(
          `expected ${rows === 1 ? 'an image' : `${rows} images`} of camera ${name}, RGB of ${camera.width} × ${camera.height} pixels (${wanted} bytes), got ${bytes === undefined ? 'none' : `${bytes.length} bytes`}`,
        );
      const atOnce = imagesOfPort(port);
      const axes = atOnce === 1 ? [] : [atOnce];
      const windows = imageWindows(bytes, rows, size, atOnce);
      return [[imagePort(name), uint8Tensor(windows, [rows, ...axes, camera.height, camera.width, 3])]];
    }),
  );

/** Images of rows [start, end) of `rows`. */
export const sliceImages = (images: Images, rows: number, start: number, end: number): Images =>
  new Map(
    [...images].map(([name, bytes]) => {
      const width = bytes.length / rows;
      return [name, bytes.subarray(start * width, end * width)];
    }),
  );

/** The cameras of a list that a model sees, in the order of the list. */
export function seenBy(
  session: { readonly inputs: readonly ModelPort[] },
  cameras: readonly SeenCamera[] = [],
): readonly SeenCamera[] {
  const names = new Set(camerasSeenBy(session));
  return cameras.filter(({ name }) => names.has(name));
}
