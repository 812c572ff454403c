/** The part of Node's own SQLite that this project uses: the types of Node.js 20, which the project has, do not know it. In Node.js from 22.13 on without a flag. */
declare module 'node:sqlite' {
  export type SqliteValue = null | number | bigint | string | Uint8Array;

  export class StatementSync {
    all(...values: readonly SqliteValue[]): readonly Readonly<Record<string, SqliteValue>>[];
    iterate(...values: readonly SqliteValue[]): IterableIterator<Readonly<Record<string, SqliteValue>>>;
    setReadBigInts(enabled: boolean): void;
  }

  export class DatabaseSync {
    constructor(path: string, options?: { readonly readOnly?: boolean; readonly allowExtension?: boolean });
    exec(sql: string): void;
    prepare(sql: string): StatementSync;
    close(): void;
  }
}
