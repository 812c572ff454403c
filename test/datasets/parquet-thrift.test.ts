import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import * as fc from 'fast-check';

import { thriftBytes, type ThriftWritable } from '../../datasets/parquet-thrift.ts';

const require = createRequire(import.meta.url);
const types = require('parquetjs-lite/gen-nodejs/parquet_types.js') as Record<
  string,
  new () => ThriftWritable & object
>;
const thrift = require('parquetjs-lite/modules/thrift-lite') as {
  TBufferedTransport: new (none: null, flushed: (bytes: Buffer) => void) => { flush(): void };
  TCompactProtocol: new (transport: object) => object;
};

const made = (type: string, fields: object): ThriftWritable => {
  const Type = types[type];
  assert.ok(Type);
  return Object.assign(new Type(), fields);
};

/** By the protocol of the library itself. */
function byLibrary(value: ThriftWritable): Buffer {
  const pieces: Buffer[] = [];
  const transport = new thrift.TBufferedTransport(null, (bytes) => pieces.push(bytes));
  value.write(new thrift.TCompactProtocol(transport));
  transport.flush();
  return Buffer.concat(pieces);
}

const size = fc.oneof(fc.nat(200), fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 50 }));
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', minLength: 100, maxLength: 300 }));
const chunk = fc
  .record({
    type: fc.nat(7),
    encodings: fc.constant([3, 0]),
    path_in_schema: fc.array(text, { minLength: 1, maxLength: 3 }),
    codec: fc.nat(7),
    num_values: size,
    total_uncompressed_size: size,
    total_compressed_size: size,
    data_page_offset: size,
  })
  .chain((metadata) =>
    size.map((offset) => made('ColumnChunk', { file_offset: offset, meta_data: made('ColumnMetaData', metadata) })),
  );
const group = fc
  .record({ columns: fc.array(chunk, { maxLength: 20 }), total_byte_size: size, num_rows: size })
  .map((fields) => made('RowGroup', fields));
const element = fc
  .record(
    { name: text, repetition_type: fc.nat(2), type: fc.nat(7), num_children: fc.nat(40), converted_type: fc.nat(3) },
    { requiredKeys: ['name'] },
  )
  .map((fields) => made('SchemaElement', fields));
const footer = fc
  .record({
    version: fc.constant(1),
    schema: fc.array(element, { maxLength: 20 }),
    num_rows: size,
    row_groups: fc.array(group, { maxLength: 3 }),
    key_value_metadata: fc.array(
      fc.record({ key: text, value: text }).map((pair) => made('KeyValue', pair)),
      { maxLength: 8 },
    ),
    created_by: fc.constant('parquet.js'),
  })
  .map((fields) => made('FileMetaData', fields));

describe('footers of Parquet files', () => {
  it('have the bytes of the library', () => {
    fc.assert(
      fc.property(footer, (value) => {
        assert.deepEqual(Buffer.from(thriftBytes(value)), byLibrary(value));
      }),
      { numRuns: 60 },
    );
  });

  it('of other contents than ours are refused instead of spoiled', () => {
    const statistics = made('Statistics', { min_value: Buffer.from('a') });
    assert.throws(() => thriftBytes(made('ColumnIndex', { null_pages: [true], statistics })), TypeError);
  });
});
