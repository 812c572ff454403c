import {
  DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBVector,
} from '@duckdb/node-api';

import { failure } from '../../store/failures.ts';
import type { SqlChunk, SqlEngine, SqlRow, SqlSession, SqlSessionOptions } from '../ports/sql.ts';
import { asNew, duckDbInstances, leavesNothing, type DuckDbInstances } from './duckdb-instances.ts';
import { sqlValueConverter } from './duckdb-values.ts';

export interface DuckDbEngineOptions {
  /** Where statements that outgrow the memory limit spill; made when missing. */
  readonly temporaryDirectory: string;
  /** Threads a session uses unless it asks otherwise, ≥ 1. Default 2. */
  readonly threads?: number;
  /** Memory a session may hold before it spills, in MiB. Default 1,024. */
  readonly memoryLimitMiB?: number;
}

/**
 * DuckDB inside this process. Every session has a database of its own in memory, so a session's threads, memory and
 * temporary tables are its own and end with it. Time zone is UTC. Rows come in no particular order without ORDER BY
 * (insertion order is not preserved, which keeps memory flat). Extensions are never fetched.
 */
export function duckDbEngine(engine: DuckDbEngineOptions): SqlEngine {
  const byConfiguration = new Map<string, DuckDbInstances>();
  return {
    open: async (session: SqlSessionOptions = {}) => {
      const threads = String(session.threads ?? engine.threads ?? 2);
      const memoryLimit = `${session.memoryLimitMiB ?? engine.memoryLimitMiB ?? 1024}MiB`;
      const configuration = `${threads} ${memoryLimit}`;
      try {
        // https://duckdb.org/docs/stable/configuration/overview
        const instances =
          byConfiguration.get(configuration) ??
          duckDbInstances({
            threads,
            memory_limit: memoryLimit,
            temp_directory: engine.temporaryDirectory,
            preserve_insertion_order: 'false',
            autoinstall_known_extensions: 'false',
            autoload_known_extensions: 'false',
          });
        byConfiguration.set(configuration, instances);
        const instance = await instances.take();
        const connection = await instance.connect();
        await connection.run("SET TimeZone = 'UTC'");
        return openSession(connection, (isAsNew) => instances.giveBack(instance, isAsNew));
      } catch (cause) {
        throw engineFailed('open a session', cause);
      }
    },
  };
}

function openSession(connection: DuckDBConnection, giveBack: (isAsNew: boolean) => void): SqlSession {
  let isOpen = true;
  /** Nothing failed, was interrupted, or changed what is not the connection's own. */
  let isAsNew = true;
  let running = 0;
  const guarded = async <T>(sql: string, work: () => Promise<T>): Promise<T> => {
    if (!isOpen) throw failure('EngineFailed', 'expected an open SQL session, got one that is closed');
    isAsNew &&= leavesNothing(sql);
    running += 1;
    try {
      return await work();
    } catch (cause) {
      isAsNew = false;
      throw engineFailed(sql, cause);
    } finally {
      running -= 1;
    }
  };
  return {
    run: (sql) => guarded(sql, async () => void (await connection.run(sql))),
    rows: (sql) =>
      guarded(sql, async () => {
        const result = await connection.run(sql);
        return (await result.convertRowObjects(sqlValueConverter)) as SqlRow[];
      }),
    async *chunks(sql) {
      const wasAsNew = isAsNew;
      isAsNew = false;
      const result = await guarded(sql, () => connection.stream(sql));
      for (;;) {
        const chunk = await guarded(sql, () => result.fetchChunk());
        if (chunk === null || chunk.rowCount === 0) break;
        yield columnarChunk(result, chunk);
      }
      // A stream that nobody reads to its end stays open in its instance.
      isAsNew = wasAsNew && leavesNothing(sql);
    },
    interrupt: () => {
      isAsNew = false;
      if (isOpen) connection.interrupt();
    },
    close: async () => {
      if (!isOpen) return;
      isOpen = false;
      const isReusable = isAsNew && running === 0 && (await isMadeAsNew(connection));
      connection.closeSync();
      giveBack(isReusable);
    },
  };
}

