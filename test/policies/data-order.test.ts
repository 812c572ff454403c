import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { batchFeeder } from '../../policies/batch-feeder.ts';
import { epochGroups, groupOrder, stepsInEpoch } from '../../policies/data-order.ts';
import { randomStream, shuffle } from '../../policies/random.ts';
import type { RowSource } from '../../policies/rows.ts';

const layout = fc.record({
  blockRows: fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 })
    .filter((rows) => rows.some(Boolean)),
  groupRows: fc.integer({ min: 1, max: 20 }),
  batchSize: fc.integer({ min: 1, max: 7 }),
  seed: fc.nat(1000),
});

const order = (seed: number, epoch: number) => [...groupOrder(50, seed, epoch, 0)];

function sample(seed: number, purpose: string): number[] {
  const random = randomStream(seed, purpose);
  return Array.from({ length: 4000 }, () => random());
}

/** Every row carries its number in the file as its task. */
function numberedSource(blockRows: readonly number[]): RowSource & { reads: number } {
  const source = {
    blockRows,
    reads: 0,
    async read(block: number) {
      source.reads += 1;
      const first = blockRows.slice(0, block).reduce((sum, rows) => sum + rows, 0);
      const rows = blockRows[block]!;
      const numbers = Int32Array.from({ length: rows }, (_, row) => first + row);
      return {
        rows,
        observation: Float32Array.from(numbers),
        task: numbers,
        label: numbers,
        weight: new Float32Array(rows),
      };
    },
  };
  return source;
}

async function pickedRows(feeder: ReturnType<typeof batchFeeder>, step: number): Promise<number[]> {
  const { rows, index } = await feeder.pick(step);
  return Array.from(index, (position) => rows.block.task[position]!);
}

describe('the order of data', () => {
  it('has every row exactly once an epoch', () =>
    fc.assert(
      fc.property(layout, ({ blockRows, groupRows, seed }) => {
        const groups = epochGroups({ blockRows, groupRows, seed, epoch: 3 });
        const total = blockRows.reduce((sum, rows) => sum + rows, 0);
        assert.deepEqual(
          groups.flatMap(({ blocks }) => blocks).toSorted((a, b) => a - b),
          blockRows.map((_, block) => block),
        );
        assert.equal(
          groups.reduce((sum, { rows }) => sum + rows, 0),
          total,
        );
        groups.forEach(({ rows, start }, index) => {
          assert.equal(
            start,
            groups.slice(0, index).reduce((sum, group) => sum + group.rows, 0),
          );
          const sorted = [...groupOrder(rows, seed, 3, index)].toSorted((a, b) => a - b);
          assert.deepEqual(
            sorted,
            Array.from({ length: rows }, (_, row) => row),
          );
        });
      }),
    ));

  it('is another one every epoch and every seed', () => {
    assert.deepEqual(order(1, 0), order(1, 0));
    assert.notDeepEqual(order(1, 0), order(1, 1));
    assert.notDeepEqual(order(1, 0), order(2, 0));
  });

  it('gives every step the same rows from the start and after a restart, none twice in an epoch', () =>
    fc.assert(
      fc.asyncProperty(layout, async ({ blockRows, groupRows, batchSize, seed }) => {
        const input = { source: numberedSource(blockRows), batchSize, groupRows, seed };
        const total = blockRows.reduce((sum, rows) => sum + rows, 0);
        const steps = stepsInEpoch(total, batchSize);
        const running = batchFeeder(input);
        for (let epoch = 0; epoch < 2; epoch += 1) {
          const seen: number[] = [];
          for (let step = epoch * steps; step < (epoch + 1) * steps; step += 1) {
            const rows = await pickedRows(running, step);
            assert.equal(rows.length, Math.min(batchSize, total));
            assert.deepEqual(await pickedRows(batchFeeder(input), step), rows, `step ${step}`);
            seen.push(...rows);
          }
          assert.equal(new Set(seen).size, seen.length);
        }
      }),
      { numRuns: 50 },
    ));

  it('reads each block once an epoch, and only once at all when the set fits one group', async () => {
    const large = numberedSource(Array.from({ length: 20 }, () => 10));
    const feeder = batchFeeder({ source: large, batchSize: 7, groupRows: 30, seed: 1 });
    for (let step = 0; step < 28; step += 1) await feeder.pick(step);
    assert.equal(large.reads, 20);
    const small = numberedSource([10, 10]);
    const kept = batchFeeder({ source: small, batchSize: 7, groupRows: 30, seed: 1 });
    for (let step = 0; step < 20; step += 1) await kept.pick(step);
    assert.equal(small.reads, 2);
  });
});

describe('random streams', () => {
  it('are equal for equal names, unrelated for neighbours, and even', () => {
    const [a, b] = [sample(1, 'x'), sample(2, 'x')];
    assert.deepEqual(a, sample(1, 'x'));
    assert.ok(a.every((value) => value >= 0 && value < 1));
    const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
    assert.ok(Math.abs(mean - 0.5) < 0.02, `${mean}`);
    const correlation = (12 * a.reduce((sum, value, index) => sum + (value - 0.5) * (b[index]! - 0.5), 0)) / a.length;
    assert.ok(Math.abs(correlation) < 0.06, `${correlation}`);
  });

  it('put every element everywhere when they shuffle', () => {
    const random = randomStream(1, 'shuffle');
    const places = [0, 0, 0, 0];
    for (let round = 0; round < 4000; round += 1) places[shuffle(Int32Array.of(0, 1, 2, 3), random).indexOf(0)]! += 1;
    for (const count of places) assert.ok(Math.abs(count - 1000) < 120, places.join(' '));
  });
});
