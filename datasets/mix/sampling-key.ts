import { sqlText } from '../sql-types.ts';

/**
 * Weighted sampling without replacement takes the rows with the smallest key −ln(u)/w (Efraimidis & Spirakis 2006,
 * "Weighted random sampling with a reservoir"). Here every frame has w = 1 — a row's weight is for the loss only — and
 * u = 1 − (hash + ½)/2⁶⁴, so the smallest keys are the smallest hashes and the hash itself is the key.
 *
 * The hash is DuckDB's 64-bit hash of one string: two hashed values would not be independent between seeds. It is the
 * same on every machine and thread count; a test holds its values fast, so that an upgrade cannot change them unseen.
 */
export const sampleHashSql = (seed: number, episodeId: string, frameIndex: string): string =>
  `hash(${sqlText(`${seed}:`)} || ${episodeId} || ':' || ${frameIndex})`;

/** A frame of a favoured label has w = 4 and not 1: its key is a quarter, so that it enters about four times as likely. */
export const favouredWeight = 4;

/** Places a sampled frame in the set: independent of whether it was sampled, so that a set is shuffled. */
export const orderHashSql = (seed: number, episodeId: string, frameIndex: string): string =>
  `hash(${sqlText(`${seed}:order:`)} || ${episodeId} || ':' || ${frameIndex})`;

/** Orders episodes of a robot, where only some may enter. */
export const episodeHashSql = (seed: number, episodeId: string): string =>
  `hash(${sqlText(`${seed}:episode:`)} || ${episodeId})`;

export const largestHash = 2n ** 64n - 1n;

/**
 * A hash below which a sample of `quota` out of `available` frames lies, all but certainly: the expected bound and ten
 * standard deviations. What lies below is little more than the sample, so that memory follows the sample and not the
 * frames there are. The caller checks that it holds enough.
 */
export function hashBound(quota: number, available: number): bigint {
  const fraction = available === 0 ? 1 : (quota + 10 * Math.sqrt(quota) + 100) / available;
  return fraction >= 1 ? largestHash : BigInt(Math.floor(fraction * 2 ** 53)) << 11n;
}
