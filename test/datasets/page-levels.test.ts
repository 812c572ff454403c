import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import rle from 'parquetjs-lite/lib/codec/rle.js';

import { absent, levelRuns, RowSizes } from '../../datasets/page-levels.ts';

describe('levels of pages', () => {
  it('are the bytes that the library makes of them', () => {
    const run = fc.record({ level: fc.nat(2), times: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(300)) });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 20 }), fc.boolean(), (runs, isNarrow) => {
        const levels = runs.flatMap(({ level, times }) =>
          Array.from({ length: times }, () => (isNarrow ? Math.min(1, level) : level)),
        );
        const bitWidth = isNarrow ? 1 : 2;
        const expected = rle.encodeValues('INT32', [...levels], { bitWidth });
        assert.deepEqual(Buffer.from(levelRuns(Uint8Array.from(levels), bitWidth)), Buffer.from(expected));
      }),
    );
  });

  it('say of every row how many values it has', () => {
    const row = fc.record({ size: fc.constantFrom(absent, 0, 1, 3), rows: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), (added) => {
        const sizes = new RowSizes();
        for (const { size, rows } of added) sizes.add(size, rows);
        const each = added.flatMap(({ size, rows }) => Array.from({ length: rows }, () => size));
        const repetitions = each.flatMap((size) =>
          Array.from({ length: Math.max(1, size) }, (_, at) => Math.min(1, at)),
        );
        const definitions = each.flatMap((size) =>
          Array.from({ length: Math.max(1, size) }, () => (size === absent ? 0 : size === 0 ? 1 : 2)),
        );
        assert.equal(sizes.places, repetitions.length);
        assert.deepEqual(sizes.levels(true, 2), [
          levelRuns(Uint8Array.from(repetitions), 1),
          levelRuns(Uint8Array.from(definitions), 2),
        ]);
      }),
    );
  });
});
