import { need, onlyBox, tableOf, wide, type Box } from './clip-boxes.ts';
import { ClipError, clipTimescale, maxClipImages, maxClipSeconds, maxImageBytes } from './clip-format.ts';

/** One image of a clip. */
export interface ClipSample {
  /** Microseconds after the first image, which has 0. */
  readonly atUs: number;
  /** Where its bytes stand in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Whether it can be decoded without those before it. */
  readonly isKey: boolean;
}

/** The images that the boxes of a sample table (`stbl`) describe, proven to lie one after another within the file. */
export function samplesOf(table: readonly Box[], timescale: number, fileBytes: number): readonly ClipSample[] {
  refuseReordered(table);
  const sizes = sizesOf(onlyBox(table, 'stsz'));
  const instants = instantsOf(onlyBox(table, 'stts'), sizes.length, timescale);
  const offsets = offsetsOf(table, sizes);
  const keys = keysOf(table, sizes.length);
  let end = 0;
  return sizes.map((sizeBytes, index) => {
    const offset = offsets[index] ?? 0;
    if (offset < end) throw new ClipError('damaged', `expected image ${index} behind the one before, got it within`);
    end = offset + sizeBytes;
    if (end > fileBytes)
      throw new ClipError('truncated', `expected image ${index} within ${fileBytes} bytes, got its end at ${end}`);
    return { atUs: instants[index] ?? 0, offset, sizeBytes, isKey: keys?.has(index) ?? true };
  });
}

/** `ctts` shifts images against the order they are stored in: B-frames. All zero means none. */
function refuseReordered(table: readonly Box[]): void {
  if (!table.some(({ name }) => name === 'ctts')) return;
  const view = onlyBox(table, 'ctts');
  const { count, start } = tableOf(view, { countAt: 4, entryBytes: 8, most: maxClipImages, what: 'shifts of time' });
  for (let index = 0; index < count; index += 1)
    if (view.getUint32(start + 8 * index + 4) !== 0)
      throw new ClipError('unsupported', 'expected images in the order of their times, got B-frames (a box "ctts")');
}

function sizesOf(view: DataView): readonly number[] {
  need(view, 4, 4);
  const common = view.getUint32(4);
  const entryBytes = common === 0 ? 4 : 0;
  const { count, start } = tableOf(view, { countAt: 8, entryBytes, most: maxClipImages, what: 'images' });
  if (count === 0) throw new ClipError('damaged', 'expected at least one image, got none');
  return Array.from({ length: count }, (_, index) => {
    const size = common === 0 ? view.getUint32(start + 4 * index) : common;
    if (size === 0 || size > maxImageBytes)
      throw new ClipError(
        size === 0 ? 'damaged' : 'tooLarge',
        `expected an image of 1 to ${maxImageBytes} bytes, got ${size}`,
      );
    return size;
  });
}

function instantsOf(view: DataView, images: number, timescale: number): Float64Array {
  const { count, start } = tableOf(view, { countAt: 4, entryBytes: 8, most: maxClipImages, what: 'runs of times' });
  const instants = new Float64Array(images);
  let [index, now] = [0, 0];
  for (let run = 0; run < count; run += 1) {
    const length = view.getUint32(start + 8 * run);
    const delta = view.getUint32(start + 8 * run + 4);
    if (length > images - index)
      throw new ClipError('damaged', `expected times of ${images} images, got more (a box "stts")`);
    for (const end = index + length; index < end; index += 1) {
      if (now > maxClipSeconds * timescale)
        throw new ClipError('tooLarge', `expected a clip of at most ${maxClipSeconds} s, got a longer one`);
      instants[index] = timescale === clipTimescale ? now : Math.round((now / timescale) * clipTimescale);
      now += delta;
      if (index > 0 && (instants[index] ?? 0) <= (instants[index - 1] ?? 0))
        throw new ClipError('damaged', `expected image ${index} later than the one before, got the same instant`);
    }
  }
  if (index < images) throw new ClipError('damaged', `expected times of ${images} images, got those of ${index}`);
  return instants;
}

/** Runs of chunks with so many images each (`stsc`), and where each chunk starts (`stco`, or `co64` with 64 bits). */
function offsetsOf(table: readonly Box[], sizes: readonly number[]): Float64Array {
  const isWide = table.some(({ name }) => name === 'co64');
  const chunks = onlyBox(table, isWide ? 'co64' : 'stco');
  const entryBytes = isWide ? 8 : 4;
  const { count, start } = tableOf(chunks, { countAt: 4, entryBytes, most: maxClipImages, what: 'chunks' });
  const lengths = chunkLengthsOf(onlyBox(table, 'stsc'), count);
  const offsets = new Float64Array(sizes.length);
  let index = 0;
  for (let chunk = 0; chunk < count; chunk += 1) {
    let at = isWide ? wide(chunks, start + 8 * chunk) : chunks.getUint32(start + 4 * chunk);
    const length = lengths[chunk] ?? 0;
    if (length > sizes.length - index)
      throw new ClipError('damaged', `expected places of ${sizes.length} images, got more (a box "stsc")`);
    for (const end = index + length; index < end; index += 1) {
      offsets[index] = at;
      at += sizes[index] ?? 0;
    }
  }
  if (index < sizes.length)
    throw new ClipError('damaged', `expected places of ${sizes.length} images, got those of ${index}`);
  return offsets;
}

function chunkLengthsOf(view: DataView, chunks: number): Uint32Array {
  const { count, start } = tableOf(view, { countAt: 4, entryBytes: 12, most: maxClipImages, what: 'runs of chunks' });
  const lengths = new Uint32Array(chunks);
  let from = 1;
  for (let run = 0; run < count; run += 1) {
    const first = view.getUint32(start + 12 * run);
    const length = view.getUint32(start + 12 * run + 4);
    const next = run + 1 < count ? view.getUint32(start + 12 * (run + 1)) : chunks + 1;
    if (first !== from || next <= first || next > chunks + 1)
      throw new ClipError('damaged', 'expected runs of chunks in order, got others (a box "stsc")');
    if (view.getUint32(start + 12 * run + 8) !== 1)
      throw new ClipError('unsupported', 'expected one description of all images, got several');
    lengths.fill(length, first - 1, next - 1);
    from = next;
  }
  if (from !== chunks + 1) throw new ClipError('damaged', `expected ${chunks} chunks, got ${from - 1} (a box "stsc")`);
  return lengths;
}

/** Indexes of images that stand by themselves; undefined: all do. */
function keysOf(table: readonly Box[], images: number): ReadonlySet<number> | undefined {
  if (!table.some(({ name }) => name === 'stss')) return undefined;
  const view = onlyBox(table, 'stss');
  const { count, start } = tableOf(view, { countAt: 4, entryBytes: 4, most: images, what: 'whole images' });
  const keys = new Set(Array.from({ length: count }, (_, index) => view.getUint32(start + 4 * index) - 1));
  if (!keys.has(0)) throw new ClipError('damaged', 'expected a first image that stands by itself, got none');
  return keys;
}
