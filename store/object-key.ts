import { failure } from './failures.ts';
import type { ByteRange } from './object-store.ts';

const maxKeyBytes = 1_024;
const maxSegmentBytes = 255;

/** The first segment that no key may have: the file store writes its unfinished files under it. */
export const reservedSegment = '.flywheel-unfinished';

/** Control characters do not survive the XML of an S3 listing, lone surrogates no UTF-8 at all. */
const unstorable = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u;

/**
 * Refuses with `InvalidInput` a key that not every store can hold, so that objects can move from any store to any other:
 * empty or over 1,024 bytes of UTF-8, an empty, `.` or `..` segment (so no leading or trailing `/`), a segment over 255
 * bytes (longest file name), control characters, text that is not well-formed, the reserved first segment.
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key) ?? segmentsProblem(key.split('/'));
  if (problem !== undefined) throw invalid('an object key', problem, key);
}

/** Refuses a prefix that no allowed key can start with. An empty prefix means every object; the last segment may be part of one. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  const problem = keyProblem(prefix) ?? segmentsProblem(prefix.split('/').slice(0, -1));
  if (problem !== undefined) throw invalid('a key prefix', problem, prefix);
}

/** Refuses a range that is not `0 ≤ start ≤ end`; `end` may be infinite. */
export function checkRange(range: ByteRange | undefined, key: string): void {
  if (range === undefined) return;
  const { start, end } = range;
  const isEndCounted = Number.isSafeInteger(end) || end === Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(start) && start >= 0 && isEndCounted && end >= start) return;
  throw failure('InvalidInput', `expected a byte range with 0 ≤ start ≤ end, got start ${start} and end ${end}`, {
    coordinates: { key },
  });
}

/** Orders keys by the bytes of their UTF-8, which is the order of S3 listings; JavaScript's `<` differs above U+FFFF. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) return byteRank(leftUnit) - byteRank(rightUnit);
  }
  return left.length - right.length;
}

/** Moves surrogates, halves of characters above U+FFFF, behind the rest of the 16-bit range. */
function byteRank(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit < 0xe000;
  return isSurrogate ? codeUnit + 0x10000 : codeUnit;
}

/** `.parquet` of `a/b.parquet`: engines go by it; empty when there is none or none worth keeping. */
export function keyExtension(key: string): string {
  return /\.[A-Za-z0-9]{1,16}$/.exec(key)?.[0] ?? '';
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'an empty one';
  if (unstorable.test(key)) return 'one with a control character or ill-formed text';
  const sizeBytes = Buffer.byteLength(key);
  return sizeBytes > maxKeyBytes ? `one of ${sizeBytes} bytes` : undefined;
}

function segmentsProblem(segments: readonly string[]): string | undefined {
  if (segments[0] === reservedSegment) return `one under ${reservedSegment}, which the store keeps for itself`;
  for (const segment of segments) {
    if (segment === '') return 'one with an empty segment';
    if (segment === '.' || segment === '..') return `one with the segment "${segment}"`;
    const sizeBytes = Buffer.byteLength(segment);
    if (sizeBytes > maxSegmentBytes) return `one with a segment of ${sizeBytes} bytes`;
  }
  return undefined;
}

function invalid(what: string, got: string, key: string): Error {
  return failure(
    'InvalidInput',
    `expected ${what} of at most ${maxKeyBytes} bytes, with segments of 1 to ${maxSegmentBytes} bytes that are not "." or "..", got ${got}`,
    { coordinates: { key: JSON.stringify(key.slice(0, maxSegmentBytes)) } },
  );
}
