import { ClipError } from './clip-format.ts';

/** A box of an MP4 file within bytes that are in memory. */
export interface Box {
  readonly name: string;
  /** What stands after size and name. */
  readonly body: DataView;
}

/** Boxes within one box at most: ours have eight. */
const maxBoxes = 64;

/** What a header of 8 or 16 bytes says; `sizeBytes` counts the header, and 0 stands for "to the end". */
export interface BoxHeader {
  readonly name: string;
  readonly headerBytes: number;
  readonly sizeBytes: number;
}

/** Reads the header at an offset; throws ClipError where it is cut off or has an impossible size. */
export function boxHeader(view: DataView, at: number): BoxHeader {
  need(view, at, 8);
  const short = view.getUint32(at);
  const name = String.fromCharCode(...[4, 5, 6, 7].map((index) => view.getUint8(at + index)));
  if (short === 0) return { name, headerBytes: 8, sizeBytes: 0 };
  if (short === 1) {
    need(view, at, 16);
    const sizeBytes = wide(view, at + 8);
    if (sizeBytes < 16) throw new ClipError('damaged', `expected a box of at least 16 bytes, got ${sizeBytes}`);
    return { name, headerBytes: 16, sizeBytes };
  }
  if (short < 8) throw new ClipError('damaged', `expected a box of at least 8 bytes, got ${short}`);
  return { name, headerBytes: 8, sizeBytes: short };
}

/** The boxes that fill a range of a box's body, 64 at most. */
export function boxesIn(view: DataView, start = 0): readonly Box[] {
  const found: Box[] = [];
  for (let at = start; at + 8 <= view.byteLength;) {
    if (found.length === maxBoxes) throw new ClipError('damaged', `expected at most ${maxBoxes} boxes within one`);
    const { name, headerBytes, sizeBytes } = boxHeader(view, at);
    const size = sizeBytes === 0 ? view.byteLength - at : sizeBytes;
    need(view, at, size);
    found.push({ name, body: new DataView(view.buffer, view.byteOffset + at + headerBytes, size - headerBytes) });
    at += size;
  }
  return found;
}

/** The only box of that name; throws ClipError when there is none, or several. */
export function onlyBox(boxes: readonly Box[], name: string): DataView {
  const [first, ...others] = boxes.filter((box) => box.name === name);
  if (first === undefined || others.length > 0)
    throw new ClipError(
      first === undefined ? 'damaged' : 'unsupported',
      `expected one box "${name}", got ${first === undefined ? 'none' : others.length + 1}`,
    );
  return first.body;
}

/** The boxes of the only box of that name. */
export function within(boxes: readonly Box[], ...path: readonly string[]): readonly Box[] {
  return path.reduce<readonly Box[]>((inside, name) => boxesIn(onlyBox(inside, name)), boxes);
}

/** Throws ClipError unless so many bytes stand at an offset: before each read of a field whose place the file itself says. */
export function need(view: DataView, at: number, length: number): void {
  if (at + length > view.byteLength)
    throw new ClipError('truncated', `expected ${length} bytes at ${at} of a box, got ${view.byteLength - at}`);
}

/** An unsigned number of 64 bits that this machine can count with. */
export function wide(view: DataView, at: number): number {
  need(view, at, 8);
  const value = view.getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ClipError('damaged', `expected a number below 2^53, got ${value}`);
  return Number(value);
}

/** A table of `count` entries after so many bytes: its length is proven before anything is made of it. */
export function tableOf(
  view: DataView,
  { countAt, entryBytes, most, what }: { countAt: number; entryBytes: number; most: number; what: string },
): { readonly count: number; readonly start: number } {
  need(view, countAt, 4);
  const count = view.getUint32(countAt);
  if (count > most) throw new ClipError('tooLarge', `expected at most ${most} ${what}, got ${count}`);
  need(view, countAt + 4, count * entryBytes);
  return { count, start: countAt + 4 };
}
