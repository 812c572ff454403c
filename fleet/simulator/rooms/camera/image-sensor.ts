/** Largest read noise of a healthy sensor before exposure, as a share of white. */
const noiseFraction = 0.015;
const white = 255;

const noiseBits = 10;
/** Quantiles of a triangular distribution about 0 from -1 to 1, evenly spaced. */
const noiseQuantiles = Float32Array.from({ length: 2 ** noiseBits }, (_, index) => {
  const share = (index + 0.5) / 2 ** noiseBits;
  return share < 0.5 ? Math.sqrt(2 * share) - 1 : 1 - Math.sqrt(2 * (1 - share));
});

/**
 * What a sensor makes of the light: noise of its own, which exposure amplifies with the picture, then whole values 0–255, cut
 * off at both ends. The same noise seed gives the same noise.
 */
export function expose(
  radiance: Float32Array,
  { lightFraction, exposureStops }: { readonly lightFraction: number; readonly exposureStops: number },
  noiseSeed: number,
  image: Uint8ClampedArray,
): void {
  const gain = white * 2 ** exposureStops;
  const [signalGain, noiseGain] = [gain * lightFraction, gain * noiseFraction];
  const last = noiseQuantiles.length - 1;
  // Marsaglia 2003, "Xorshift RNGs"; its state must not be 0. Three times ten bits of each draw are the noise of a pixel.
  let state = noiseSeed | 1;
  for (let index = 0; index < image.length; index += 3) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    image[index] = signalGain * (radiance[index] ?? 0) + noiseGain * (noiseQuantiles[state & last] ?? 0);
    image[index + 1] =
      signalGain * (radiance[index + 1] ?? 0) + noiseGain * (noiseQuantiles[(state >>> noiseBits) & last] ?? 0);
    image[index + 2] =
      signalGain * (radiance[index + 2] ?? 0) + noiseGain * (noiseQuantiles[(state >>> (2 * noiseBits)) & last] ?? 0);
  }
}
