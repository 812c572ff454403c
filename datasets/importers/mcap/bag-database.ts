import { open } from 'node:fs/promises';
import type { DatabaseSync, SqliteValue } from 'node:sqlite';

import { ImportError } from '../import-summary.ts';
import type { SourceFile } from '../table.ts';
import type { Tally } from '../tally.ts';
import { mcapLimits } from './limits.ts';
import type { Message, Topics } from './topics.ts';

type Value = SqliteValue;
type Row = Readonly<Record<string, Value>>;
interface Definition {
  readonly encoding: string;
  readonly data: Uint8Array;
}

const magic = Buffer.from('SQLite format 3\0');
/** Messages that are handed on at once, fewer where they are long. */
const [batchMessages, batchBytes] = [512, 8 * 1024 * 1024] as const;
const mostTopics = 10_000;
const mostTextBytes = 1_000;

/** Whether a file of a recording is one of rosbag2 with SQLite. */
export const isBagDatabase = ({ path }: Pick<SourceFile, 'path'>): boolean => /\.db3$/i.test(path);

/**
 * The messages of the wanted topics of a rosbag2 file with SQLite, in the order of their time, those of one time in the order of the file. A file
 * that holds something else than tables where messages are is refused, so that nothing in it is run; one that is damaged is read up to the damage.
 */
export async function* bagMessages(file: SourceFile, topics: Topics, tally: Tally): AsyncGenerator<readonly Message[]> {
  await refuseOthers(file.path);
  const sqlite = await import('node:sqlite');
  const { commonDefinition } = await import('./common-definitions.ts');
  const database = told(file.path, () => new sqlite.DatabaseSync(file.path, { readOnly: true, allowExtension: false }));
  try {
    told(file.path, () => prepared(database, file.path));
    const wanted = told(file.path, () => describe(database, topics, commonDefinition));
    yield* batches(
      told(file.path, () => messageRows(database, wanted)),
      { file, topics, tally },
    );
  } finally {
    database.close();
  }
}

async function refuseOthers(path: string): Promise<void> {
  const handle = await open(path);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    if (bytesRead === magic.length && magic.equals(buffer)) return;
    const got = bytesRead === 0 ? 'an empty one' : 'one that begins otherwise';
    throw new ImportError(`expected a SQLite file of rosbag2, got ${got} [file=${path}]`);
  } finally {
    await handle.close();
  }
}

/** Says what SQLite refuses with the file that it refuses. */
function told<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw new ImportError(`expected a SQLite file of rosbag2 that can be read, got: ${reason} [file=${path}]`, {
      cause,
    });
  }
}

const read = ['topics', 'messages', 'message_definitions'] as const;

/** Only plain tables are read: a view, a virtual table or a computed column would run what the file says. */
function prepared(database: DatabaseSync, path: string): void {
  database.exec(
    'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON; PRAGMA mmap_size = 0',
  );
  const found = database
    .prepare(
      `SELECT name, type, sql FROM sqlite_schema WHERE lower(name) IN (${read.map((name) => `'${name}'`).join(', ')})`,
    )
    .all();
  for (const { name, type, sql } of found)
    if (type !== 'table' || /\bvirtual\b|\bgenerated\b|\bas\s*\(/i.test(String(sql)))
      throw new ImportError(
        `expected plain tables in a file of rosbag2, got ${String(name)} as something else [file=${path}]`,
      );
  for (const name of ['topics', 'messages'])
    if (!found.some((row) => row['name'] === name && row['type'] === 'table'))
      throw new ImportError(`expected a table ${name} of rosbag2, got none [file=${path}]`);
}

const columnsOf = (database: DatabaseSync, table: string): ReadonlySet<string> =>
  new Set(
    database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => String(name)),
  );

