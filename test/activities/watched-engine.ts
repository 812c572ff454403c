import type { SqlEngine } from '../../activities/ports/sql.ts';

/** Columns of a temporary table as they were made: name and type, in their order. */
export type MadeColumns = readonly (readonly [name: string, type: string])[];

/** An engine that notes the columns of every temporary table as it is made. */
export function watchedEngine(engine: SqlEngine): {
  readonly engine: SqlEngine;
  readonly made: Map<string, MadeColumns>;
} {
  const made = new Map<string, MadeColumns>();
  return {
    made,
    engine: {
      async open(options) {
        const session = await engine.open(options);
        return {
          rows: (sql) => session.rows(sql),
          chunks: (sql) => session.chunks(sql),
          interrupt: () => session.interrupt(),
          close: () => session.close(),
          async run(sql) {
            await session.run(sql);
            for (const [, name = ''] of sql.matchAll(/CREATE (?:OR REPLACE )?TEMP TABLE (\w+)/g)) {
              const columns = await session.rows(`DESCRIBE ${name}`);
              made.set(
                name,
                columns.map((column) => [column['column_name'] as string, column['column_type'] as string]),
              );
            }
          },
        };
      },
    },
  };
}
