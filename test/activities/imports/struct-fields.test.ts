import assert from 'node:assert/strict';

import { assert as holds, constantFrom, letrec, oneof, property, string, tuple, uniqueArray } from 'fast-check';

import { structFields, type StructField } from '../../../activities/imports/struct-fields.ts';

type Shape = string | readonly (readonly [string, Shape])[];

const written = (shape: Shape): string =>
  typeof shape === 'string'
    ? shape
    : `STRUCT(${shape.map(([name, of]) => `"${name.replaceAll('"', '""')}" ${written(of)}`).join(', ')})`;
const fieldsOf = (shape: Shape, path: readonly string[] = []): readonly StructField[] =>
  typeof shape === 'string' ? [{ path, type: shape }] : shape.flatMap(([name, of]) => fieldsOf(of, [...path, name]));

describe('fields of structures', () => {
  const types = [
    'DOUBLE',
    'DECIMAL(4,2)',
    'INTEGER[]',
    'STRUCT(a INTEGER)[]',
    'MAP(VARCHAR, INTEGER)',
    "ENUM('a, b', '(')",
  ];
  it('are found whatever their names are', () => {
    const { fields } = letrec<{ fields: Exclude<Shape, string>; shape: Shape }>((tie) => ({
      shape: oneof({ maxDepth: 4, withCrossShrink: true }, constantFrom(...types), tie('fields')),
      fields: uniqueArray(tuple(string({ minLength: 1 }), tie('shape')), {
        minLength: 1,
        maxLength: 3,
        selector: ([name]) => name,
      }),
    }));
    holds(
      property(fields, (shape) => {
        assert.deepEqual(structFields(written(shape)), fieldsOf(shape));
      }),
    );
  });

  it('are none of what is no structure', () => {
    for (const type of [...types, 'STRUCT()', 'STRUCT(', '', 'STRUCT(x)'])
      assert.deepEqual(structFields(type), [{ path: [], type }]);
    const deep = `${'STRUCT(a '.repeat(1_000)}DOUBLE${')'.repeat(1_000)}`;
    assert.equal(structFields(deep)[0]?.path.length, 16);
  });
});
