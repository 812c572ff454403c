/** Uniform numbers in [0, 1), a pure function of what the stream was made from. */
export type RandomStream = () => number;

/**
 * A stream of its own for every (seed, purpose): xoshiro128** (Blackman, Vigna 2021, "Scrambled linear pseudorandom number
 * generators"), seeded by FNV-1a over the text and splitmix32, so that neighbouring seeds and names are unrelated.
 * Only 32-bit integer arithmetic: equal on every machine.
 */
export function randomStream(seed: number, purpose: string): RandomStream {
  let hash = 0x811c9dc5;
  for (const character of `${seed}:${purpose}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  const word = (): number => {
    hash = (hash + 0x9e3779b9) | 0;
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  let [a, b, c, d] = [word(), word(), word(), word()];
  return () => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return scrambled / 2 ** 32;
  };
}

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** Shuffles in place (Fisher, Yates; Durstenfeld 1964). Linear; an empty or one-element array stays as it is. */
export function shuffle(items: Int32Array, random: RandomStream): Int32Array {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(random() * (last + 1));
    const moved = items[last] ?? 0;
    items[last] = items[chosen] ?? 0;
    items[chosen] = moved;
  }
  return items;
}
