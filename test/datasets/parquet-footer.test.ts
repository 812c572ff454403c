import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { footerSizeBytes, readParquetFooter } from '../../datasets/parquet-footer.ts';
import { parseFooter } from '../../datasets/segment-footer.ts';
import { decodeThriftStruct } from '../../datasets/thrift-compact.ts';
import { segmentFacts } from '../../datasets/validation/segment-facts.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** A file with these bytes as its footer. */
function withFooter(footer: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, footer.length, true);
  return joined(ascii('PAR1'), footer, length, ascii('PAR1'));
}

const all = { 1: true, 2: true, 3: true, 4: true, 20: true } as const;

describe('reading a Parquet footer', () => {
  it('decodes the compact protocol', () => {
    // 1: i32 -3, 2: binary "ab", 3: list<i32> [1, 2], 4: true, 20: i64 300 (long form of the field id)
    const struct = decodeThriftStruct(
      bytes(0x15, 5, 0x18, 2, 97, 98, 0x19, 0x25, 2, 4, 0x11, 0x06, 40, 0xd8, 4, 0),
      all,
    );
    assert.equal(struct.get(1), -3);
    assert.deepEqual(struct.get(2), ascii('ab'));
    assert.deepEqual(struct.get(3), [1, 2]);
    assert.equal(struct.get(4), true);
    assert.equal(struct.get(20), 300);
  });

  it('passes over fields that nobody wants, however they are nested', () => {
    // 1: struct {1: list<struct> [{1: 7}], 2: 8}, 2: i32 -3
    const nested = bytes(0x1c, 0x19, 0x1c, 0x15, 14, 0, 0x15, 16, 0, 0x15, 5, 0);
    assert.deepEqual([...decodeThriftStruct(nested, { 2: true })], [[2, -3]]);
    assert.deepEqual([...decodeThriftStruct(nested, { 1: { 2: true } })], [[1, new Map([[2, 8]])]]);
    const whole = new Map<number, unknown>([
      [1, [new Map([[1, 7]])]],
      [2, 8],
    ]);
    assert.deepEqual([...decodeThriftStruct(nested, { 1: true })], [[1, whole]]);
  });

  it('refuses lengths beyond the bytes, endless numbers and endless depth', () => {
    const lies = [
      bytes(0x18, 0xff, 0xff, 0xff, 0xff, 0x0f),
      bytes(0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f),
      bytes(0x16, ...Array.from({ length: 12 }, () => 0xff)),
      Uint8Array.from({ length: 100 }, () => 0x1c),
    ];
    for (const lie of lies) {
      assert.throws(() => decodeThriftStruct(lie, all), RangeError);
      assert.equal(readParquetFooter(withFooter(lie)), undefined);
    }
  });

  it('is given up early when it claims more values than any robot has, however long it is', () => {
    const footer = new Uint8Array(8 * 1024 * 1024);
    for (let at = 0; at < footer.length; at += 2) footer[at] = 0x15;
    assert.throws(() => decodeThriftStruct(footer, all), /at most 400000 values/);
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (footer) => {
        readParquetFooter(footer);
        readParquetFooter(withFooter(footer));
      }),
      { numRuns: 2000 },
    );
  });

  it('tells how long a footer is without having all of it', () => {
    const file = withFooter(Uint8Array.from({ length: 500 }, () => 0));
    assert.equal(footerSizeBytes(file.subarray(-8)), 508);
    assert.equal(footerSizeBytes(ascii('PAR')), undefined);
    assert.equal(readParquetFooter(file.subarray(-100)), undefined);
  });
});

describe('what a file is, by its ends', () => {
  const formOf = (file: Uint8Array): string =>
    segmentFacts({ head: file.subarray(0, 64), tail: file, sizeBytes: file.length }).form;

  it('knows the usual accidents apart', () => {
    assert.equal(formOf(bytes()), 'empty');
    assert.equal(
      formOf(ascii('version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n')),
      'gitLfsPointer',
    );
    assert.equal(formOf(ascii('S1,S2,S3\n0.4,0.5,0.6\n')), 'text');
    assert.equal(formOf(joined(ascii('PAR1'), bytes(1, 2, 3, 0, 255))), 'truncatedParquet');
    assert.equal(formOf(bytes(0x1f, 0x8b, 8, 0, 0, 0)), 'unknown');
    assert.equal(formOf(joined(ascii('XXXX'), withFooter(bytes(0)))), 'unknown');
  });
});

describe('a segment footer', () => {
  it('leaves out what is missing or no number', () => {
    assert.deepEqual(parseFooter({}), {});
    const odd = { 'flywheel.schemaVersion': 'one', 'flywheel.clockSkewMs': '1e300', 'flywheel.robotId': 'r' };
    assert.deepEqual(parseFooter(odd), { robotId: 'r' });
    assert.deepEqual(parseFooter({ 'flywheel.clockSkewMs': ' ' }), {});
    assert.deepEqual(parseFooter({ 'flywheel.clockSkewMs': '-1500.5' }), { clockSkewMs: -1500.5 });
  });
});
