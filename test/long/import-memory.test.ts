import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { landEpisodes } from '../../datasets/importers/land-episodes.ts';
import { tableEpisodes } from '../../datasets/importers/table-episodes.ts';
import type { TableReader, TableRow } from '../../datasets/importers/table.ts';
import { Tally } from '../../datasets/importers/tally.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { cart, cartMap } from '../datasets/importers/cart.ts';

describe('landing the episodes of a recording', () => {
  let scratchDirectory = '';
  before(async () => (scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-landing-'))));
  after(() => rm(scratchDirectory, { recursive: true, force: true }));

  it('holds no more of eight times as many rows', async function () {
    this.timeout(120_000);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const peak = async (rows: number): Promise<number> => {
      let most = 0;
      const tally = new Tally();
      const map = cartMap({ episodes: { by: { kind: 'rows', rows: 40 } } });
      const files = [{ path: 'generated', name: 'generated' }];
      const source = tableEpisodes({ files, reader: generated(rows), map, type: cart, tally }, { rows: 0 });
      const store = { ...memoryObjectStore(), putIfAbsent: async () => 'created' as const };
      await landEpisodes(
        {
          store,
          scratchDirectory,
          isRegistered: async () => false,
          progress: () => {
            collect();
            const { heapUsed, external } = process.memoryUsage();
            most = Math.max(most, heapUsed + external);
          },
        },
        { importId: undefined, type: cart, site: 'bench', agentVersion: 'test', episodes: source, segmentFrames: 400 },
      );
      return most;
    };
    const [before] = [await peak(800)];
    const [few, many] = [await peak(800), await peak(6_400)];
    // What a segment of 400 frames needs, not what the rows need: 5,600 more rows are more than 2 MiB as objects.
    assert.ok(many - few < 1_000_000, `${before}, ${few}, ${many} bytes`);
  });
});

/** A table that is never whole in memory. */
const generated = (rows: number): TableReader => ({
  columns: async () => ['t', 'place', 'angle', 'speed'].map((name) => ({ name, kind: 'number' as const })),
  async *rows(_, wanted) {
    for (let row = 0; row < rows; row += 1) {
      const values = { t: row / 10, place: row % 9, angle: row % 7, speed: 0.5 };
      const cells = wanted.map(({ column }) => values[column as keyof typeof values]);
      const made: TableRow = {
        place: row + 1,
        text: (cell) => String(cells[cell]),
        number: (cell) => cells[cell] ?? Number.NaN,
      };
      yield [made];
    }
  },
});