async function isMadeAsNew(connection: DuckDBConnection): Promise<boolean> {
  try {
    for (const statement of asNew) await connection.run(statement);
    return true;
  } catch {
    return false;
  }
}

function columnarChunk(result: DuckDBResult, chunk: DuckDBDataChunk): SqlChunk {
  return {
    rowCount: chunk.rowCount,
    numbers: (column) => numbersOf(chunk.getColumnVector(column), result.columnName(column)),
    strings: (column) => textsOf(chunk.getColumnVector(column), result.columnName(column)),
    bytes(column, row) {
      const value = chunk.getColumnVector(column).getItem(row);
      if (value === null) return undefined;
      if (value instanceof DuckDBBlobValue) return value.bytes;
      throw unreadable(result.columnName(column), 'bytes', typeof value);
    },
  };
}

/** The parts of the vendor's vectors that hold the memory itself; absent on vectors of other kinds. */
interface VectorMemory {
  readonly items?: unknown;
  /** Of texts, 16 bytes each: the length and, where it is short, the text, else where it lies (https://duckdb.org/internals/vector#string-vectors). */
  readonly dataView?: DataView;
  readonly childData?: DuckDBVector;
  readonly validity?: { readonly data: BigUint64Array | null };
}

function numbersOf(vector: DuckDBVector, name: string): Float32Array | Float64Array | Int32Array {
  const memory = vector as unknown as VectorMemory;
  if (!isAllValid(memory.validity?.data ?? null, vector.itemCount)) {
    throw unreadable(name, 'numbers without NULL', 'a NULL');
  }
  const { items } = memory;
  if (items instanceof Float32Array || items instanceof Float64Array || items instanceof Int32Array) return items;
  if (memory.childData !== undefined && vector.type.toString().endsWith(']')) {
    if (vector.type.toString().endsWith('[]')) throw unreadable(name, 'FLOAT[n]', `${vector.type.toString()}; cast it`);
    return numbersOf(memory.childData, name);
  }
  throw unreadable(name, 'FLOAT, DOUBLE, INTEGER or FLOAT[n]', vector.type.toString());
}

/** What has the bytes of the text before it is that text: most rows of a recording say what the row before them said. */
function textsOf(vector: DuckDBVector, name: string): readonly string[] {
  const { dataView, validity } = vector as unknown as VectorMemory;
  const areThere = isAllValid(validity?.data ?? null, vector.itemCount);
  const words =
    areThere && dataView !== undefined
      ? new Int32Array(dataView.buffer, dataView.byteOffset, 4 * vector.itemCount)
      : [];
  const texts: string[] = [];
  for (let row = 0; row < vector.itemCount; row += 1) {
    const before = texts[row - 1];
    if (before !== undefined && isRepeated(words, row)) {
      texts.push(before);
      continue;
    }
    const text = vector.getItem(row);
    if (typeof text !== 'string') throw unreadable(name, 'text without NULL', text === null ? 'NULL' : typeof text);
    texts.push(text);
  }
  return texts;
}

function isRepeated(words: ArrayLike<number>, row: number): boolean {
  for (let word = 4 * row; word < 4 * row + 4; word += 1)
    if (words[word] === undefined || words[word] !== words[word - 4]) return false;
  return true;
}

const allOnes = 0xffff_ffff_ffff_ffffn;

/** One bit a row, 1 = present; bits past the last row mean nothing. No mask means that every row is present. */
function isAllValid(mask: BigUint64Array | null, rowCount: number): boolean {
  if (mask === null) return true;
  const wholeWords = Math.floor(rowCount / 64);
  for (let word = 0; word < wholeWords; word++) if (mask[word] !== allOnes) return false;
  const rest = (1n << BigInt(rowCount % 64)) - 1n;
  return ((mask[wholeWords] ?? 0n) & rest) === rest;
}

const unreadable = (column: string, expected: string, got: string) =>
  failure('EngineFailed', `expected ${expected}, got ${got}`, { coordinates: { column } });

function engineFailed(sql: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const statement = sql.replaceAll(/\s+/g, ' ').trim();
  return failure('EngineFailed', `DuckDB failed: ${shortened(reason, 1_000)}`, {
    cause,
    coordinates: { statement: shortened(statement, 300) },
  });
}

const shortened = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters)}…`;
