import { Binary, type Data, type RecordBatch } from 'apache-arrow';

import { imagePort } from '../../policies/images/camera-layers.ts';
import type { PictureCodec } from '../../policies/picture-codec.ts';
import { pictureBytes, type SeenCamera } from '../../policies/seen-images.ts';
import { pastImageColumn } from '../../datasets/training-set.ts';

/** Pixels of one block at most; blocks are what is decoded at once and shuffled together. */
const blockBytes = 8 * 1024 * 1024;
/** Pixels that stay decoded for as long as the file is open: with them, a small set is decoded once and not once a pass. */
const keptBytes = 128 * 1024 * 1024;

/** Rows [start, end) of a record batch. */
export interface Stretch {
  readonly batch: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts record batches into blocks whose images, `images` of a row and camera, take at most 8 MiB decoded; without cameras a batch is a block. */
export function stretchesOf(
  batchRows: readonly number[],
  cameras: readonly SeenCamera[],
  images = 1,
): readonly Stretch[] {
  const bytes = images * cameras.reduce((sum, camera) => sum + pictureBytes(camera), 0);
  const most = bytes === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(blockBytes / bytes));
  return batchRows.flatMap((rows, batch) =>
    Array.from({ length: Math.max(1, Math.ceil(rows / most)) }, (_, part) => ({
      batch,
      start: Math.min(rows, part * most || 0),
      end: Math.min(rows, (part + 1) * most),
    })),
  );
}

export interface ArrowImages {
  /** RGB of each camera, [rows, height, width, 3], or [rows, images, height, width, 3], of one block's rows; the caller must not change it. */
  decoded(block: number, stretch: Stretch, batch: RecordBatch): Promise<readonly Uint8Array[]>;
  /** The JPEG of a row of a batch, by camera; memory of its own. */
  encoded(batch: RecordBatch, row: number): ReadonlyMap<string, Uint8Array>;
}

/**
 * The columns `image.<camera>` (Arrow binary, JPEG of the learned size) of a set's record batches. All images of a block are handed
 * to the codec at once, so that its threads have work while this one runs the network. The first decoded blocks are kept, up to 128 MiB. With `images` above 1, rows have those of
 * the frames before as well, oldest first; one that is empty, because no policy looks, is black.
 */
export function arrowImages(
  cameras: readonly SeenCamera[],
  codec: PictureCodec,
  corrupt: (message: string, cause?: unknown) => Error,
  images = 1,
): ArrowImages {
  const kept = new Map<number, readonly Uint8Array[]>();
  let keptNow = 0;

  async function decodeCamera(camera: SeenCamera, batch: RecordBatch, { start, end }: Stretch): Promise<Uint8Array> {
    const { name, width, height } = camera;
    const size = pictureBytes(camera);
    const pixels = new Uint8Array((end - start) * images * size);
    const columns = Array.from({ length: images }, (_, back) => {
      const column = back === 0 ? imagePort(name) : pastImageColumn(name, back);
      return { column, data: binaryColumn(batch, column, corrupt) };
    }).toReversed();
    await Promise.all(
      Array.from({ length: (end - start) * images }, async (_, index) => {
        const [row, place] = [start + Math.floor(index / images), index % images];
        const { column, data } = columns[place] as (typeof columns)[number];
        const jpeg = jpegOf(data, row);
        if (jpeg.length === 0 && place < images - 1) return;
        try {
          pixels.set(await codec.exact(jpeg, width, height), index * size);
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw corrupt(
            `expected JPEG of ${width} × ${height} pixels in column ${column}, got another at row ${row} of a batch: ${why}`,
            cause,
          );
        }
      }),
    );
    return pixels;
  }

  return {
    async decoded(block, stretch, batch) {
      const known = kept.get(block);
      if (known !== undefined) return known;
      const pictures: Uint8Array[] = [];
      for (const camera of cameras) pictures.push(await decodeCamera(camera, batch, stretch));
      const bytes = pictures.reduce((sum, { length }) => sum + length, 0);
      if (keptNow + bytes <= keptBytes && !kept.has(block)) {
        keptNow += bytes;
        kept.set(block, pictures);
      }
      return pictures;
    },
    encoded: (batch, row) =>
      new Map(
        cameras.map(({ name }) => [name, jpegOf(binaryColumn(batch, imagePort(name), corrupt), row).slice()] as const),
      ),
  };
}

interface BinaryColumn {
  readonly values: Uint8Array;
  readonly valueOffsets: Int32Array;
}

function jpegOf(data: BinaryColumn, row: number): Uint8Array {
  const [start = 0, end = 0] = [data.valueOffsets[row], data.valueOffsets[row + 1]];
  return data.values.subarray(start, end);
}

function binaryColumn(batch: RecordBatch, name: string, corrupt: (message: string) => Error): BinaryColumn {
  const data = batch.getChild(name)?.data[0] as Data | undefined;
  const { values, valueOffsets } = (data ?? {}) as { values?: unknown; valueOffsets?: unknown };
  if (
    data?.type instanceof Binary &&
    data.nullCount === 0 &&
    values instanceof Uint8Array &&
    valueOffsets instanceof Int32Array &&
    isAscending(valueOffsets, batch.numRows, values.length)
  )
    return { values, valueOffsets };
  const got = data === undefined ? 'none' : `${JSON.stringify(data.type)} with ${data.nullCount} nulls`;
  throw corrupt(`expected column ${name} of binary without nulls, got ${got}`);
}

function isAscending(offsets: Int32Array, rows: number, end: number): boolean {
  if (offsets.length < rows + 1 || (offsets[rows] ?? 0) > end || (offsets[0] ?? -1) < 0) return false;
  for (let row = 0; row < rows; row += 1) if ((offsets[row + 1] ?? 0) < (offsets[row] ?? 0)) return false;
  return true;
}