/** Makes the topics known, with their definitions; the numbers of those that are wanted. */
function describe(
  database: DatabaseSync,
  topics: Topics,
  commonDefinition: (type: string) => Definition | undefined,
): ReadonlySet<number> {
  const definitions = definitionsIn(database);
  const wanted = new Set<number>();
  const rows = database
    .prepare(`SELECT id, name, type, serialization_format AS format FROM topics LIMIT ${mostTopics + 1}`)
    .all();
  if (rows.length > mostTopics) throw new ImportError(`expected at most ${mostTopics} topics, got more`);
  for (const { id, name, type, format } of rows) {
    if (typeof id !== 'number' || !isShort(name) || !isShort(type) || !isShort(format)) continue;
    const definition = definitions.get(type) ?? commonDefinition(type);
    topics.add(id, {
      topic: name,
      schemaName: type,
      messageEncoding: format,
      definition: definition ?? { encoding: 'none', data: new Uint8Array() },
    });
    if (topics.of(id)?.isWanted === true) wanted.add(id);
  }
  return wanted;
}

const isShort = (value: Value | undefined): value is string =>
  typeof value === 'string' && value.length <= mostTextBytes;

/** What the file itself says of its types: bags from ROS 2 Iron on. */
function definitionsIn(database: DatabaseSync): ReadonlyMap<string, Definition> {
  const columns = columnsOf(database, 'message_definitions');
  const found = new Map<string, Definition>();
  if (!['topic_type', 'encoding', 'encoded_message_definition'].every((name) => columns.has(name))) return found;
  const statement = database.prepare(
    `SELECT topic_type AS type, encoding, encoded_message_definition AS definition FROM message_definitions
     WHERE length(encoded_message_definition) <= ${mcapLimits.schemaBytes} LIMIT ${mostTopics}`,
  );
  for (const { type, encoding, definition } of statement.all())
    if (isShort(type) && isShort(encoding) && definition !== null && definition !== undefined)
      found.set(type, { encoding, data: Buffer.from(definition as string | Uint8Array) });
  return found;
}

/** `timestamp` in whole µs: a number of nanoseconds would not be exact. */
const messageRows = (database: DatabaseSync, wanted: ReadonlySet<number>): IterableIterator<Row> =>
  database
    .prepare(
      `SELECT topic_id AS topic, CASE WHEN timestamp >= 0 THEN CAST(timestamp / 1000 AS INTEGER) END AS at, length(data) AS size,
         CASE WHEN length(data) <= ${mcapLimits.messageBytes} THEN data END AS data
       FROM messages WHERE topic_id IN (${[...wanted].join(', ') || 'NULL'}) ORDER BY timestamp, rowid`,
    )
    .iterate();

async function* batches(
  rows: IterableIterator<Row>,
  { file, topics, tally }: { readonly file: SourceFile; readonly topics: Topics; readonly tally: Tally },
): AsyncGenerator<readonly Message[]> {
  let batch: Message[] = [];
  let bytes = 0;
  for (;;) {
    const next = nextOf(rows);
    if (typeof next === 'string') {
      tally.leftOut('file', `damaged: ${next}; what stands behind it was not read`, file.name);
      break;
    }
    if (next === undefined) break;
    const message = messageOf(next, topics);
    if (typeof message === 'string') {
      tally.leftOut('message', message, topics.of(Number(next['topic']))?.topic ?? '');
      continue;
    }
    batch.push(message);
    bytes += message.data.length;
    if (batch.length < batchMessages && bytes < batchBytes) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

/** The next row, or what SQLite says of a damaged file. */
function nextOf(rows: IterableIterator<Row>): Row | string | undefined {
  try {
    const next = rows.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 100) : String(error);
  }
}

function messageOf({ topic, at, size, data }: Row, topics: Topics): Message | string {
  const channel = typeof topic === 'number' ? topics.of(topic) : undefined;
  if (channel === undefined) return 'of a topic that the file does not define';
  channel.messages += 1;
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0) return 'without a time since 1970';
  if (typeof size === 'number' && size > mcapLimits.messageBytes) return 'a message that is too large';
  return data instanceof Uint8Array ? { channel, atUs: at, data } : 'without bytes';
}
