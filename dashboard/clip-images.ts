import type { ClipImagesAnswer } from '../console/answers/clips.ts';

export type ClipPlaces = Extract<ClipImagesAnswer, { state: 'read' }>;
export type ReadBytes = (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;

/** What a viewer is told of a clip that cannot be shown. */
export class ClipTrouble extends Error {}

const blockBytes = 1024 * 1024;
const mostBlocks = 16;
/** Bytes that are decoded in one go at most: one image may have more than all of a sound clip. */
const mostSpanBytes = 16 * 1024 * 1024;
/** Images that are kept before and after the one that is looked at. */
const [behind, ahead] = [4, 12];
/** Pixels along the longer side of an image that is kept. */
const mostPixels = 640;

/** A file in blocks that are read when they are needed; the ones used last stay. */
export class FileBlocks {
  readonly #read: ReadBytes;
  readonly #blocks = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(read: ReadBytes) {
    this.#read = read;
  }

  async bytes(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = Math.floor(start / blockBytes);
    const last = Math.floor((end - 1) / blockBytes);
    const whole = new Uint8Array(end - start);
    for (let block = first; block <= last; block += 1) {
      const from = block * blockBytes;
      const part = (await this.#block(block)).subarray(Math.max(0, start - from), end - from);
      whole.set(part, Math.max(0, from - start));
    }
    return whole;
  }

  #block(block: number): Promise<Uint8Array<ArrayBuffer>> {
    const start = block * blockBytes;
    const found = this.#blocks.get(block) ?? this.#read(start, start + blockBytes);
    this.#blocks.delete(block);
    this.#blocks.set(block, found);
    // What could not be read is asked for again.
    found.catch(() => this.#blocks.delete(block));
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= mostBlocks) break;
      this.#blocks.delete(oldest);
    }
    return found;
  }
}

/** Images that are decoded together for one of them: from the last one that stands by itself, to some that will be looked at next. */
export function spanOf(
  { codec, keys, atUs }: Pick<ClipPlaces, 'codec' | 'keys' | 'atUs'>,
  index: number,
): { readonly start: number; readonly end: number } {
  const end = Math.min(atUs.length, index + ahead + 1);
  if (codec === 'jpeg') return { start: index, end };
  const start = keys.findLast((key) => key <= index) ?? 0;
  return { start, end: Math.min(end, keys.find((key) => key > index) ?? end) };
}

/**
 * The image that was there at an instant, milliseconds after the first one; −1: before the first. Frames are told in whole milliseconds, so an image within the same
 * millisecond is not a later one.
 */
