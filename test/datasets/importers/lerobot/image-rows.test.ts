import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { ImagesByRow } from '../../../../datasets/importers/lerobot/image-rows.ts';
import type { ImageTable } from '../../../../datasets/importers/lerobot/image-table.ts';

/** Files of so many rows, given a few at a time; an image's path says which it is. `opened`: where a file was begun; `held`: the last of its rows that was read. */
function tableOf(lengths: readonly number[], atOnce: number) {
  const opened: string[] = [];
  let given = 0;
  const table: ImageTable = {
    rowCount: async (file) => lengths[Number(file)] ?? 0,
    async *images(file, column, from) {
      opened.push(`${column} of ${file} from ${from}`);
      const length = lengths[Number(file)] ?? 0;
      for (let first = from; first < length; first += atOnce) {
        given += 1;
        const image = (index: number) => ({ bytes: undefined, sizeBytes: 0, path: `${file}:${first + index}` });
        yield { first, count: Math.min(atOnce, length - first), image };
      }
    },
    close: async () => {},
  };
  const files = lengths.map((_, index) => ({ path: String(index), name: String(index) }));
  return { images: new ImagesByRow(table, files, 'eye'), opened, given: () => given };
}

const pathsOf = async (images: ImagesByRow, first: number, count: number): Promise<readonly string[]> => {
  const paths: string[] = [];
  for await (const { path } of images.from(first, count)) paths.push(path);
  return paths;
};

describe('images by the number of their row', () => {
  it('are those of the row, over files of any length, whoever asks in which order', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(10)), { maxLength: 8 }),
        async (lengths, atOnce, asked) => {
          const all = lengths.flatMap((length, file) => Array.from({ length }, (_, row) => `${file}:${row}`));
          const { images } = tableOf(lengths, atOnce);
          for (const [first, count] of asked) {
            const expected = all.slice(first, first + count);
            assert.deepEqual(await pathsOf(images, first, expected.length), expected);
          }
        },
      ),
    ));

  it('are read once and no further than they are asked for, as long as nobody goes back', async () => {
    const { images, opened, given } = tableOf([10, 0, 6], 2);
    for (const [first, count] of [
      [0, 3],
      [3, 1],
      [6, 2],
    ] as const)
      await pathsOf(images, first, count);
    assert.deepEqual([opened, given()], [['eye of 0 from 0'], 4]);
    assert.deepEqual(await pathsOf(images, 9, 3), ['0:9', '2:0', '2:1']);
    assert.deepEqual(await pathsOf(images, 4, 1), ['0:4']);
    assert.equal(opened.at(-1), 'eye of 0 from 4');
  });

  it('are an error beyond the last row', async () => {
    await assert.rejects(pathsOf(tableOf([2], 2).images, 2, 1), /expected at least 3 rows, got 2/);
  });
});
