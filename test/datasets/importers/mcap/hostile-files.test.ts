import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';

import * as fc from 'fast-check';

import { ImportError } from '../../../../datasets/importers/import-summary.ts';
import { openMcap } from '../../../../datasets/importers/mcap/import-mcap.ts';
import { tableEpisodes } from '../../../../datasets/importers/table-episodes.ts';
import { Tally } from '../../../../datasets/importers/tally.ts';
import { cart, cartMap } from '../cart.ts';
import { mcapBytes, startS, type TestMessage } from './mcap-file.ts';

const map = cartMap({
  time: { kind: 'log' },
  mcap: { frames: { topic: '/cart' }, maxAgeS: 1 },
  episodes: { by: { kind: 'gap', longerThanS: 60 } },
  observations: ['place', 'angle'].map((name) => ({ name, column: `/cart.${name}` })),
  actions: { kind: 'continuous', ranges: [{ name: 'speed', column: '/cart.speed' }] },
});
const messages: readonly TestMessage[] = Array.from({ length: 60 }, (_, index) => ({
  topic: '/cart',
  t: index / 10,
  data: { place: index % 7, angle: 0.5, speed: 0.25 },
}));
const topics = [{ topic: '/cart' }];

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const record = (opcode: number, ...content: readonly Uint8Array[]) => {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([opcode]), u64(BigInt(body.length)), body]);
};
const ns = (t: number) => u64(BigInt(startS + t) * 1_000_000_000n);
const text = (value: string) => Buffer.concat([u32(value.length), Buffer.from(value)]);
interface ChunkClaims {
  readonly size?: number;
  readonly crc?: number;
  readonly compression?: string;
  readonly startT?: number;
}
/** A chunk that says of itself what it is told to. */
function chunk(records: Uint8Array, { size, crc = 0, compression = 'zstd', startT = 0 }: ChunkClaims = {}) {
  const packed = compression === 'zstd' ? zstdCompressSync(records) : records;
  const head = [ns(startT), ns(startT + 1), u64(BigInt(size ?? records.length)), u32(crc), text(compression)];
  return record(6, ...head, u64(BigInt(packed.length)), packed);
}

describe('a hostile or damaged MCAP file', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-mcap-hostile-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(bytes: Uint8Array) {
    const path = join(folder, 'hostile.mcap');
    await writeFile(path, bytes);
    const tally = new Tally();
    const source = await openMcap({ path, map, type: cart }, tally);
    let frames = 0;
    for await (const episode of tableEpisodes({ ...source, map, type: cart, tally }, { rows: 0 }))
      frames += episode.frames.length;
    source.reader.end();
    return {
      frames,
      notTaken: tally.result().notTaken.map(({ what, reason, count }) => `${count} ${what}: ${reason}`),
    };
  }
  /** In front of the file's own first chunk. */
  async function withFirst(...records: readonly Uint8Array[]) {
    const bytes = await mcapBytes(topics, messages);
    const start = 8 + 9 + Number(bytes.readBigUInt64LE(9));
    return read(Buffer.concat([bytes.subarray(0, start), ...records, bytes.subarray(start)]));
  }

  it('is read up to where it is cut off, and says so', async () => {
    for (const options of [{}, { useChunks: false }]) {
      const bytes = await mcapBytes(topics, messages, options);
      let most = 0;
      for (let length = 8; length < bytes.length; length += Math.ceil(bytes.length / 40)) {
        const { frames, notTaken } = await read(bytes.subarray(0, length));
        assert.ok(frames >= most && frames <= 60);
        most = frames;
        if (frames < 60) assert.match(notTaken.join(), /cut off in the record|ends without its end mark/);
      }
      assert.equal((await read(bytes)).notTaken.length, 0);
      assert.equal(most, 60);
    }
    await assert.rejects(read(Buffer.from('no MCAP, but as long')), /expected an MCAP file/);
    await assert.rejects(read(Buffer.alloc(0)), /expected an MCAP file/);
  });

  it('claims lengths and sizes that are not true, and costs nothing', async () => {
    const before = process.memoryUsage().rss;
    const endless = await withFirst(Buffer.concat([Buffer.from([5]), u64(2n ** 63n)]));
    assert.match(endless.notTaken.join(), /1 file: cut off in the record at byte/);
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    for (const [bad, reason] of [
      [chunk(zeros), /would become too large/],
      [chunk(zeros, { size: 1_000 }), /damaged, or larger than its chunk says/],
      [chunk(Buffer.alloc(10), { size: 2 ** 40 }), /would become too large/],
      [chunk(Buffer.alloc(100), { size: 200 }), /of another size than it says/],
      [chunk(Buffer.alloc(100), { crc: 1 }), /wrong checksum/],
      [chunk(Buffer.alloc(100), { compression: 'lz4' }), /LZ4 data that is damaged/],
      [chunk(Buffer.alloc(100), { compression: 'brotli' }), /neither lz4 nor zstd/],
      [chunk(Buffer.concat([Buffer.from([5]), u64(2n ** 40n)]), { compression: '' }), /longer than what holds it/],
      [chunk(record(5, Buffer.alloc(10)), { compression: '' }), /ends before its fields/],
      [chunk(record(5, Buffer.from([9, 9]), u32(1), ns(0), ns(0)), { compression: '' }), /does not define/],
      [record(6, Buffer.alloc(3)), /ends before its fields do at byte/],
      [record(3, Buffer.from([1, 0]), u32(2 ** 31)), /ends before its fields/],
      [record(4, Buffer.from([7, 0, 0, 0]), text('x'.repeat(2_000))), /a text of more than/],
    ] as const) {
      const { frames, notTaken } = await withFirst(bad);
      assert.match(notTaken.join(), reason);
      assert.equal(frames, /at byte/.test(reason.source) ? 0 : 60, reason.source);
    }
    assert.ok(process.memoryUsage().rss - before < 400 * 1024 * 1024);
  });

  it('has a chunk that says another time than its messages, and a channel of two meanings', async () => {
    const message = (t: number) =>
      record(5, Buffer.from([0, 0]), u32(0), ns(t), ns(t), Buffer.from('{"place": 1, "angle": 1, "speed": 1}'));
    const channel = (topic: string) => record(4, Buffer.from([0, 0, 0, 0]), text(topic), text('json'), u32(0));
    const lying = chunk(Buffer.concat([channel('/cart'), message(0)]), { startT: 100 });
    const honest = chunk(Buffer.concat([channel('/cart'), message(50), channel('/other'), message(51)]), {
      startT: 50,
    });
    const { frames, notTaken } = await withFirst(honest, lying);
    assert.equal(frames, 62);
    assert.deepEqual(notTaken, ['1 message: earlier than its chunk says']);
  });

  it('of any damage ends as an import error, or with episodes', async () => {
    const bytes = await mcapBytes(topics, messages, { chunkSize: 500, compression: '' });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const damaged = Buffer.from(bytes);
          for (const [place, value] of changes) damaged[place] = value;
          try {
            assert.ok((await read(damaged)).frames <= 60);
          } catch (error) {
            assert.ok(error instanceof ImportError, String(error));
          }
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });
});
