import { sqlName } from '../datasets/sql-types.ts';

/**
 * A temporary table of a SQL session: what passes from one step to the next inside of one activity. SQL texts use its name as it is;
 * test/activities/temp-tables.test.ts holds that the columns are these, and that nobody else reads it.
 */
export interface TempTable {
  readonly name: string;
  /** What a row is. */
  readonly row: string;
  /** Name and SQL type, in their order; `FLOAT[n]` has the length that the robot type says, `LABEL` is that of its actions. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** Files beside the contract, by name. */
  readonly madeBy: string;
  readonly readBy: readonly string[];
}

/** Makes the table, empty; in place of one that an earlier step of the session left. */
export const createTable = ({ name, columns }: TempTable): string =>
  `CREATE OR REPLACE TEMP TABLE ${name} (${columns.map(([column, type]) => `${sqlName(column)} ${type}`).join(', ')})`;

/** Makes the table of what the query gives. */
export const createTableAs = ({ name }: TempTable, query: string): string =>
  `CREATE OR REPLACE TEMP TABLE ${name} AS ${query}`;
