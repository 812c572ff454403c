import { appendFile, mkdir, mkdtemp, open, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { ClipError } from '../../datasets/media/clip-format.ts';
import type { ClipDecoder, DecodeJob, FrameTimes } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import { sha256Of } from '../training/training-run.ts';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** A clip in the store's own file, by the hash of its bytes. */
interface NamedClip {
  readonly sha256: string;
  readonly path: string;
}

/** A clip's images as JPEG of one size, all of them or those that frames see, in a local file that is open. */
export interface DecodedImages {
  /** Microseconds after the clip's first image. */
  readonly atUs: Float64Array;
  read(image: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Counts up when the same clip gives other images than before, so that no set mixes both. */
const imagesVersion = 3;
/** Folder below a worker's scratch folder. */
export const decodedFolder = 'decoded-clips';
const defaultMaxBytes = 8 * 1024 ** 3;
/** Others fill the folder, too: it is looked through after so many clips, and not after each, because that takes as long as there are clips. */
const lookEveryClips = 256;
const tableEntryBytes = 24;
const tailBytes = 8;
const magic = 0x464c_5931;

export interface DecodedClipsOptions {
  readonly scratchDirectory: string;
  readonly decoder: ClipDecoder;
  /** Bytes of decoded clips that are kept for the next set. */
  readonly maxBytes?: number;
}

/**
 * Decoded clips, kept on this machine by content and size, so that an image is decoded once: the least recently used go when they are more
 * than `maxBytes`. A file stands under its name only when it is whole; one that is not is made again. Several workers may share the folder.
 */
export class DecodedClips {
  readonly #options: Required<DecodedClipsOptions>;
  readonly #folder: string;
  readonly #making = new Map<string, Promise<void>>();
  /** Since the folder was last looked through: what it had then, and what was made since. */
  #bytes = Number.POSITIVE_INFINITY;
  #made = 0;

  constructor(options: DecodedClipsOptions) {
    this.#options = { maxBytes: defaultMaxBytes, ...options };
    this.#folder = join(options.scratchDirectory, decodedFolder);
  }

  /**
   * Throws ClipError for a clip whose bytes are not those that its name promises, or that cannot be decoded. With `frames`, the images that
   * these see are enough: then no others are decoded, and nothing is kept.
   */
  async open(clip: NamedClip, size: ImageSize, progress: Progress, frames?: FrameTimes): Promise<DecodedImages> {
    const path = join(this.#folder, `${clip.sha256}-${size.width}x${size.height}-${imagesVersion}`);
    const kept = await openDecoded(path);
    if (kept !== undefined) return kept;
    if (frames !== undefined) return this.#decodedInto(clip, { ...size, frames }, progress, openMade);
    const running = this.#making.get(path) ?? this.#make(clip, size, path, progress);
    this.#making.set(path, running);
    try {
      await running;
    } finally {
      this.#making.delete(path);
    }
    return openMade(path);
  }

  async #make(clip: NamedClip, size: ImageSize, path: string, progress: Progress): Promise<void> {
    await this.#decodedInto(clip, size, progress, async (made) => {
      const { size: madeBytes } = await stat(made);
      await rename(made, path);
      this.#bytes += madeBytes;
    });
    this.#made += 1;
    if (this.#bytes > this.#options.maxBytes || this.#made >= lookEveryClips) await this.#makeRoom(path);
  }

  /** Decodes into a file that is there for as long as it is used. */
  async #decodedInto<Result>(
    clip: NamedClip,
    wanted: ImageSize & Pick<DecodeJob, 'frames'>,
    progress: Progress,
    use: (made: string) => Promise<Result>,
  ): Promise<Result> {
    const got = await sha256Of({ filePath: clip.path });
    if (got !== clip.sha256) throw new ClipError('damaged', `expected a clip with sha256 ${clip.sha256}, got ${got}`);
    await mkdir(this.#folder, { recursive: true });
    const temporary = await mkdtemp(join(this.#folder, 'making-'));
    try {
      const outPath = join(temporary, 'images');
      const decoded = await this.#options.decoder.decode(
        { clipPath: clip.path, outPath, ...wanted, form: 'jpeg' },
        progress,
      );
      await appendFile(outPath, tableOf(decoded));
      return await use(outPath);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  async #makeRoom(newest: string): Promise<void> {
    this.#made = 0;
    const names = await readdir(this.#folder);
    const files = await Promise.all(
      names.map(async (name) => ({
        path: join(this.#folder, name),
        facts: await stat(join(this.#folder, name)).catch(() => undefined),
      })),
    );
    const kept = files
      .flatMap(({ path, facts }) =>
        facts?.isFile() === true ? [{ path, usedMs: facts.mtimeMs, size: facts.size }] : [],
      )
      .toSorted((a, b) => a.usedMs - b.usedMs);
    let bytes = kept.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of kept) {
      if (bytes <= this.#options.maxBytes) break;
      if (path === newest) continue;
      await rm(path, { force: true });
      bytes -= size;
    }
    this.#bytes = bytes;
  }
}

/** Behind the images: instant, place and size of each as doubles; then how many there are, and a mark. */
function tableOf({ atUs, sizes }: { readonly atUs: readonly number[]; readonly sizes: readonly number[] }): Uint8Array {
  const view = new DataView(new ArrayBuffer(tableEntryBytes * sizes.length + tailBytes));
  let offset = 0;
  for (const [index, size] of sizes.entries()) {
    const at = tableEntryBytes * index;
    view.setFloat64(at, atUs[index] ?? 0);
    view.setFloat64(at + 8, offset);
    view.setFloat64(at + 16, size);
    offset += size;
  }
  view.setUint32(tableEntryBytes * sizes.length, sizes.length);
  view.setUint32(tableEntryBytes * sizes.length + 4, magic);
  return new Uint8Array(view.buffer);
}

async function openMade(path: string): Promise<DecodedImages> {
  const made = await openDecoded(path);
  if (made === undefined) throw new Error(`expected the images that were just decoded in ${path}, got none`);
  return made;
}

/** Undefined where there is no such file, or one that is not whole. */
async function openDecoded(path: string): Promise<DecodedImages | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  const table = await readTable(file).catch(() => undefined);
  if (table === undefined) {
    await file.close();
    return undefined;
  }
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
  return {
    atUs: table.atUs,
    read: (image) => readAt(file, table.offsets[image] ?? 0, table.sizes[image] ?? 0),
    close: () => file.close(),
  };
}

async function readTable(file: FileHandle) {
  const { size } = await file.stat();
  const tail = viewOf(await readAt(file, size - tailBytes, tailBytes));
  const count = tail.getUint32(0);
  const start = size - tailBytes - count * tableEntryBytes;
  if (tail.getUint32(4) !== magic || start < 0) return undefined;
  const view = viewOf(await readAt(file, start, count * tableEntryBytes));
  const column = (at: number) =>
    Float64Array.from({ length: count }, (_, index) => view.getFloat64(tableEntryBytes * index + at));
  const [atUs, offsets, sizes] = [column(0), column(8), column(16)];
  return (offsets.at(-1) ?? 0) + (sizes.at(-1) ?? 0) === start ? { atUs, offsets, sizes } : undefined;
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
  if (bytesRead < length) throw new Error(`expected ${length} bytes at ${start} of decoded images, got ${bytesRead}`);
  return buffer;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
