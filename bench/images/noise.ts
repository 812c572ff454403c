/** Whole numbers from 0 to below 2^32 that look random; the same for the same seed (Marsaglia, Xorshift RNGs, 2003). */
export function xorshift(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
