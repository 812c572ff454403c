import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { McapStreamReader, McapWriter } from '@mcap/core';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import type { SqlSession } from '../activities/ports/sql.ts';
import { importMcapFiles } from '../cli/import-mcap.ts';
import { importCsv, importLeRobotFolder, importParquet } from '../cli/import-tables.ts';
import type { MappedInput } from '../cli/mapped-input.ts';
import { importMapSchema, type ImportMap } from '../datasets/importers/import-map.ts';
import { robotTypeSchema } from '../datasets/robot-type.ts';
import { sqlText } from '../datasets/sql-types.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';

export interface ImportOfFormat {
  /** Rows a second of processor time. */
  readonly rowsPerS: number;
  /** The engine reads the same file into a table, on one thread; of MCAP the reference library reads it. */
  readonly engineRowsPerS: number;
  readonly ratio: number;
  /** The engine reads the same file and writes all of it as Parquet with zstd, on one thread; null for MCAP, which it does not read. */
  readonly engineCopyRowsPerS: number | null;
}

export interface ImportMeasure {
  readonly rows: number;
  readonly columns: number;
  readonly csv: ImportOfFormat;
  readonly parquet: ImportOfFormat;
  /** Against the engine that reads the data files. */
  readonly lerobot: ImportOfFormat;
  /** Against the reference library of the format, which reads every message and parses its JSON. */
  readonly mcap: ImportOfFormat;
}

const formats = ['csv', 'parquet', 'lerobot', 'mcap'] as const;
type Format = (typeof formats)[number];

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
 * Imports of one table in every format, up to segments in landing, against a reader of the same bytes. Rounds in turn; the best of each counts.
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
    const measured = new Map<Format, readonly [number, number, number]>();
    for (let round = 0; round <= options.rounds; round += 1)
      for (const format of formats) {
        const store = fileObjectStore({ root: join(directory, `store-${round}-${format}`) });
        const input: MappedInput = { ...inputOf(directory, format), path: files[format], engine, store };
        const ours = await rowsPerS(options.rows, async () => {
          const { frames } = await imports[format](input);
          if (frames !== options.rows) throw new Error(`expected ${options.rows} frames, got ${frames}`);
        });
        const reference = await rowsPerS(options.rows, () => readByReference(session, format, files[format]));
        options.progress(`${format}, round ${round}: ${Math.round(ours)} rows/s, the reader ${Math.round(reference)}`);
        const copy =
          format === 'mcap' ? 0 : await rowsPerS(options.rows, () => copyByEngine(session, format, files[format]));
        const [best, bestReference, bestCopy] = measured.get(format) ?? [0, 0, 0];
        // The first loads code on both sides.
        if (round > 0)
          measured.set(format, [Math.max(ours, best), Math.max(reference, bestReference), Math.max(copy, bestCopy)]);
      }
    const of = (format: Format): ImportOfFormat => resultOf(measured.get(format) ?? [0, 0, 0]);
    const columns = readings.length + 4;
    return {
      rows: options.rows,
      columns,
      csv: of('csv'),
      parquet: of('parquet'),
      lerobot: of('lerobot'),
      mcap: of('mcap'),
    };
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

const imports: Readonly<Record<Format, (input: MappedInput) => Promise<{ readonly frames: number }>>> = {
  csv: importCsv,
  parquet: importParquet,
  lerobot: importLeRobotFolder,
  mcap: importMcapFiles,
};

async function readByReference(session: SqlSession, format: Format, path: string): Promise<void> {
  if (format === 'mcap') return readMcap(path);
  await session.run(`CREATE OR REPLACE TABLE read_all AS SELECT * FROM ${relationOf(format, path)}`);
}

function relationOf(format: Format, path: string): string {
  const file = format === 'lerobot' ? `${path}/data/chunk-000/file-000.parquet` : path;
  return `${format === 'csv' ? 'read_csv' : 'read_parquet'}(${sqlText(file)})`;
}

/** What an import does beside the map and its rules. */
const copyByEngine = (session: SqlSession, format: Format, path: string): Promise<void> =>
  session.run(
    `COPY (SELECT * FROM ${relationOf(format, path)}) TO ${sqlText(`${path}.copy`)} (FORMAT parquet, COMPRESSION zstd)`,
  );

/** Chunks of the bench are not compressed, so that the library needs no decompressor. */
async function readMcap(path: string): Promise<void> {
  const reader = new McapStreamReader();
  const decoder = new TextDecoder();
  let sum = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    reader.append(piece as Buffer);
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord())
      if (record.type === 'Message')
        sum += (JSON.parse(decoder.decode(record.data)) as { readonly speed: number }).speed;
  }
  if (!Number.isFinite(sum)) throw new Error('expected numbers in every message');
}

