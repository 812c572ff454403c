import type { NumberColumn } from '../../datasets/arrow-rows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import { futureColumns, futureNames, makeRowFuture, type RowFutureInput } from './row-future.ts';
import { makeRowPast, pastColumns, pastNames } from './row-past.ts';
import { makeRowRun, runColumns, runNames } from './row-run.ts';

/** What a set has of the frames around its rows, beside what every set has. */
export interface SetWindows {
  /** Frames that a row has, the present included; default: the present alone. */
  readonly history?: number | undefined;
  /** Actions that a row has, the present one included; default: that alone. */
  readonly horizon?: number | undefined;
  /** Whether rows say where they lie in their run. */
  readonly runs?: boolean | undefined;
}

/** Whether rows need the index of their frame to be given their windows by. */
export const hasWindows = ({ history = 1, horizon = 1, runs = false }: SetWindows): boolean =>
  history > 1 || horizon > 1 || runs;

/** Columns of a set behind those of every set. */
export const windowColumns = (
  type: Pick<RobotType, 'observations' | 'actions'>,
  { history = 1, horizon = 1, runs = false }: SetWindows,
): readonly NumberColumn[] => [
  ...pastColumns(type, history),
  ...futureColumns(type, horizon),
  ...(runs ? runColumns : []),
];

/** The same in SQL, with the tables that have them. */
export interface WindowNames {
  readonly past: readonly string[];
  readonly future: readonly string[];
  readonly run: readonly string[];
}
export const windowNames = ({ history = 1, horizon = 1, runs = false }: SetWindows): WindowNames => ({
  past: pastNames(history),
  future: futureNames(horizon),
  run: runs ? runNames : [],
});

/** Makes the tables of these columns for the rows of a set. */
export async function makeWindows(
  session: SqlSession,
  input: Omit<RowFutureInput, 'horizon'>,
  { history = 1, horizon = 1, runs = false }: SetWindows,
): Promise<void> {
  if (history > 1) await makeRowPast(session, { ...input, history });
  if (horizon > 1) await makeRowFuture(session, { ...input, horizon });
  if (runs) await makeRowRun(session, input);
}
