import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { ImportError } from './import-summary.ts';
import { firstBytes, refusePointer } from './source-files.ts';
import { inUtf8, type TableEncoding } from './text-encoding.ts';

const pieceBytes = 256 * 1024;

/** Text of a file in pieces of UTF-8, also of one that gzip has compressed; undefined: its byte order mark, or UTF-8. Returning ends the reading. */
export async function* textPieces(file: string, encoding: TableEncoding | undefined): AsyncGenerator<Buffer> {
  yield* inUtf8(filePieces(file), encoding);
}

/** Bytes of a file in pieces, decompressed where gzip has compressed it. Throws for what is no file, or a pointer to one. */
export async function* filePieces(file: string): AsyncGenerator<Buffer> {
  await refusePointer(file);
  const [first, second] = await firstBytes(file, 2);
  const source = createReadStream(file, { highWaterMark: pieceBytes });
  try {
    yield* first === 0x1f && second === 0x8b ? decompressed(source, file) : (source as AsyncIterable<Buffer>);
  } finally {
    source.destroy();
  }
}

async function* decompressed(source: ReadStream, file: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  // Whatever ends the one ends the other; what went wrong comes out of the loop.
  pipeline(source, gunzip, () => {});
  try {
    for await (const piece of gunzip) yield piece as Buffer;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code?.startsWith('Z_') !== true) throw cause;
    throw new ImportError(
      `expected a whole gzip file, got one that is cut off or damaged: decompress it with gunzip to see how far it can be read [file=${file}]`,
      { cause },
    );
  } finally {
    gunzip.destroy();
  }
}
