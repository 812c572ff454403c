import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';

/** Names that every object has, and others. */
const names = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    'length',
    '',
  ),
  fc.string(),
);

describe('a dictionary', () => {
  it('holds what was put in and nothing else, whatever the names, through JSON and back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.integer())), names, (entries, other) => {
        const reference = new Map(entries);
        const made = dictionary(entries);
        const read = dictionarySchema(z.int()).parse(JSON.parse(JSON.stringify(made)));
        for (const one of [made, read]) {
          assert.deepEqual(new Map(Object.entries(one)), reference);
          assert.equal(one[other], reference.get(other));
          assert.equal(Object.getPrototypeOf(one), null);
        }
        assert.equal(Object.getPrototypeOf({}), Object.prototype);
      }),
    );
  });

  it('says which entry is not what it should be', () => {
    const schema = z.strictObject({ robots: dictionarySchema(z.strictObject({ n: z.int() })) });
    const issues = schema.safeParse(JSON.parse('{"robots":{"__proto__":{"n":"x"}}}')).error?.issues ?? [];
    assert.deepEqual(
      issues.map(({ path }) => path),
      [['robots', '__proto__', 'n']],
    );
    for (const wrong of [null, [], 'x', 1]) assert.equal(schema.safeParse({ robots: wrong }).success, false);
  });
});
