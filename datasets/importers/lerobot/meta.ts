import { createReadStream } from 'node:fs';

import { z } from 'zod';

import { ImportError } from '../import-summary.ts';
import { refusePointer, sourceFiles } from '../source-files.ts';
import type { SourceFile } from '../table.ts';
import type { TableReader, TableRow } from '../table.ts';
import { Tally } from '../tally.ts';
import { parseJson, type LeRobotInfo } from './info.ts';

/** What the data set says of an episode beside its frames. */
export interface EpisodeMeta {
  readonly length: number;
  /** First row of the whole data set, v3 only. */
  readonly fromRow: number | undefined;
  /** One behind its last row, v3 only. */
  readonly toRow: number | undefined;
  /** Where its images are, for each video that was asked for; undefined where nothing says so. v3 only. */
  readonly videos?: readonly (VideoPlace | undefined)[];
}

/** A part of a file that holds the images of several episodes. */
export interface VideoPlace {
  readonly chunk: number;
  readonly file: number;
  readonly fromS: number;
  readonly toS: number;
}

const mostEpisodes = 2_000_000;
const mostTasks = 10_000;
const mostLineCharacters = 1_000_000;

const episodeLine = z.looseObject({ episode_index: z.int().min(0), length: z.int().min(0) });
const taskLine = z.looseObject({ task_index: z.int().min(0), task: z.string().max(10_000) });

/** The files that say which episodes there are, with their names within the data set. */
export async function episodeFiles(folder: string, { version }: LeRobotInfo): Promise<readonly SourceFile[]> {
  if (version === 'v2.1') return [{ path: `${folder}/meta/episodes.jsonl`, name: 'meta/episodes.jsonl' }];
  const files = await sourceFiles(`${folder}/meta/episodes`, ['.parquet'], new Tally());
  return files.map(({ path, name }) => ({ path, name: `meta/episodes/${name}` }));
}

/** Every episode by its index, and where the images of these videos are: `meta/episodes.jsonl` of version 2.1, `meta/episodes/` of version 3. */
export async function readEpisodes(
  folder: string,
  info: LeRobotInfo,
  reader: TableReader,
  videos: readonly string[] = [],
): Promise<ReadonlyMap<number, EpisodeMeta>> {
  const found = new Map<number, EpisodeMeta>();
  const add = (index: number, meta: EpisodeMeta, file: string): void => {
    if (found.has(index)) throw new ImportError(`expected every episode once, got ${index} twice [file=${file}]`);
    found.set(index, meta);
    if (found.size > mostEpisodes)
      throw new ImportError(`expected at most ${mostEpisodes} episodes, got more [file=${file}]`);
  };
  const files = await episodeFiles(folder, info);
  if (info.version === 'v2.1') {
    for (const { path } of files)
      for await (const line of jsonLines(path, episodeLine))
        add(line.episode_index, { length: line.length, fromRow: undefined, toRow: undefined }, path);
    return found;
  }
  const columns = ['episode_index', 'length', 'dataset_from_index', 'dataset_to_index'];
  for (const { path } of files) {
    await refusePointer(path);
    const names = new Set((await reader.columns(path)).map(({ name }) => name));
    const placed = videos.map((key) => placeColumns.map((column) => `videos/${key}/${column}`));
    const known = placed.filter((all) => all.every((column) => names.has(column)));
    const wanted = [...columns, ...known.flat()].map((column) => ({ column, as: 'number' as const }));
    const cells = placed.map((all) => wanted.findIndex(({ column }) => column === all[0]));
    for await (const rows of reader.rows(path, wanted))
      for (const row of rows) {
        const [index = -1, length = -1, fromRow = -1, toRow = -1] = columns.map((_, cell) => row.number(cell));
        if (![index, length, fromRow, toRow].every((value) => Number.isSafeInteger(value) && value >= 0))
          throw new ImportError(
            `expected ${columns.join(', ')}, got other than whole numbers [file=${path}, row=${row.place}]`,
          );
        add(index, { length, fromRow, toRow, videos: cells.map((cell) => placeOf(row, cell)) }, path);
      }
  }
  return found;
}

const placeColumns = ['chunk_index', 'file_index', 'from_timestamp', 'to_timestamp'];

/** The four numbers from a cell on; undefined for a place without a column, and for numbers that are no place. */
function placeOf(row: TableRow, cell: number): VideoPlace | undefined {
  if (cell < 0) return undefined;
  const [chunk = -1, file = -1, fromS = -1, toS = -1] = placeColumns.map((_, index) => row.number(cell + index));
  const isPlace = [chunk, file].every((index) => Number.isSafeInteger(index) && index >= 0) && fromS >= 0 && toS >= 0;
  return isPlace ? { chunk, file, fromS, toS } : undefined;
}

/** The sentence of every task by its index: `meta/tasks.jsonl` of version 2.1, `meta/tasks.parquet` of version 3. */
export async function readTasks(
  folder: string,
  { version }: LeRobotInfo,
  reader: TableReader,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  const file = `${folder}/meta/tasks.${version === 'v2.1' ? 'jsonl' : 'parquet'}`;
  const add = (index: number, sentence: string): void => {
    found.set(index, sentence);
    if (found.size > mostTasks) throw new ImportError(`expected at most ${mostTasks} tasks, got more [file=${file}]`);
  };
  if (version === 'v2.1') for await (const line of jsonLines(file, taskLine)) add(line.task_index, line.task);
  else {
    await refusePointer(file);
    // pandas writes the index of its table, the sentences, as a column of its own name.
    const names = (await reader.columns(file)).map(({ name }) => name);
    const sentence = ['task', '__index_level_0__'].find((name) => names.includes(name));
    if (sentence === undefined) throw new ImportError(`expected a column task, got ${names.join(', ')} [file=${file}]`);
    const wanted = [
      { column: 'task_index', as: 'number' as const },
      { column: sentence, as: 'text' as const },
    ];
    for await (const rows of reader.rows(file, wanted)) for (const row of rows) add(row.number(0), row.text(1));
  }
  return found;
}

async function* jsonLines<T>(file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  await refusePointer(file);
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (line.trim() === '') continue;
    const parsed = schema.safeParse(parseJson(line, file, number));
    if (parsed.success) yield parsed.data;
    else {
      const issue = parsed.error.issues[0];
      throw new ImportError(`expected ${issue?.path.join('.')}: ${issue?.message} [file=${file}, line=${number}]`);
    }
  }
}

/** Lines of a text; one that is too long is refused before more than it may have is held. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let number = 1;
  let open = '';
  const checked = (line: string): string => {
    if (line.length <= mostLineCharacters) return line;
    throw new ImportError(`expected lines of at most ${mostLineCharacters} characters [file=${file}, line=${number}]`);
  };
  for await (const piece of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const [first = '', ...rest] = piece.split('\n');
    open = checked(open + first);
    for (const line of rest) {
      yield open;
      number += 1;
      open = checked(line);
    }
  }
  yield open;
}
