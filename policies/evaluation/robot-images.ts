import { randomStream, type RandomStream } from '../random.ts';
import { pictureBytes, type Images, type SeenCamera } from '../seen-images.ts';

/** What a camera can send, healthy or not. */
export const imageKinds = ['drawn', 'black', 'noise', 'white', 'swapped channels'] as const;
export type ImageKind = (typeof imageKinds)[number];

/** Pictures of a kind that are drawn; rows take one of them. */
const picturesOfKind = 3;
const rectangles = 6;

/** The kind of row `number` of what a camera, by its place in the list, shows. */
const imageKind = (number: number, camera: number): ImageKind =>
  imageKinds[(number + camera) % imageKinds.length] ?? 'drawn';

/** What the cameras show in row `number`, in words. */
export const describeImages = (cameras: readonly SeenCamera[], number: number): string =>
  cameras.map(({ name }, index) => `${name} ${imageKind(number, index)}`).join(', ');

/**
 * Images of rows `start` to `start + count` of an endless list, the kinds in turn: drawn rectangles, black, white, noise, and red, green and
 * blue in each other's place; with `images` above 1, as many of each row, one after the other, of other kinds before. A pure function of (cameras, seed, start); few pictures are drawn and given again and again.
 */
export function robotImages(
  cameras: readonly SeenCamera[],
  seed: number,
  images = 1,
): (start: number, count: number) => Images {
  const drawn = new Map<string, Uint8Array>();
  const pictureOf = (camera: SeenCamera, kind: ImageKind, variant: number): Uint8Array => {
    const name = `${camera.name} ${kind} ${variant}`;
    const known = drawn.get(name) ?? drawPicture(camera, kind, randomStream(seed, `image ${name}`));
    drawn.set(name, known);
    return known;
  };
  return (start, count) =>
    new Map(
      cameras.map((camera, index) => {
        const size = pictureBytes(camera);
        const bytes = new Uint8Array(count * images * size);
        for (let place = 0; place < count * images; place += 1) {
          // The last image of a row is what its number says; those before it are of the kinds before it, of another variant.
          const back = images - 1 - (place % images);
          const number = start + Math.floor(place / images) + back * (imageKinds.length - 1);
          const variant = Math.floor(number / imageKinds.length) % picturesOfKind;
          bytes.set(pictureOf(camera, imageKind(number, index), variant), place * size);
        }
        return [camera.name, bytes];
      }),
    );
}

/** RGB of one picture of a kind. */
export function drawPicture(camera: SeenCamera, kind: ImageKind, random: RandomStream): Uint8Array {
  const bytes = new Uint8Array(pictureBytes(camera));
  switch (kind) {
    case 'black':
      return bytes;
    case 'white':
      return bytes.fill(255);
    case 'noise':
      return bytes.map(() => 256 * random());
    case 'drawn':
      return drawRectangles(camera, bytes, random);
    case 'swapped channels': {
      const picture = drawRectangles(camera, bytes, random);
      return picture.map((_, at) => picture[at - (at % 3) + ((at + 2) % 3)] ?? 0);
    }
  }
}

function drawRectangles({ width, height }: SeenCamera, bytes: Uint8Array, random: RandomStream): Uint8Array {
  for (let rectangle = 0; rectangle < rectangles; rectangle += 1) {
    const colour = [256 * random(), 256 * random(), 256 * random()];
    // The first one is the whole picture.
    const [left, top] = rectangle === 0 ? [0, 0] : [Math.floor(width * random()), Math.floor(height * random())];
    const right = rectangle === 0 ? width : left + Math.ceil((width - left) * random());
    const bottom = rectangle === 0 ? height : top + Math.ceil((height - top) * random());
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) bytes.set(colour, 3 * (y * width + x));
  }
  return bytes;
}
