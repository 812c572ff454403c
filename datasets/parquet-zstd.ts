import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';

const require = createRequire(import.meta.url);
const { PARQUET_COMPRESSION_METHODS } = require('parquetjs-lite/lib/compression.js') as {
  PARQUET_COMPRESSION_METHODS: Record<string, { inflate: (bytes: Uint8Array) => Uint8Array; deflate?: unknown }>;
};
const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync: (bytes: Uint8Array) => Uint8Array };

/** The library knows the name of zstd and not how to read it; the lake's files and imported segments are zstd. */
export function teachZstd(): void {
  PARQUET_COMPRESSION_METHODS['ZSTD'] ??= { inflate: zstdDecompressSync, deflate: undefined };
}
