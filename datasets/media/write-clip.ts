import { ClipError, clipTimescale, maxClipImages, maxClipSeconds, maxClipSide, maxImageBytes } from './clip-format.ts';

/** What is known of an image before its bytes are at hand. */
export interface ImageOfClip {
  /** Microseconds on any clock; each later than the one before. The clip keeps the distances to the first. */
  readonly atUs: number;
  readonly sizeBytes: number;
}

export interface ClipFormat {
  /** Pixels of each image. */
  readonly width: number;
  readonly height: number;
  /** Microseconds that the last image stands: the camera's period. */
  readonly periodUs: number;
  /** How each image is coded; JPEG unless given. A file of PNG images is for a transcoder alone: no clip of a store is one. */
  readonly images?: 'jpeg' | 'png';
}

/** 32 bits hold a little more than 71 minutes between two images. */
const maxGapUs = 2 ** 32 - 1;

/**
 * The head of an MP4 clip of motion JPEG: everything before the first image, whose bytes follow it one after another, in order, with
 * nothing between. Same input, same bytes. The table of images is in front, so that a reader needs one read for it; memory is 12
 * bytes an image. Throws ClipError for no images, more than 200,000, instants that do not rise, a gap of more than 71 minutes, or sizes that no image has.
 */
export function clipHead(format: ClipFormat, images: readonly ImageOfClip[]): Uint8Array {
  const deltas = deltasOf(format, images);
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const durationUs = deltas.reduce((sum, delta) => sum + delta, 0);
  const ftyp = box('ftyp', text('isom'), u32(0x200), text('isomiso2mp41'));
  const moovAt = (firstImageAt: number): Uint8Array =>
    box(
      'moov',
      fullBox('mvhd', 1, 0, zeros(16), u32(clipTimescale), u64(durationUs), movieConstants(), u32(2)),
      box(
        'trak',
        trackHeader(format, durationUs),
        box('mdia', ...mediaHeaders(durationUs), mediaInformation(format, images, deltas, firstImageAt)),
      ),
    );
  // The table has the same length whatever the offset in it.
  const mdatHeader = mediaDataHeader(bytes);
  const firstImageAt = ftyp.length + moovAt(0).length + mdatHeader.length;
  return joined([ftyp, moovAt(firstImageAt), mdatHeader]);
}

/**
 * A whole clip in pieces to write one after another, `clipHead` first: one image in memory at a time. Throws ClipError where the
 * bytes of an image are not as many as were announced, or where there are more or fewer images.
 */
export async function* writeClip(
  format: ClipFormat,
  images: readonly ImageOfClip[],
  jpegs: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield clipHead(format, images);
  let index = 0;
  for await (const jpeg of jpegs) {
    const expected = images[index]?.sizeBytes;
    if (jpeg.length !== expected)
      throw new ClipError(
        'damaged',
        `expected ${expected ?? 'no'} bytes of image ${index} of ${images.length}, got ${jpeg.length}`,
      );
    index += 1;
    yield jpeg;
  }
  if (index < images.length) throw new ClipError('truncated', `expected ${images.length} images, got ${index}`);
}

function deltasOf({ width, height, periodUs }: ClipFormat, images: readonly ImageOfClip[]): readonly number[] {
  if (images.length === 0 || images.length > maxClipImages)
    throw new ClipError('tooLarge', `expected 1 to ${maxClipImages} images, got ${images.length}`);
  for (const side of [width, height])
    if (!isWithin(side, 1, maxClipSide))
      throw new ClipError('tooLarge', `expected a side of 1 to ${maxClipSide} pixels, got ${side}`);
  if (!isWithin(periodUs, 1, maxGapUs))
    throw new ClipError('damaged', `expected a period of 1 to ${maxGapUs} µs, got ${periodUs}`);
  for (const { sizeBytes } of images)
    if (!isWithin(sizeBytes, 1, maxImageBytes))
      throw new ClipError('tooLarge', `expected an image of 1 to ${maxImageBytes} bytes, got ${sizeBytes}`);
  const deltas = images.map(({ atUs }, index) => {
    const next = images[index + 1];
    const delta = next === undefined ? periodUs : next.atUs - atUs;
    if (!isWithin(delta, 1, maxGapUs))
      throw new ClipError(
        'damaged',
        `expected image ${index + 1} 1 to ${maxGapUs} µs after the one before, got ${delta} µs`,
      );
    return delta;
  });
  const spanUs = (images.at(-1)?.atUs ?? 0) - (images[0]?.atUs ?? 0);
  if (spanUs > maxClipSeconds * clipTimescale)
    throw new ClipError('tooLarge', `expected a clip of at most ${maxClipSeconds} s, got ${spanUs / clipTimescale} s`);
  return deltas;
}

function isWithin(value: number, from: number, to: number): boolean {
  return Number.isSafeInteger(value) && value >= from && value <= to;
}

