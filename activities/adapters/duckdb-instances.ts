import { DuckDBInstance } from '@duckdb/node-api';

/** How long an instance waits for the next session; one that is not asked for holds no memory that others could use. */
const idleMs = 2_000;
/**
 * Single statements that change at most temporary tables, which go with their connection, and the one setting that {@link asNew} sets back.
 * Whatever else a text says, several statements for one, the instance is not what it was for the next session.
 */
const own =
  /^\s*(?:SELECT|WITH|FROM|VALUES|DESCRIBE|COPY|INSERT|DELETE|UPDATE|DROP|CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?|SET\s+preserve_insertion_order)\b[^;]*;?\s*$/i;

/** Whether an instance on which the text ran is surely as new once its connection is closed. */
export const leavesNothing = (sql: string): boolean => own.test(sql);

/** Settings of an instance that are set back between sessions; without the cache no bytes of the session's files stay in its memory. */
export const asNew = [
  'SET preserve_insertion_order = false',
  'SET enable_external_file_cache = false',
  'SET enable_external_file_cache = true',
];

export interface DuckDbInstances {
  /** An instance that nobody else uses. */
  take(): Promise<DuckDBInstance>;
  /** Gives it back once its connections are closed; `isAsNew` says that nothing of the session is left in it. */
  giveBack(instance: DuckDBInstance, isAsNew: boolean): void;
}

/**
 * Instances with one configuration, each used by one session at a time. To make one takes 20 ms of processor time, a connection to one that
 * is there less than one: the last one that was given back as new waits a moment for the next session.
 */
export function duckDbInstances(config: Readonly<Record<string, string>>): DuckDbInstances {
  let idle: { readonly instance: DuckDBInstance; readonly timer: NodeJS.Timeout } | undefined;
  const takeIdle = (): DuckDBInstance | undefined => {
    clearTimeout(idle?.timer);
    const instance = idle?.instance;
    idle = undefined;
    return instance;
  };
  return {
    take: async () => takeIdle() ?? DuckDBInstance.create(':memory:', config),
    giveBack(instance, isAsNew) {
      if (!isAsNew || idle !== undefined) {
        instance.closeSync();
        return;
      }
      const timer = setTimeout(() => takeIdle()?.closeSync(), idleMs).unref();
      idle = { instance, timer };
    },
  };
}
