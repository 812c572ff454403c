import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import { draftOf, type Draft } from '../datasets/importers/draft.ts';
import { guessParts } from '../datasets/importers/guess-parts.ts';
import { importMapSchema } from '../datasets/importers/import-map.ts';
import {
  readRoomsDescription,
  type RoomsDescription,
  type RoomsLabel,
} from '../datasets/importers/rooms/description.ts';
import { draftRoomsType } from '../datasets/importers/rooms/draft-rooms.ts';
import { draftLeRobot } from '../datasets/importers/lerobot/draft-lerobot.ts';
import { draftMcap } from '../datasets/importers/mcap/draft-mcap.ts';
import { listCell, type TableColumn, type TableReader } from '../datasets/importers/table.ts';
import { measureColumns } from '../datasets/importers/measure-columns.ts';
import { sourceFiles } from '../datasets/importers/source-files.ts';
import { Tally } from '../datasets/importers/tally.ts';
import { checkRobotType } from '../datasets/robot-type-check/check-robot-type.ts';
import type { SqlEngine, SqlSession } from '../activities/ports/sql.ts';
import { CommandError } from './exit-codes.ts';

export interface InferInput {
  readonly format: 'csv' | 'parquet' | 'lerobot' | 'mcap' | 'rooms';
  readonly path: string;
  readonly id: string;
  readonly separator: string;
  readonly decimal: '.' | ',';
  /** What a detector is to tell, for data sets of the simulator. */
  readonly label?: RoomsLabel;
}

/** Drafts a robot type and an import map from a recording. Loads readers, so only who infers loads it. */
export async function inferDraft(input: InferInput, engine: SqlEngine): Promise<Draft> {
  const { format, path, id, separator, decimal, label = 'obstacle' } = input;
  if (format === 'rooms') return draftRooms(id, await readRoomsDescription(path), label);
  if (format === 'csv') {
    const csv = { separator, decimal, header: 'present' as const };
    return draftTable(input, ['.csv', '.tsv', '.txt', '.data'], csvTableReader(csv, new Tally()), csv);
  }
  if (format === 'mcap') return draftMcap(path, id);
  const session: SqlSession = await engine.open({ threads: 1 });
  try {
    const reader = parquetTableReader(session);
    if (format === 'lerobot') return await draftLeRobot(path, id, reader);
    return await draftTable(input, ['.parquet'], reader, undefined);
  } finally {
    await session.close();
  }
}

const draftRooms = (id: string, description: RoomsDescription, label: RoomsLabel): Draft => ({
  robotType: draftRoomsType(id, description, label),
  notes: [
    'minRecallFraction asks a third of every kind: raise it to what the detector is used for',
    'mirror is that of the LIDAR; take it out where left and right are not alike for the robot',
  ],
});

async function draftTable(
  { path, id }: InferInput,
  extensions: readonly string[],
  reader: TableReader,
  csv: object | undefined,
): Promise<Draft> {
  const files = await sourceFiles(path, extensions, new Tally());
  const names = (await reader.columns(files[0]?.path ?? path)).flatMap(cellNames);
  const measured = await measureColumns(reader, files, [...new Set(names)]);
  return draftOf(id, guessParts(measured), measured, csv);
}

/** Lists of numbers are left to the person: a Parquet schema does not say how long they are. */
const cellNames = ({ name, kind }: TableColumn): readonly string[] =>
  name === '' || kind === 'list' || kind === 'other' || listCell(name) !== undefined ? [] : [name];

/** Puts the documents into a folder, over nothing that is there. They pass what reads them. */
export async function writeDraft(
  draft: Draft,
  folder: string,
): Promise<{ readonly robotType: string; readonly map?: string }> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(draft.robotType, undefined, 2)}\n`);
  const { problems } = checkRobotType(bytes);
  const [first] = problems;
  if (first !== undefined)
    throw new CommandError(
      'wrong',
      `the draft is invalid: ${first.path}: expected ${first.expected}, got ${first.got}: name its columns manually`,
    );
  if (draft.map !== undefined) importMapSchema.parse(draft.map);
  const robotType = join(folder, 'robot-type.json');
  const files = draft.map === undefined ? { robotType } : { robotType, map: join(folder, 'import-map.json') };
  await mkdir(folder, { recursive: true });
  for (const file of Object.values(files))
    if ((await lstat(file).catch(() => undefined)) !== undefined)
      throw new CommandError('wrong', `expected no file yet, got one: ${file}; give another --out`);
  await writeFile(files.robotType, bytes, { flag: 'wx' });
  if (files.map !== undefined)
    await writeFile(files.map, `${JSON.stringify(draft.map, undefined, 2)}\n`, { flag: 'wx' });
  return files;
}