export const imageAt = (atUs: readonly number[], atMs: number): number => {
  let [low, high] = [0, atUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((atUs[middle] ?? 0) < (atMs + 1) * 1_000) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** Single images of a clip, decoded when they are looked at; those around the last one are kept, in the size of the screen. */
export class ClipImages {
  readonly #places: ClipPlaces;
  readonly #file: FileBlocks;
  readonly #kept = new Map<number, ImageBitmap>();

  constructor(places: ClipPlaces, read: ReadBytes) {
    this.#places = places;
    this.#file = new FileBlocks(read);
  }

  async image(index: number): Promise<ImageBitmap> {
    const known = this.#kept.get(index);
    if (known !== undefined) return known;
    const span = spanOf(this.#places, index);
    const decoded = await this.#decoded(span, Math.max(span.start, index - behind));
    for (const [at, image] of this.#kept) if (!decoded.has(at)) image.close();
    this.#kept.clear();
    for (const [at, image] of decoded) this.#kept.set(at, image);
    const image = decoded.get(index);
    if (image === undefined) throw new ClipTrouble('the browser decoded the clip, and this image was not in it');
    return image;
  }

  close(): void {
    for (const image of this.#kept.values()) image.close();
    this.#kept.clear();
  }

  async #decoded(
    { start, end }: { readonly start: number; readonly end: number },
    from: number,
  ): Promise<ReadonlyMap<number, ImageBitmap>> {
    const { codec, offsets, sizes } = this.#places;
    const placeOf = (index: number): number => offsets[index] ?? 0;
    const firstByte = placeOf(start);
    let stop = start + 1;
    while (stop < end && placeOf(stop) + (sizes[stop] ?? 0) - firstByte <= mostSpanBytes) stop += 1;
    const lastByte = placeOf(stop - 1) + (sizes[stop - 1] ?? 0);
    if (lastByte - firstByte > mostSpanBytes) throw new ClipTrouble('an image of it is too large for this page');
    const bytes = await this.#file.bytes(firstByte, lastByte);
    const images = Array.from({ length: stop - start }, (_, at) => {
      const offset = placeOf(start + at) - firstByte;
      return bytes.subarray(offset, offset + (sizes[start + at] ?? 0));
    });
    return codec === 'jpeg' ? this.#jpegs(images, start) : this.#coded(images, start, from);
  }

  async #jpegs(images: readonly Uint8Array<ArrayBuffer>[], start: number): Promise<ReadonlyMap<number, ImageBitmap>> {
    const decoded = images.map((bytes) => createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }), this.#size()));
    return new Map(
      (await allOf(decoded, 'an image of it cannot be decoded')).map((image, at) => [start + at, image] as const),
    );
  }

  async #coded(
    images: readonly Uint8Array<ArrayBuffer>[],
    start: number,
    from: number,
  ): Promise<ReadonlyMap<number, ImageBitmap>> {
    const config = await this.#config();
    const keys = new Set(this.#places.keys);
    const decoded = new Map<number, Promise<ImageBitmap>>();
    let trouble: unknown;
    const decoder = new VideoDecoder({
      output: (frame) => {
        // Numbers of images stand in for their times: a decoder hands them through.
        const index = frame.timestamp;
        if (index < from) return frame.close();
        const image = createImageBitmap(frame, this.#size()).finally(() => frame.close());
        image.catch(() => undefined);
        decoded.set(index, image);
      },
      error: (error) => {
        trouble = error;
      },
    });
    try {
      decoder.configure(config);
      for (const [at, data] of images.entries())
        decoder.decode(
          new EncodedVideoChunk({ type: keys.has(start + at) ? 'key' : 'delta', timestamp: start + at, data }),
        );
      await decoder.flush();
    } catch (error) {
      trouble ??= error;
    } finally {
      if (decoder.state !== 'closed') decoder.close();
    }
    const bitmaps = await allOf([...decoded.values()], 'an image of it cannot be drawn');
    if (trouble !== undefined) {
      for (const image of bitmaps) image.close();
      throw new ClipTrouble('this browser cannot decode it: it is damaged, or of another kind than it says');
    }
    return new Map([...decoded.keys()].map((index, at) => [index, bitmaps[at] as ImageBitmap]));
  }

  async #config(): Promise<VideoDecoderConfig> {
    const { codec, configuration, width, height } = this.#places;
    const isAv1 = codec.startsWith('av01');
    // Browsers have decoders only for pages of this machine or by HTTPS.
    if (typeof VideoDecoder === 'undefined')
      throw new ClipTrouble(
        isSecureContext
          ? 'this browser has no decoder for single images of a video'
          : 'browsers decode video for pages by HTTPS only: open the console by HTTPS, or on its own machine',
      );
    const config: VideoDecoderConfig = {
      codec,
      codedWidth: width,
      codedHeight: height,
      optimizeForLatency: true,
      // AV1 has in its stream what H.264 has beside it.
      ...(configuration === null || isAv1 ? {} : { description: bytesOf(configuration) }),
    };
    const support = await VideoDecoder.isConfigSupported(config).catch(() => undefined);
    if (support?.supported !== true)
      throw new ClipTrouble(`this browser cannot decode ${isAv1 ? 'AV1' : 'H.264'} (${codec})`);
    return config;
  }

  #size(): ImageBitmapOptions {
    const { width, height } = this.#places;
    const scale = Math.min(1, mostPixels / Math.max(width, height));
    return {
      resizeWidth: Math.max(1, Math.round(width * scale)),
      resizeHeight: Math.max(1, Math.round(height * scale)),
    };
  }
}

/** All of them, or none is left open. */
async function allOf(images: readonly Promise<ImageBitmap>[], trouble: string): Promise<readonly ImageBitmap[]> {
  const settled = await Promise.allSettled(images);
  const made = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (made.length === settled.length) return made;
  for (const image of made) image.close();
  throw new ClipTrouble(trouble);
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
