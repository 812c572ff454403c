import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { isFailure } from '../../store/failures.ts';
import { checkKey, checkPrefix, compareKeys, keyExtension } from '../../store/object-key.ts';

describe('object keys', () => {
  it('are ordered as the bytes of their UTF-8, whatever the characters', () => {
    const unit = fc.constantFrom('a', 'b', '/', '\u007f', 'é', '\ud7ff', '\ue000', '\uffee', '\u{10000}', '\u{1f916}');
    const key = fc.string({ unit, maxLength: 5 });
    fc.assert(
      fc.property(key, key, (left, right) => {
        const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
        assert.equal(Math.sign(compareKeys(left, right)), expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be as long as 1,024 bytes of UTF-8, no longer', () => {
    const segments = ['é'.repeat(127), 'é'.repeat(127), 'é'.repeat(127), 'é'.repeat(127)].join('/');
    checkKey(`${segments}/four`);
    assert.throws(
      () => checkKey(`${segments}/fours`),
      (error) => isFailure(error, 'InvalidInput') && /one of 1025 bytes/.test(error.message),
    );
  });

  it('may start with any part of an allowed key as prefix', () => {
    for (const prefix of ['', 'a', 'a/', 'a/b', 'a/..b', '.', '.hidden']) checkPrefix(prefix);
    for (const prefix of ['/', '/a', 'a//', '../', 'a/../b', '.flywheel-unfinished/', 'a\n']) {
      assert.throws(
        () => checkPrefix(prefix),
        (error) => isFailure(error, 'InvalidInput'),
        prefix,
      );
    }
  });

  it('have an extension when it is a plain one', () => {
    assert.equal(keyExtension('a/b.parquet'), '.parquet');
    assert.equal(keyExtension('a.b/c'), '');
    assert.equal(keyExtension('a/b.tar.gz'), '.gz');
    assert.equal(keyExtension('a/b.x y'), '');
  });
});
