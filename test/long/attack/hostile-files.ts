import type { SqlSession } from '../../../activities/ports/sql.ts';
import type { Random } from '../../../domain/statistics/index.ts';

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
const between = (random: Random, least: number, most: number): number => least + Math.floor(random() * (most - least));

/** Changes of the bytes of a sound segment; each gives other bytes. */
const byteChanges: Readonly<Record<string, (bytes: Uint8Array, random: Random) => Uint8Array>> = {
  flips: (bytes, random) => changed(bytes, random, 0, bytes.length, between(random, 1, 20)),
  footerFlips: (bytes, random) => changed(bytes, random, footerStart(bytes), bytes.length - 8, between(random, 1, 6)),
  headerFlips: (bytes, random) => changed(bytes, random, 4, Math.min(400, bytes.length), between(random, 1, 6)),
  longNumbers: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    const at = between(random, 4, bytes.length - 16);
    return copy.fill(0xff, at, at + between(random, 2, 10));
  },
  zeroes: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    const at = between(random, 4, bytes.length - 64);
    return copy.fill(0, at, at + between(random, 1, 64));
  },
  truncated: (bytes, random) => bytes.slice(0, between(random, 0, bytes.length)),
  withoutMiddle: (bytes, random) => {
    const at = between(random, 4, bytes.length - 12);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + between(random, 1, 200))]);
  },
  moved: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    const from = between(random, 4, bytes.length - 200);
    copy.set(bytes.subarray(from, from + between(random, 8, 200)), between(random, 4, bytes.length - 200));
    return copy;
  },
  otherFooterLength: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    new DataView(copy.buffer).setUint32(copy.length - 8, between(random, 0, 2 ** 31), true);
    return copy;
  },
};

function changed(bytes: Uint8Array, random: Random, start: number, end: number, count: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let change = 0; change < count; change++) copy[between(random, start, end)] = between(random, 0, 256);
  return copy;
}

const footerStart = (bytes: Uint8Array): number =>
  Math.max(4, bytes.length - 8 - new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true));

export const byteKinds: readonly string[] = Object.keys(byteChanges);
export const mutate = (kind: string, bytes: Uint8Array, random: Random): Uint8Array =>
  byteChanges[kind]?.(bytes, random) ?? bytes;

/** What a column may be cast to; every kind of annotation that the engine can write. */
const types = [
  'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE',
  'DECIMAL(4,1)', 'DECIMAL(18,3)', 'DECIMAL(38,0)', 'VARCHAR', 'BLOB', 'BOOLEAN', 'DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMP_S',
  'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIMESTAMPTZ', 'UUID', 'INTERVAL', 'JSON', 'FLOAT[]', 'DOUBLE[]', 'FLOAT[][]', 'VARCHAR[]',
  'STRUCT(a FLOAT)', 'STRUCT(list FLOAT[])', 'MAP(VARCHAR, FLOAT)',
] as const; // prettier-ignore
const columns = [
  'episode_id', 'robot_id', 'robot_type_version', 'task', 'started_at', 'duration_ms', 'outcome', 'intervened', 'latency_p50_ms',
  'frame_count', 'media', 'frame_index', 'timestamp', 'observation', 'action', 'expert_action', 'is_correction',
] as const; // prettier-ignore
const names = [
  'file_row_number',
  'file_index',
  'filename',
  'rowid',
  'EPISODE_ID',
  '__proto__',
  'constructor',
  'a"b',
  "a'b",
  ' ',
];
const texts = [
  `repeat('x', 30000000)`, `repeat('y', 200000)`, `'__proto__'`, `chr(27) || '[2J'`, `'a''b"c'`, `repeat(chr(128169), 4000)`, `''`,
] as const; // prettier-ignore
const numbers = [
  '9223372036854775807',
  '-9223372036854775808',
  '0',
  '-1',
  '1767600000',
  '1767600000000',
  '1767600000000000000',
];

/** A segment that a person with an SQL engine could have made, as a statement over `sound`; the rows are that episode's. */
function hostileSelect(sound: string, random: Random): string {
  const replace = (column: string, value: string): string =>
    `SELECT * REPLACE (${value} AS "${column}") FROM (${sound})`;
  switch (between(random, 0, 8)) {
    case 0: {
      const column = pick(random, columns);
      return replace(column, `TRY_CAST("${column}" AS ${pick(random, types)})`);
    }
    case 1:
      return replace(pick(random, columns), `NULL::${pick(random, types)}`);
    case 2:
      return `SELECT *, 7 AS "${pick(random, names).replaceAll('"', '""')}" FROM (${sound})`;
    case 3:
      return replace(
        pick(random, ['episode_id', 'robot_id', 'task', 'failure_reason', 'media', 'site']),
        pick(random, texts),
      );
    case 4:
      return replace(pick(random, ['started_at', 'timestamp', 'duration_ms']), `${pick(random, numbers)}::BIGINT`);
    case 5:
      return replace(
        'observation',
        `list_resize([${pick(random, ['1', "'nan'", "'inf'", 'NULL'])}]::FLOAT[], ${between(random, 0, 4000)}, 1::FLOAT)`,
      );
    case 6:
      return `SELECT * FROM (${sound}), range(${between(random, 2, 3000)})`;
    default:
      return `SELECT * REPLACE (printf('01KE6J5R00ABCDEFGHJK%06d', frame_index) AS episode_id) FROM (${sound}), range(${between(random, 1, 200)})`;
  }
}

/** Writes such a segment; false when the engine itself cannot write what was thought up. */
export async function writeHostile(
  session: SqlSession,
  input: { readonly sound: string; readonly path: string; readonly metadata: string; readonly random: Random },
): Promise<boolean> {
  const codec = pick(input.random, ['zstd', 'snappy', 'gzip', 'uncompressed', 'lz4_raw', 'brotli']);
  const select = hostileSelect(input.sound, input.random);
  try {
    await session.run(
      `COPY (${select}) TO '${input.path}' (FORMAT parquet, COMPRESSION ${codec}, KV_METADATA {${input.metadata}})`,
    );
    return true;
  } catch {
    return false;
  }
}
