import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { SourceEpisode } from '../../../datasets/importers/source-episode.ts';
import { tableEpisodes, type TableSource } from '../../../datasets/importers/table-episodes.ts';
import type { CellColumn, TableBatch, TableReader, TableRow, WantedCell } from '../../../datasets/importers/table.ts';
import { Tally } from '../../../datasets/importers/tally.ts';
import { cart, cartMap, discreteCart } from './cart.ts';

type Cell = number | string;
type Line = Readonly<Record<string, Cell>>;

/** Tables in memory: `withColumns` as a format has them that knows columns, else row by row. */
const reader = (files: ReadonlyMap<string, readonly Line[]>, batchRows: number, withColumns: boolean): TableReader => ({
  columns: async () => [],
  async *rows(file, wanted) {
    const lines = files.get(file) ?? [];
    for (let from = 0; from < lines.length; from += batchRows)
      yield batchOf(lines.slice(from, from + batchRows), from, wanted, withColumns);
  },
});

function batchOf(lines: readonly Line[], first: number, wanted: readonly WantedCell[], withColumns: boolean) {
  const cells = wanted.map(({ column }): CellColumn => {
    const values = lines.map((line) => line[column] ?? Number.NaN);
    return values.every((value) => typeof value === 'number') ? Float64Array.from(values) : values;
  });
  const rows = lines.map((_, index): TableRow => {
    const of = (cell: number): Cell => cells[cell]?.[index] ?? Number.NaN;
    return {
      place: first + index + 1,
      text: (cell) => (Number.isNaN(of(cell)) ? '' : String(of(cell)).trim()),
      number: (cell) => Number(of(cell)),
    };
  });
  const batch: TableBatch = {
    length: rows.length,
    at: (place) => rows[place],
    [Symbol.iterator]: () => rows[Symbol.iterator](),
    ...(withColumns ? { cells } : {}),
  };
  return batch;
}

/** Mostly what an ordinary row has, and whatever else a row may have. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const steps = fc.record({
  step: mostly<Cell>(fc.constant(0.1), 0, -0.1, 3, Number.NaN, -1e12, 1e20),
  place: mostly<Cell>(fc.double({ min: -5, max: 5, noNaN: true }), Number.NaN, Number.POSITIVE_INFINITY, 1e39, -0),
  who: mostly<Cell>(fc.constant('arm'), 'Arm 2', '', ' arm', '###'),
  lap: mostly<Cell>(fc.constant(1), 2, 7.5, Number.NaN),
  said: mostly<Cell>(fc.constant('ok'), 'bad', '', 'left'),
  /** So many rows say the same. */
  times: fc.integer({ min: 1, max: 12 }),
});
const lines = fc.array(steps, { maxLength: 12 }).map((found) => {
  let at = 0;
  return found.flatMap(({ step, times, ...line }) =>
    Array.from({ length: times }, (_, time): Line => {
      at += Number.isFinite(Number(step)) ? Number(step) : 0;
      return { ...line, t: Number.isNaN(step) && time === 0 ? Number.NaN : at, angle: 0.5 + time, speed: time / 8 };
    }),
  );
});