async function makeFiles(
  session: SqlSession,
  directory: string,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<Readonly<Record<Format, string>>> {
  const columns = [
    'round(i / 10.0, 3) AS t',
    `'arm-' || CAST((i // ${rowsOfEpisode}) % 4 AS VARCHAR) AS robot`,
    `i // ${rowsOfEpisode} AS episode`,
    ...readings.map((name, index) => `round(sin(i * 0.01 + ${index + seed}), 6) AS ${name}`),
    `round(cos(i + ${seed}), 6) AS speed`,
  ];
  const table = `SELECT ${columns.join(', ')} FROM range(${rows}) AS numbers(i)`;
  const files = {
    csv: join(directory, 'table.csv'),
    parquet: join(directory, 'table.parquet'),
    lerobot: join(directory, 'lerobot'),
    mcap: join(directory, 'table.mcap'),
  };
  await session.run(`COPY (${table}) TO ${sqlText(files.csv)} (FORMAT csv, HEADER)`);
  await session.run(`COPY (${table}) TO ${sqlText(files.parquet)} (FORMAT parquet)`);
  await makeLeRobot(session, table, files.lerobot, rows);
  await makeMcap(session, table, files.mcap);
  return files;
}

async function makeLeRobot(session: SqlSession, table: string, folder: string, rows: number): Promise<void> {
  for (const name of ['data/chunk-000', 'meta/episodes/chunk-000'])
    await mkdir(join(folder, name), { recursive: true });
  const copy = (select: string, file: string): Promise<void> =>
    session.run(`COPY (${select}) TO ${sqlText(join(folder, file))} (FORMAT parquet)`);
  await copy(
    `SELECT [${readings.join(', ')}]::FLOAT[] AS "observation.state", [speed]::FLOAT[] AS action, (t - episode * ${rowsOfEpisode / 10})::FLOAT AS timestamp,
       (row_number() OVER () - 1) % ${rowsOfEpisode} AS frame_index, episode AS episode_index, row_number() OVER () - 1 AS index, 0 AS task_index FROM (${table})`,
    'data/chunk-000/file-000.parquet',
  );
  await copy(
    `SELECT e AS episode_index, least(${rowsOfEpisode}, ${rows} - e * ${rowsOfEpisode}) AS length, e * ${rowsOfEpisode} AS dataset_from_index,
       least((e + 1) * ${rowsOfEpisode}, ${rows}) AS dataset_to_index FROM range(${Math.ceil(rows / rowsOfEpisode)}) AS episodes(e)`,
    'meta/episodes/chunk-000/file-000.parquet',
  );
  await copy(`SELECT 0::BIGINT AS task_index, 'reach' AS task`, 'meta/tasks.parquet');
  const one = { dtype: 'int64', shape: [1], names: null };
  const info = {
    codebase_version: 'v3.0',
    robot_type: 'bench',
    total_episodes: Math.ceil(rows / rowsOfEpisode),
    total_frames: rows,
    fps: 10,
    features: {
      'observation.state': { dtype: 'float32', shape: [readings.length], names: readings },
      action: { dtype: 'float32', shape: [1], names: ['speed'] },
      episode_index: one,
      task_index: one,
    },
  };
  await writeFile(join(folder, 'meta/info.json'), JSON.stringify(info));
}

/** A message a row, in JSON, in chunks of 1 MiB. */
async function makeMcap(session: SqlSession, table: string, file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    let position = 0n;
    const writer = new McapWriter({
      chunkSize: 1024 * 1024,
      writable: {
        write: async (bytes) => {
          await handle.write(bytes);
          position += BigInt(bytes.length);
        },
        position: () => position,
      },
    });
    await writer.start({ profile: '', library: 'bench' });
    const channel = { topic: '/arm', messageEncoding: 'json', schemaId: 0, metadata: new Map<string, string>() };
    const channelId = await writer.registerChannel(channel);
    const encoder = new TextEncoder();
    let sequence = 0;
    for await (const chunk of session.chunks(`SELECT to_json(row)::VARCHAR FROM (${table}) AS row`))
      for (const text of chunk.strings(0)) {
        const logTime = 1_767_225_600_000_000_000n + BigInt(sequence) * 100_000_000n;
        await writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data: encoder.encode(text) });
        sequence += 1;
      }
    await writer.end();
  } finally {
    await handle.close();
  }
}

/** Where the values of a format are. */
function mapOf(format: Format): ImportMap {
  if (format === 'csv' || format === 'parquet') return map;
  const column = (name: string, index: number): string =>
    format === 'mcap' ? `/arm.${name}` : `observation.state[${index}]`;
  return importMapSchema.parse({
    ...map,
    robot: { id: 'arm-0' },
    time:
      format === 'mcap'
        ? { kind: 'log' }
        : { column: 'timestamp', kind: 's', startsAt: '2026-01-01T00:00:00Z', restarts: true },
    episodes: { by: { kind: 'column', column: format === 'mcap' ? '/arm.episode' : 'episode_index' } },
    ...(format === 'mcap' ? { mcap: { frames: { topic: '/arm' }, maxAgeS: 1 } } : {}),
    observations: readings.map((name, index) => ({ name, column: column(name, index) })),
    actions: {
      kind: 'continuous',
      ranges: [{ name: 'speed', column: format === 'mcap' ? '/arm.speed' : 'action[0]' }],
    },
  });
}

const inputOf = (scratchDirectory: string, format: Format) => ({
  scratchDirectory,
  type,
  map: mapOf(format),
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

const resultOf = ([ours = 0, reference = 0, copy = 0]: readonly number[]): ImportOfFormat => ({
  rowsPerS: ours,
  engineRowsPerS: reference,
  ratio: ours / reference,
  engineCopyRowsPerS: copy === 0 ? null : copy,
});

export const describeImport = ({ rows, columns, ...measured }: ImportMeasure): string =>
  [`${rows} rows of ${columns} columns`, ...formats.map((format) => describe(format, measured[format]))].join('; ');

const describe = (
  name: Format,
  { rowsPerS: ours, engineRowsPerS, ratio, engineCopyRowsPerS: copy }: ImportOfFormat,
): string => {
  const copied =
    copy === null
      ? ''
      : `; ${Math.round(copy)} where the engine also writes Parquet with zstd, ratio ${(ours / copy).toFixed(2)}`;
  return `${name}: ${Math.round(ours)} rows a processor second, the reader ${Math.round(engineRowsPerS)}, ratio ${ratio.toFixed(2)}${copied}`;
};
