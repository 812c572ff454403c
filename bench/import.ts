import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import type { SqlSession } from '../activities/ports/sql.ts';
import { importCsv, importParquet } from '../cli/import-tables.ts';
import type { MappedInput } from '../cli/mapped-input.ts';
import { importMapSchema } from '../datasets/importers/import-map.ts';
import { robotTypeSchema } from '../datasets/robot-type.ts';
import { sqlText } from '../datasets/sql-types.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';

export interface ImportOfFormat {
  /** Rows a second of processor time. */
  readonly rowsPerS: number;
  /** The engine reads the same file into a table, on one thread. */
  readonly engineRowsPerS: number;
  readonly ratio: number;
}

export interface ImportMeasure {
  readonly rows: number;
  readonly columns: number;
  readonly csv: ImportOfFormat;
  readonly parquet: ImportOfFormat;
}

const rowsOfEpisode = 200;
const readings = Array.from({ length: 12 }, (_, index) => `s${index}`);

const type = robotTypeSchema.parse({
  id: 'bench-arm',
  version: 1,
  description: 'an arm of a benchmark',
  rateHz: 10,
  observations: readings.map((name) => ({ name, unit: 'm', min: -2, max: 2 })),
  actions: { kind: 'continuous', ranges: [{ name: 'speed', unit: 'm/s', min: -2, max: 2 }] },
  tasks: ['reach'],
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
  limits: { minEpisodeFrames: 2, maxEpisodeFrames: 1000, maxFrameGapPeriods: 4, minAgreementFraction: 0.5 },
});

const map = importMapSchema.parse({
  source: 'bench',
  robot: { column: 'robot', prefix: '' },
  task: 'reach',
  time: { column: 't', kind: 's', startsAt: '2026-01-01T00:00:00Z' },
  episodes: { by: { kind: 'column', column: 'episode' } },
  observations: readings.map((name) => ({ name, column: name })),
  actions: { kind: 'continuous', ranges: [{ name: 'speed', column: 'speed' }] },
  success: { kind: 'always' },
});

/**
 * `import csv` and `import parquet` of one table, up to segments in landing, against the engine that reads the same file into a table. Rounds
 * in turn; the best of each counts.
 */
export async function measureImport(options: {
  readonly rows: number;
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}): Promise<ImportMeasure> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-import-'));
  const engine = duckDbEngine({ temporaryDirectory: join(directory, 'spill') });
  const session = await engine.open({ threads: 1 });
  try {
    const files = await makeFiles(session, directory, options);
    const measured = { csv: [0, 0], parquet: [0, 0] };
    for (let round = 0; round <= options.rounds; round += 1)
      for (const format of ['csv', 'parquet'] as const) {
        const store = fileObjectStore({ root: join(directory, `store-${round}-${format}`) });
        const input: MappedInput = { ...inputOf(directory), path: files[format], engine, store };
        const ours = await rowsPerS(options.rows, async () => {
          const { frames } = await (format === 'csv' ? importCsv : importParquet)(input);
          if (frames !== options.rows) throw new Error(`expected ${options.rows} frames, got ${frames}`);
        });
        const reads = `SELECT * FROM read_${format}(${sqlText(files[format])})`;
        const reference = await rowsPerS(options.rows, () =>
          session.run(`CREATE OR REPLACE TABLE read_all AS ${reads}`),
        );
        options.progress(`${format}, round ${round}: ${Math.round(ours)} rows/s, the engine ${Math.round(reference)}`);
        // The first loads code on both sides.
        if (round > 0)
          measured[format] = [Math.max(ours, measured[format][0] ?? 0), Math.max(reference, measured[format][1] ?? 0)];
      }
    const columns = readings.length + 4;
    return { rows: options.rows, columns, csv: resultOf(measured.csv), parquet: resultOf(measured.parquet) };
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeFiles(
  session: SqlSession,
  directory: string,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<{ readonly csv: string; readonly parquet: string }> {
  const columns = [
    'round(i / 10.0, 3) AS t',
    `'arm-' || CAST((i // ${rowsOfEpisode}) % 4 AS VARCHAR) AS robot`,
    `i // ${rowsOfEpisode} AS episode`,
    ...readings.map((name, index) => `round(sin(i * 0.01 + ${index + seed}), 6) AS ${name}`),
    `round(cos(i + ${seed}), 6) AS speed`,
  ];
  const table = `SELECT ${columns.join(', ')} FROM range(${rows}) AS numbers(i)`;
  const files = { csv: join(directory, 'table.csv'), parquet: join(directory, 'table.parquet') };
  await session.run(`COPY (${table}) TO ${sqlText(files.csv)} (FORMAT csv, HEADER)`);
  await session.run(`COPY (${table}) TO ${sqlText(files.parquet)} (FORMAT parquet)`);
  return files;
}

const inputOf = (scratchDirectory: string) => ({
  scratchDirectory,
  type,
  map,
  isAgain: false,
  progress: () => {},
  isRegistered: async () => false,
});

/** By the processor time of this process, all threads, which neighbours hardly change. */
async function rowsPerS(rows: number, work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return rows / ((user + system) / 1e6);
}

const resultOf = ([ours = 0, reference = 0]: readonly number[]): ImportOfFormat => ({
  rowsPerS: ours,
  engineRowsPerS: reference,
  ratio: ours / reference,
});

export const describeImport = ({ rows, columns, csv, parquet }: ImportMeasure): string =>
  [`${rows} rows of ${columns} columns`, ...[['csv', csv] as const, ['parquet', parquet] as const].map(describe)].join(
    '; ',
  );

const describe = ([name, { rowsPerS: ours, engineRowsPerS, ratio }]: readonly [string, ImportOfFormat]): string =>
  `${name}: ${Math.round(ours)} rows a processor second, the engine ${Math.round(engineRowsPerS)}, ratio ${ratio.toFixed(2)}`;
