/** What the images of a clip look like on average, in grey values of 0–255: cheap figures by which a dirty lens or another light is noticed. */
export interface ClipAppearance {
  /** Mean value. */
  readonly brightness: number;
  /** Standard deviation of the values of one image. */
  readonly contrast: number;
  /** Mean difference of a pixel from the one on its left. */
  readonly sharpness: number;
}

export const appearanceFeatures = [
  'brightness',
  'contrast',
  'sharpness',
] as const satisfies readonly (keyof ClipAppearance)[];

/** One grey image of this width, row by row; all 0 for one without pixels. */
export function imageAppearance(grey: Uint8Array, width: number): ClipAppearance {
  if (grey.length === 0) return { brightness: 0, contrast: 0, sharpness: 0 };
  let [sum, squares, steps, pairs] = [0, 0, 0, 0];
  for (const [at, value] of grey.entries()) {
    sum += value;
    squares += value * value;
    if (at % width === 0) continue;
    steps += Math.abs(value - (grey[at - 1] ?? 0));
    pairs += 1;
  }
  const brightness = sum / grey.length;
  const contrast = Math.sqrt(Math.max(0, squares / grey.length - brightness * brightness));
  return { brightness, contrast, sharpness: pairs === 0 ? 0 : steps / pairs };
}

/** The mean over images that come one after another; all 0 without any. */
export function appearanceMean(): { add(image: ClipAppearance): void; readonly mean: () => ClipAppearance } {
  const sums = { brightness: 0, contrast: 0, sharpness: 0 };
  let images = 0;
  return {
    add(image) {
      for (const feature of appearanceFeatures) sums[feature] += image[feature];
      images += 1;
    },
    mean: () => {
      const of = Math.max(1, images);
      return { brightness: sums.brightness / of, contrast: sums.contrast / of, sharpness: sums.sharpness / of };
    },
  };
}
