import { randomStream, type RandomStream } from '../../../../policies/random.ts';

/** Values that a lens spoils: [height, width, 3]. */
export interface Lens {
  /** Spreads every pixel over its neighbours: a Gaussian whose standard deviation is this share of the width. */
  blur(values: Float32Array, blurFraction: number): void;
  /** Lays dirt over this share of the image; more dirt covers what less dirt of the same fall covers, and more. */
  soil(values: Float32Array, dirtFraction: number, fall: number): void;
}

/** The lens of one camera; where dirt lies on it, the seed says, and which fall of dirt it is. */
export function openLens(width: number, height: number, dirtSeed: number): Lens {
  const scratch = new Float32Array(width * height * 3);
  let dirt: { fraction: number; fall: number; opacity: Float32Array } = {
    fraction: 0,
    fall: 0,
    opacity: new Float32Array(0),
  };
  return {
    blur(values, blurFraction) {
      const weights = gaussianWeights(blurFraction * width);
      spread(values, scratch, weights, { lines: height, length: width, lineStep: 3 * width, step: 3 });
      spread(scratch, values, weights, { lines: width, length: height, lineStep: 3, step: 3 * width });
    },
    soil(values, dirtFraction, fall) {
      if (dirt.fraction !== dirtFraction || dirt.fall !== fall)
        dirt = {
          fraction: dirtFraction,
          fall,
          opacity: drawDirt(width, height, fallOfDirt(dirtSeed, fall), dirtFraction),
        };
      dirt.opacity.forEach((opacity, pixel) => {
        if (opacity === 0) return;
        for (let channel = 0; channel < 3; channel += 1)
          values[3 * pixel + channel] =
            (1 - opacity) * (values[3 * pixel + channel] ?? 0) + opacity * (mud[channel] ?? 0);
      });
    },
  };
}

const mud = [0.22, 0.17, 0.12];

/** From the middle outwards; they sum up to 1 with both sides. */
function gaussianWeights(deviationPixels: number): Float64Array {
  const weights = Float64Array.from({ length: Math.ceil(2.5 * deviationPixels) + 1 }, (_, distance) =>
    Math.exp(-0.5 * (distance / deviationPixels) ** 2),
  );
  const sum = weights.reduce((total, weight, distance) => total + (distance === 0 ? weight : 2 * weight), 0);
  return weights.map((weight) => weight / sum);
}

/** Rows or columns of an image of three channels, in steps of numbers. */
interface Lines {
  readonly lines: number;
  readonly length: number;
  readonly lineStep: number;
  readonly step: number;
}

/** Beyond the edge lies more of the edge. */
function spread(from: Float32Array, to: Float32Array, weights: Float64Array, lines: Lines): void {
  const { length, lineStep, step } = lines;
  for (let line = 0; line < lines.lines; line += 1)
    for (let place = 0; place < length; place += 1) {
      const start = line * lineStep;
      for (let channel = start; channel < start + 3; channel += 1) {
        let sum = (weights[0] ?? 0) * (from[channel + place * step] ?? 0);
        for (let distance = 1; distance < weights.length; distance += 1) {
          const before = from[channel + Math.max(0, place - distance) * step] ?? 0;
          const after = from[channel + Math.min(length - 1, place + distance) * step] ?? 0;
          sum += (weights[distance] ?? 0) * (before + after);
        }
        to[channel + place * step] = sum;
      }
    }
}

/** The first fall is what its seed alone says. */
const fallOfDirt = (seed: number, fall: number): RandomStream =>
  randomStream(seed, fall === 0 ? 'dirt on a lens' : `dirt on a lens, fall ${fall}`);

/** Opacity of every pixel: 0 without dirt. Spots are drawn until they cover the fraction. */
function drawDirt(width: number, height: number, random: RandomStream, fraction: number): Float32Array {
  const opacity = new Float32Array(width * height);
  let covered = 0;
  while (covered < fraction * width * height) {
    const [x, y] = [random() * width, random() * height];
    const radius = (0.03 + 0.06 * random()) * width;
    const most = 0.6 + 0.35 * random();
    for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(height, y + radius); row += 1)
      for (let column = Math.max(0, Math.floor(x - radius)); column < Math.min(width, x + radius); column += 1) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y) / radius;
        if (distance >= 1) continue;
        const pixel = row * width + column;
        if (opacity[pixel] === 0) covered += 1;
        opacity[pixel] = Math.max(opacity[pixel] ?? 0, most * Math.min(1, 3 * (1 - distance)));
      }
  }
  return opacity;
}
