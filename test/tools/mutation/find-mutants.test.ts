import assert from 'node:assert/strict';

import { findMutants, mutated } from '../../../tools/mutation/find-mutants.ts';

const all = (text: string): string[] => findMutants('a.ts', text).map((mutant) => mutated(text, mutant));

describe('the slips of a mutation check', () => {
  it('moves the edge of a comparison, turns equality and exchanges arithmetic and logic', () => {
    assert.deepEqual(all('x = a < b;'), ['x = a <= b;']);
    assert.deepEqual(all('x = a >= b;'), ['x = a > b;']);
    assert.deepEqual(all('x = a === b;'), ['x = a !== b;']);
    assert.deepEqual(all('x = a - b;'), ['x = a + b;']);
    assert.deepEqual(all('x = a && b;'), ['x = a || b;']);
  });

  it('changes numbers and truth values', () => {
    assert.deepEqual(all('x = 7;'), ['x = (7 * 2);']);
    assert.deepEqual(all('x = 0;'), ['x = 1;']);
    assert.deepEqual(all('x = true;'), ['x = false;']);
  });

  it('turns conditions, and leaves out filters and calls', () => {
    assert.deepEqual(all('x = a ? b : c;'), ['x = !(a) ? b : c;']);
    assert.deepEqual(all('if (a) b = c;'), ['if (!(a)) b = c;']);
    assert.deepEqual(all('x = !a;'), ['x = a;']);
    assert.deepEqual(all('x = list.filter(f).length;'), ['x = list.length;']);
    assert.deepEqual(all('f(a);'), [';']);
  });

  it('leaves a line of a log alone, and no other call', () => {
    assert.deepEqual(all('ports.log(a);'), []);
    assert.deepEqual(all('log(a);'), []);
    assert.deepEqual(all('catalog(a);'), [';']);
    assert.deepEqual(all('log.close();'), [';']);
  });

  it('leaves a default alone that only the compiler asks for, and no other one', () => {
    assert.deepEqual(all('x = row[i] ?? 0;'), []);
    assert.deepEqual(all('x = row.width ?? 0;'), ['x = row.width ?? 1;']);
    assert.deepEqual(all('x = counts.get(id) ?? 0;'), ['x = counts.get(id) ?? 1;']);
  });

  it('leaves texts, types and names alone', () => {
    assert.deepEqual(all("const x: 7 | 'a' = `${a}` + 'b';"), []);
  });
});
