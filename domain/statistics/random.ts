/** A stream of uniform numbers in [0, 1). Always a parameter, so that the same seed gives the same result. */
export type Random = () => number;

/**
 * A deterministic stream from a seed: sfc32 (C. Doty-Humphrey, PractRand), 128 bits of state, seeded by hashing the text.
 * Two different seeds give unrelated streams. Not for secrets.
 */
export function randomFromSeed(seed: string): Random {
  let [a, b, c, d] = [hash32(`${seed}/a`), hash32(`${seed}/b`), hash32(`${seed}/c`), 1];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

/** A well-mixed 32-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3 (A. Appleby). Not for secrets. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
