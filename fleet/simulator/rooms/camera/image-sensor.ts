/** Largest read noise of a healthy sensor before exposure, as a share of white. */
const noiseFraction = 0.015;
const white = 255;

/**
 * What a sensor makes of the light: noise of its own, which exposure amplifies with the picture, then whole values 0–255, cut
 * off at both ends. The same noise seed gives the same noise.
 */
export function expose(
  radiance: Float32Array,
  { lightFraction, exposureStops }: { readonly lightFraction: number; readonly exposureStops: number },
  noiseSeed: number,
  image: Uint8Array,
): void {
  const gain = white * 2 ** exposureStops;
  // Marsaglia 2003, "Xorshift RNGs"; its state must not be 0.
  let state = noiseSeed | 1;
  for (let index = 0; index < image.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    // Two bytes: a triangular distribution about 0.
    const noise = (((state & 255) + ((state >>> 8) & 255)) / 255 - 1) * noiseFraction;
    const value = gain * (lightFraction * (radiance[index] ?? 0) + noise);
    image[index] = value <= 0 ? 0 : value >= white ? white : value + 0.5;
  }
}
