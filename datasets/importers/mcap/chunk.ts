import { crc32, zstdDecompressSync } from 'node:zlib';

import { ByteCursor, McapProblem } from './byte-cursor.ts';
import { mcapLimits } from './limits.ts';
import { decompressLz4 } from './lz4-frame.ts';

declare module 'node:zlib' {
  /** Node 22.15 and later; the types of this project are older. */
  function zstdDecompressSync(bytes: Uint8Array, options: { readonly maxOutputLength: number }): Buffer;
}

/** What stands before the records of a chunk: https://mcap.dev/spec#chunk-op0x06 */
export interface ChunkHead {
  readonly startUs: number;
  readonly endUs: number;
  readonly sizeBytes: number;
  readonly crc: number;
  readonly compression: string;
}

/** Enough for the head of every chunk. */
export const mostChunkHeadBytes = 8 + 8 + 8 + 4 + 4 + 32 + 8;

export function chunkHead(cursor: ByteCursor): ChunkHead {
  return {
    startUs: cursor.timeUs(),
    endUs: cursor.timeUs(),
    sizeBytes: cursor.u64(),
    crc: cursor.u32(),
    compression: cursor.text(32),
  };
}

/** The records of a chunk, from its content. `McapProblem` with the reason for one that is too large, damaged, or compressed in another way. */
export function chunkRecords(content: Uint8Array): Uint8Array {
  const cursor = new ByteCursor(content);
  const { sizeBytes, crc, compression } = chunkHead(cursor);
  const length = cursor.u64();
  if (length > content.length - cursor.at) throw new McapProblem('a chunk that is shorter than it says');
  const records = content.subarray(cursor.at, cursor.at + length);
  const most = Math.max(mcapLimits.smallChunkBytes, length * mcapLimits.chunkRatio);
  if (sizeBytes > Math.min(mcapLimits.chunkBytes, most))
    throw new McapProblem('a chunk that would become too large when it is decompressed');
  const bytes = decompressed(records, compression, sizeBytes);
  if (bytes.length !== sizeBytes) throw new McapProblem('a chunk of another size than it says');
  if (crc !== 0 && crc32(bytes) !== crc) throw new McapProblem('a chunk with a wrong checksum');
  return bytes;
}

function decompressed(records: Uint8Array, compression: string, sizeBytes: number): Uint8Array {
  if (compression === '') return records;
  if (sizeBytes === 0) return new Uint8Array();
  if (compression === 'lz4') return decompressLz4(records, sizeBytes);
  if (compression !== 'zstd') throw new McapProblem('a chunk that is compressed by neither lz4 nor zstd');
  try {
    return zstdDecompressSync(records, { maxOutputLength: sizeBytes });
  } catch (cause) {
    throw new McapProblem('Zstandard data that is damaged, or larger than its chunk says', { cause });
  }
}
