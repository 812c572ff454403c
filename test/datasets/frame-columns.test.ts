import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { FrameColumns } from '../../datasets/frame-columns.ts';

const frames = fc
  .record({ count: fc.nat(200), width: fc.nat(4), actionWidth: fc.nat(2) })
  .map(({ count, width, actionWidth }) =>
    Array.from({ length: count }, (_, frame) => ({
      atUs: 1e15 + frame,
      observation: Float32Array.from({ length: width }, (_unused, place) => frame + place / 7),
      action: Float32Array.from({ length: actionWidth }, () => -frame),
    })),
  );

describe('frames as columns', () => {
  it('give the frames that were put in, and columns of them', () => {
    fc.assert(
      fc.property(frames, (own) => {
        const columns = FrameColumns.of(own);
        assert.deepEqual([...columns], own);
        assert.deepEqual([columns.length, columns.at(-1), columns.at(own.length)], [own.length, own.at(-1), undefined]);
        assert.deepEqual(
          [...columns.atUs],
          own.map(({ atUs }) => atUs),
        );
        assert.deepEqual(
          [...columns.observations],
          own.flatMap(({ observation }) => [...observation]),
        );
        columns.shift(5);
        assert.deepEqual(
          columns.map(({ atUs }) => atUs - 5),
          own.map(({ atUs }) => atUs),
        );
      }),
    );
  });

  it('are the same whether they come one by one or many at once', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 90 }), (own, atOnce) => {
        const columns = new FrameColumns();
        for (let from = 0; from < own.length; from += atOnce) {
          const some = FrameColumns.of(own.slice(from, from + atOnce));
          columns.append(some.atUs, some.observations, some.actions);
          const next = own[from + atOnce];
          if (next === undefined) continue;
          columns.push(next.atUs, next.observation, next.action);
          from += 1;
        }
        assert.deepEqual([...columns], own);
        columns.append(new Float64Array(), new Float32Array(), new Float32Array());
        assert.equal(columns.length, own.length);
      }),
    );
    const columns = FrameColumns.of([{ atUs: 1, observation: Float32Array.of(1), action: new Float32Array() }]);
    assert.throws(
      () => columns.append(Float64Array.of(2, 3), Float32Array.of(1, 2, 3, 4), new Float32Array()),
      /expected 1 readings and 0 commands .* got 2 and 0/,
    );
  });

  it('keep what they are given, whatever becomes of it, and begin anew with other widths', () => {
    const columns = new FrameColumns();
    const observation = Float32Array.of(1, 2);
    columns.push(1, observation, Float32Array.of(3));
    observation[0] = 9;
    assert.deepEqual(columns.at(0)?.observation, Float32Array.of(1, 2));
    assert.throws(
      () => columns.push(2, Float32Array.of(1), Float32Array.of(3)),
      /expected 2 readings and 1 commands .* got 1 and 1/,
    );
    columns.clear();
    columns.push(2, Float32Array.of(1, 2, 3), new Float32Array());
    assert.deepEqual([...columns], [{ atUs: 2, observation: Float32Array.of(1, 2, 3), action: new Float32Array() }]);
  });
});
