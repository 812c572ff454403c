import assert from 'node:assert/strict';

import { array, assert as holds, nat, property, tuple } from 'fast-check';

import { addDoubt, isDoubtful, type DoubtfulBlocks } from '../../../domain/trial/index.ts';

describe('doubtful blocks', () => {
  it('join what they touch', () => {
    assert.deepEqual(addDoubt([[1, 3]], 4, 6), [[1, 6]]);
    assert.deepEqual(addDoubt([[5, 6]], 1, 2), [
      [1, 2],
      [5, 6],
    ]);
    assert.deepEqual(
      addDoubt(
        [
          [1, 2],
          [5, 6],
        ],
        0,
        9,
      ),
      [[0, 9]],
    );
  });

  it('are sixteen spans of a robot at most: of seventeen the two nearest become one, and no other is touched', () => {
    const firsts = Array.from({ length: 16 }, (_, index) => index * 100);
    const sixteen = firsts.map((first): [number, number] => [first, first + 1]);
    const joined = addDoubt(sixteen, 750, 751);
    assert.deepEqual(
      joined,
      // Between 701 and 750 lie fewer blocks than between 751 and 800, or anywhere else: 49 are as near, and the first of them counts.
      sixteen.map(([first, last]) => (first === 700 ? [700, 751] : [first, last])),
    );
  });

  it('hold every block that was ever added, in at most sixteen spans, ascending and apart', () => {
    const added = array(tuple(nat(2_000), nat(20)), { maxLength: 60 });
    holds(
      property(added, (all) => {
        let spans: DoubtfulBlocks = [];
        for (const [first, length] of all) spans = addDoubt(spans, first, first + length);
        for (const [first, length] of all)
          for (let block = first; block <= first + length; block += 1) assert.ok(isDoubtful(spans, block));
        assert.ok(spans.length <= 16);
        for (const [index, [first, last]] of spans.entries()) {
          assert.ok(first <= last);
          assert.ok(index === 0 || first > (spans[index - 1]?.[1] ?? 0) + 1);
        }
      }),
    );
  });
});