const rows = { blank: 'leaveOut', unreadable: 'leaveOut' };
const byLap = { by: { kind: 'column', column: 'lap' }, leaveOutShorterThan: 2 };
const changes: readonly object[] = [
  { rows },
  { rows, episodes: byLap, robot: { column: 'who' } },
  { rows, episodes: { by: { kind: 'column', column: 'said', only: ['ok', 'left'] } } },
  { rows, episodes: { by: { kind: 'gap', longerThanS: 0.5 } }, robot: { column: 'who' } },
  { rows, episodes: { by: { kind: 'rows', rows: 5 } }, time: { kind: 'rows', startsAt: '2024-01-01T00:00:00Z' } },
  { rows, episodes: byLap, success: { kind: 'said', outcome: 'said', reason: 'who' } },
  {
    rows,
    episodes: byLap,
    success: { kind: 'succeededWhen', row: 'last', column: 'said', equals: 'ok', otherwise: 'no' },
  },
  { rows, episodes: byLap, success: { kind: 'failedWhen', any: [{ column: 'said', equals: 'bad', reason: 'bad' }] } },
  { rows, task: { column: 'said', values: [{ value: 'ok', is: 'roll' }] }, site: { column: 'who' }, episodes: byLap },
  {
    rows,
    time: { column: 't', kind: 'ms', startsAt: '2024-01-01T00:00:00Z', restarts: true },
    observations: [
      { name: 'place', column: 'place', scale: -0.5, offset: 3 },
      { name: 'angle', fill: 0.25 },
    ],
  },
  { episodes: byLap },
];
const discrete = {
  rows,
  episodes: byLap,
  actions: { kind: 'discrete', column: 'said', values: [{ value: 'ok', is: 'none' }] },
};
const maps = [
  ...changes.map((change) => ({ map: cartMap(change), type: cart })),
  { map: cartMap(discrete), type: discreteCart },
];

describe('rows that are read a column at a time', () => {
  async function read(source: Omit<TableSource, 'tally'>) {
    const tally = new Tally();
    const count = { rows: 0 };
    const episodes: object[] = [];
    const told = ({ frames, ...episode }: SourceEpisode): object => ({ ...episode, frames: [...frames] });
    try {
      for await (const episode of tableEpisodes({ ...source, tally }, count)) episodes.push(told(episode));
      return { episodes, count, ...tally.result() };
    } catch (error) {
      return { episodes, count, error: (error as Error).message, ...tally.result() };
    }
  }

  it('become the episodes, counts and errors of the same rows one by one, whatever stands in them', async () => {
    let frames = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          files: fc.array(lines, { minLength: 1, maxLength: 2 }),
          of: fc.constantFrom(...maps),
          batchRows: fc.constantFrom(1, 7, 50),
          bounds: fc.constantFrom({}, {}, { mostFrames: 3 }, { mostNumbers: 3 * 67 }),
        }),
        async ({ files: tables, of, batchRows, bounds }) => {
          const files = tables.map((_, index) => ({ path: `/${index}`, name: `${index}` }));
          const content = new Map(tables.map((table, index) => [`/${index}`, table]));
          const [columns, rowByRow] = await Promise.all(
            [true, false].map((withColumns) =>
              read({ files, reader: reader(content, batchRows, withColumns), ...of, ...bounds }),
            ),
          );
          assert.deepEqual(columns, rowByRow);
          frames += columns?.count.rows ?? 0;
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(frames > 1_000, `${frames} rows`);
  });

  it('are not looked at one by one', async () => {
    const table = Array.from({ length: 100 }, (_, row): Line => ({
      t: row / 10,
      place: 1,
      angle: 2,
      speed: 0,
      lap: row < 60 ? 1 : 2,
    }));
    let looks = 0;
    const inner = reader(new Map([['/0', table]]), 100, true);
    const counted: TableReader = {
      ...inner,
      async *rows(file, wanted) {
        const angle = wanted.findIndex(({ column }) => column === 'angle');
        for await (const batch of inner.rows(file, wanted)) {
          const at = (place: number): TableRow | undefined => {
            const row = batch.at(place);
            return row && { ...row, number: (cell) => ((looks += cell === angle ? 1 : 0), row.number(cell)) };
          };
          const { length, cells = [] } = batch;
          yield { length, cells, at, [Symbol.iterator]: () => batch[Symbol.iterator]() };
        }
      },
    };
    const files = [{ path: '/0', name: '0' }];
    const map = cartMap({ episodes: { by: { kind: 'column', column: 'lap' } } });
    const { episodes } = await read({ files, reader: counted, map, type: cart });
    assert.equal(episodes.length, 2);
    // The first row of each episode.
    assert.equal(looks, 2);
  });
});
