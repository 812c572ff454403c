import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { imageSession, parquetImageTable } from '../activities/imports/parquet-images.ts';
import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import { guessCsvDialect } from '../datasets/importers/csv-dialect.ts';
import { draftOf, type Draft } from '../datasets/importers/draft.ts';
import { folderColumn, folderOf } from '../datasets/importers/file-columns.ts';
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
import type { TableColumn, TableReader } from '../datasets/importers/table.ts';
import { measureColumns } from '../datasets/importers/measure-columns.ts';
import { sourceFiles, textTables } from '../datasets/importers/source-files.ts';
import type { SourceFile } from '../datasets/importers/table.ts';
import { Tally } from '../datasets/importers/tally.ts';
import type { TableEncoding } from '../datasets/importers/text-encoding.ts';
import { checkRobotType } from '../datasets/robot-type-check/check-robot-type.ts';
import type { SqlEngine, SqlSession } from '../activities/ports/sql.ts';
import { openVideos } from '../workers/compose.ts';
import { CommandError } from './exit-codes.ts';

export interface InferInput {
  readonly format: 'csv' | 'parquet' | 'lerobot' | 'mcap' | 'rooms';
  readonly path: string;
  readonly id: string;
  /** Text tables; guessed where it is not given. */
  readonly separator?: string | undefined;
  readonly decimal?: '.' | ',' | undefined;
  readonly encoding?: TableEncoding | undefined;
  /** What a detector is to tell, for data sets of the simulator. */
  readonly label?: RoomsLabel;
}

/** Drafts a robot type and an import map from a recording. Loads readers, so only who infers loads it. */
export async function inferDraft(input: InferInput, engine: SqlEngine): Promise<Draft> {
  const { format, path, id, label = 'obstacle' } = input;
  if (format === 'rooms') return draftRooms(id, await readRoomsDescription(path), label);
  if (format === 'csv') return draftText(input);
  if (format === 'mcap') return draftMcap(path, id);
  const session: SqlSession = await engine.open({ threads: 1 });
  try {
    const reader = parquetTableReader(session);
    if (format === 'lerobot') {
      const source = await openVideos();
      const openImages = async () => parquetImageTable(await engine.open(imageSession));
      return await draftLeRobot(path, id, reader, source && { source, openImages });
    }
    const files = await sourceFiles(path, ['.parquet'], new Tally());
    return await draftTable(id, files, reader);
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

/** Text tables, whose separator, header and decimal mark their beginning tells. */
async function draftText({ path, id, separator, decimal, encoding: given }: InferInput): Promise<Draft> {
  const files = await sourceFiles(path, textTables, new Tally());
  const dialect = await guessCsvDialect(files[0]?.path ?? path, { separator, decimal, encoding: given });
  const { units, columns, linesAbove, linesBelow, encoding, ...plain } = dialect;
  const csv = {
    ...(encoding === 'utf-8' ? {} : { encoding }),
    ...plain,
    ...(columns === undefined ? {} : { columns }),
    ...(linesAbove === 0 ? {} : { linesAbove }),
    ...(linesBelow === 0 ? {} : { linesBelow }),
  };
  const draft = await draftTable(id, files, csvTableReader(csv, new Tally()), { csv, units });
  if (given !== undefined || encoding !== 'windows-1252') return draft;
  const note = `the text is no UTF-8, and is read as ${encoding}: are letters such as ä and ° right? else give another --encoding`;
  return { ...draft, notes: [note, ...draft.notes] };
}

async function draftTable(
  id: string,
  files: readonly SourceFile[],
  reader: TableReader,
  text?: { readonly csv: object; readonly units: ReadonlyMap<string, string> },
): Promise<Draft> {
  const [first] = files;
  if (first === undefined) throw new CommandError('wrong', 'expected a file, got none');
  // Folders that hold files of their own often say the task, or how it ended.
  const names: string[] = new Set(files.map(({ name }) => folderOf(name))).size > 1 ? [folderColumn] : [];
  for (const column of await reader.columns(first.path)) names.push(...(await cellNames(reader, first.path, column)));
  const measured = await measureColumns(reader, files, [...new Set(names)]);
  const parts = guessParts(measured, { files: files.length, units: text?.units ?? new Map() });
  return draftOf(id, parts, measured, text?.csv);
}

/** Numbers of a list are columns of their own, where every row of the file has as many. */
async function cellNames(reader: TableReader, file: string, { name, kind }: TableColumn): Promise<readonly string[]> {
  if (name === '' || kind === 'other') return [];
  if (kind !== 'list') return [name];
  const length = await reader.listLength?.(file, name);
  return length === undefined || length > mostListed ? [] : Array.from({ length }, (_, index) => `${name}[${index}]`);
}

/** Numbers of a list that can be readings; a longer one is an image or a scan, for a person to choose from. */
const mostListed = 256;

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