function trackHeader({ width, height }: ClipFormat, durationUs: number): Uint8Array {
  const enabledInMovie = 3;
  const times = [zeros(16), u32(1), zeros(4), u64(durationUs)];
  const layerAndVolume = zeros(16);
  return fullBox(
    'tkhd',
    1,
    enabledInMovie,
    ...times,
    layerAndVolume,
    unityMatrix(),
    u32(width * 65_536),
    u32(height * 65_536),
  );
}

function mediaHeaders(durationUs: number): readonly Uint8Array[] {
  const undeterminedLanguage = u32(0x55c4_0000);
  return [
    fullBox('mdhd', 1, 0, zeros(16), u32(clipTimescale), u64(durationUs), undeterminedLanguage),
    fullBox('hdlr', 0, 0, zeros(4), text('vide'), zeros(12), text('camera\0')),
  ];
}

function mediaInformation(
  format: ClipFormat,
  images: readonly ImageOfClip[],
  deltas: readonly number[],
  firstImageAt: number,
): Uint8Array {
  const withinThisFile = fullBox('url ', 0, 1);
  return box(
    'minf',
    fullBox('vmhd', 0, 1, zeros(8)),
    box('dinf', fullBox('dref', 0, 0, u32(1), withinThisFile)),
    box(
      'stbl',
      fullBox('stsd', 0, 0, u32(1), sampleEntry(format)),
      timeTable(deltas),
      // All images are one chunk: number 1, so many images, described by entry 1.
      fullBox('stsc', 0, 0, u32(1), u32(1), u32(images.length), u32(1)),
      sizeTable(images),
      fullBox('co64', 0, 0, u32(1), u64(firstImageAt)),
    ),
  );
}

/** MP4's own name of motion JPEG: an MPEG-4 entry whose object type is 0x6C, of PNG images 0x6D (ISO/IEC 14496-1, table 5). */
function sampleEntry({ width, height, images = 'jpeg' }: ClipFormat): Uint8Array {
  const imageObject = bytes(images === 'jpeg' ? 0x6c : 0x6d);
  const visualStream = bytes(0x11);
  const decoderConfiguration = descriptor(4, imageObject, visualStream, zeros(11));
  const esds = fullBox('esds', 0, 0, descriptor(3, zeros(3), decoderConfiguration, descriptor(6, bytes(2))));
  const dataReferenceOne = [zeros(6), u16(1), zeros(16)];
  const dotsPerInch = u32(72 * 65_536);
  const imagesPerSample = u16(1);
  return box(
    'mp4v',
    ...dataReferenceOne,
    u16(width),
    u16(height),
    dotsPerInch,
    dotsPerInch,
    zeros(4),
    imagesPerSample,
    zeros(32),
    u16(24),
    u16(0xffff),
    esds,
  );
}

/** Runs of equal distances: (how many, microseconds). */
function timeTable(deltas: readonly number[]): Uint8Array {
  const runs: { count: number; delta: number }[] = [];
  for (const delta of deltas) {
    const last = runs.at(-1);
    if (last?.delta === delta) last.count += 1;
    else runs.push({ count: 1, delta });
  }
  const table = new DataView(new ArrayBuffer(8 * runs.length));
  for (const [index, { count, delta }] of runs.entries()) {
    table.setUint32(8 * index, count);
    table.setUint32(8 * index + 4, delta);
  }
  return fullBox('stts', 0, 0, u32(runs.length), new Uint8Array(table.buffer));
}

function sizeTable(images: readonly ImageOfClip[]): Uint8Array {
  const table = new DataView(new ArrayBuffer(4 * images.length));
  for (const [index, { sizeBytes }] of images.entries()) table.setUint32(4 * index, sizeBytes);
  return fullBox('stsz', 0, 0, zeros(4), u32(images.length), new Uint8Array(table.buffer));
}

/** Sizes of more than 32 bits stand behind the name. */
function mediaDataHeader(size: number): Uint8Array {
  return size + 8 < 2 ** 32 ? joined([u32(size + 8), text('mdat')]) : joined([u32(1), text('mdat'), u64(size + 16)]);
}

/** Rate 1, volume 1, nothing turned. */
function movieConstants(): Uint8Array {
  return joined([u32(0x1_0000), u16(0x100), zeros(10), unityMatrix(), zeros(24)]);
}

function unityMatrix(): Uint8Array {
  return joined([u32(0x1_0000), zeros(12), u32(0x1_0000), zeros(12), u32(0x4000_0000)]);
}

function box(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, { length }) => sum + length, 8);
  return joined([u32(size), text(name), ...parts]);
}

function fullBox(name: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(name, bytes(version), bytes(0, flags >> 8, flags & 0xff), ...parts);
}

function descriptor(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(parts);
  return joined([bytes(tag, body.length), body]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function text(value: string): Uint8Array {
  return Uint8Array.from(value, (letter) => letter.charCodeAt(0));
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

function u16(value: number): Uint8Array {
  return bytes(value >> 8, value & 0xff);
}

function u32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}

function u64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value));
  return new Uint8Array(view.buffer);
}
