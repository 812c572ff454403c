import { createHash } from 'node:crypto';

/** Numbers in [0, 1), the same for the same name on every machine. */
export type Random = () => number;

/** Mulberry32 (Tommy Ettinger, public domain) from the first 32 bits of the name's sha256. Not for statistics. */
export function seededRandom(name: string): Random {
  let state = createHash('sha256').update(name).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
