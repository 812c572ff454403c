import { mirrorRows, type MirrorPlan } from '../mirror.ts';
import type { RandomStream } from '../random.ts';
import type { RowBlock } from '../rows.ts';
import { seenChannels, type CameraShape } from './camera-layers.ts';
import type { Augmentation } from './image-settings.ts';

type Sides = Pick<CameraShape, 'height' | 'width' | 'history'>;

/**
 * The rows varied anew: each mirrored as a whole (readings, label and images) with a probability of `flip`, then their images. A pure function of the rows
 * and the stream. `mirror` is how rows read in a mirror; without it none is mirrored.
 */
export function varyRows(
  block: RowBlock,
  cameras: readonly Sides[],
  augmentation: Augmentation,
  mirror: MirrorPlan | undefined,
  random: RandomStream,
): RowBlock {
  const { flip = 0 } = augmentation;
  const seen = mirror === undefined || flip === 0 ? block : mirrorRows(block, mirror, () => random() < flip);
  return augmentImages(seen, cameras, augmentation, random);
}

/**
 * The rows with their images varied, in memory of their own; readings and labels stay. One draw a row, camera and kind, all images of a window, red, green and blue alike, noise
 * per value: a pure function of the rows and the stream.
 */
export function augmentImages(
  block: RowBlock,
  cameras: readonly Sides[],
  { brightness = 0, crop = 0, noise = 0 }: Augmentation,
  random: RandomStream,
): RowBlock {
  if (block.pictures === undefined || brightness + crop + noise === 0) return block;
  const pictures = block.pictures.map((bytes, index) => {
    const camera = cameras[index];
    if (camera === undefined) return bytes;
    const size = camera.height * camera.width * seenChannels(camera);
    const varied = new Uint8Array(bytes.length);
    for (let row = 0; row < block.rows; row += 1) {
      const from = bytes.subarray(row * size, (row + 1) * size);
      const to = varied.subarray(row * size, (row + 1) * size);
      if (crop > 0) cropInto(from, to, camera, crop, random);
      else to.set(from);
      if (brightness + noise > 0) shift(to, brightness, noise, random);
    }
    return varied;
  });
  return { ...block, pictures };
}

/** Cuts a part of the image's proportions out, anywhere, and scales it back by the nearest pixel; the same part of each image of a window. */
function cropInto(
  from: Uint8Array,
  to: Uint8Array,
  { height, width, history = 1 }: Sides,
  most: number,
  random: RandomStream,
): void {
  const kept = 1 - most * random();
  const [top, left] = [height * (1 - kept) * random(), width * (1 - kept) * random()];
  for (let y = 0; y < height * history; y += 1) {
    const image = y - (y % height);
    const line = (image + Math.min(height - 1, Math.floor(top + ((y % height) + 0.5) * kept))) * width;
    for (let x = 0; x < width; x += 1) {
      const source = 3 * (line + Math.min(width - 1, Math.floor(left + (x + 0.5) * kept)));
      const target = 3 * (y * width + x);
      to[target] = from[source] ?? 0;
      to[target + 1] = from[source + 1] ?? 0;
      to[target + 2] = from[source + 2] ?? 0;
    }
  }
}

function shift(bytes: Uint8Array, brightness: number, noise: number, random: RandomStream): void {
  const lighter = 255 * brightness * (2 * random() - 1);
  for (let at = 0; at < bytes.length; at += 1) {
    const moved = noise === 0 ? lighter : lighter + 255 * noise * (2 * random() - 1);
    bytes[at] = Math.max(0, Math.min(255, Math.round((bytes[at] ?? 0) + moved)));
  }
}
