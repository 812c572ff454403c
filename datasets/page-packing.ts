import * as zlib from 'node:zlib';

/** How pages of segments are cut and compressed. */
export interface PagePacking {
  readonly codec: 'GZIP' | 'ZSTD';
  /** Undefined: a row group has one page of each column. */
  readonly rowsPerPage?: number;
  readonly packed: (body: Uint8Array) => Uint8Array;
}

/** As robots write them: every reader has gzip, and small pages take little memory. */
export const robotPacking: PagePacking = { codec: 'GZIP', rowsPerPage: 256, packed: (body) => zlib.gzipSync(body) };

// The types of Node.js 20, which the project has, do not know it; Node.js from 22.15 on has it.
const { zstdCompressSync, constants } = zlib as unknown as {
  zstdCompressSync: (bytes: Uint8Array, options: object) => Uint8Array;
  constants: { ZSTD_c_compressionLevel: number };
};

/** As importers write them: the same values in a fraction of the time, in files that are about as large. Segments that come back from quarantine are zstd, too. */
export const importPacking: PagePacking = {
  codec: 'ZSTD',
  packed: (body) => zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
};
