import { isPartial, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import {
  favouredWeight,
  hashBound,
  largestHash,
  orderHashSql,
  sampleHashSql,
} from '../../datasets/mix/sampling-key.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable, createTableAs } from '../temp-table.ts';
import type { WindowNames } from './set-windows.ts';
import { shapedColumns } from './shaped-columns.ts';
import { cellCutTable, cellQuotaTable, sampledFrameTable } from './tables.ts';
import type { NumberedCell } from './mixed-episodes.ts';

/** What the sample holds of one cell. */
export interface CellCount {
  readonly cell: NumberedCell;
  readonly frames: number;
  readonly corrections: number;
}

/** What rows are read as, and the bodies they may be of. */
interface Shapes {
  readonly robotType: Pick<RobotType, 'observations' | 'actions'>;
  readonly bodies: readonly NumberedBody[];
  /** Whether frames bring their instant along, `at_us`, to be given images by. */
  readonly hasImages?: boolean;
  /** Whether frames bring their index along, to be given those around them by. */
  readonly hasWindows?: boolean;
  /** Labels that enter first, by their place, in the cells before `endCell`. */
  readonly favoured?: { readonly labels: readonly number[]; readonly endCell: number } | undefined;
}

/**
 * Makes the temporary tables `sampled_frame` (the frames of every cell with the smallest hashes, and few more) and
 * `cell_cut` (per cell the largest hash that still belongs to the sample), in one pass over `frames`. Ties at the cut
 * all enter. Memory and spill follow the quotas, not the lake.
 */
export async function sampleFrames(
  session: SqlSession,
  frames: string,
  shapes: Shapes,
  seed: number,
  cells: readonly NumberedCell[],
): Promise<void> {
  const wanted = cells.filter(({ quotaFrames }) => quotaFrames > 0);
  const bounds = new Map(wanted.map((cell) => [cell.number, hashBound(cell.quotaFrames, cell.availableFrames)]));
  let short = await collect(session, frames, shapes, seed, wanted, bounds);
  if (short.length > 0) {
    for (const { number } of short) bounds.set(number, largestHash);
    short = await collect(session, frames, shapes, seed, wanted, bounds);
  }
  await session.run(
    createTableAs(
      cellCutTable,
      `SELECT cell, max(sample_hash) AS largest_hash FROM (
       SELECT cell, sample_hash, quota, row_number() OVER (PARTITION BY cell ORDER BY sample_hash) AS place
       FROM sampled_frame JOIN cell_quota USING (cell)
     ) WHERE place <= quota GROUP BY cell`,
    ),
  );
}

/** Fills `sampled_frame` with what lies below the bounds and gives the cells that got less than their quota. */
async function collect(
  session: SqlSession,
  frames: string,
  { robotType, bodies, hasImages = false, hasWindows = false, favoured }: Shapes,
  seed: number,
  cells: readonly NumberedCell[],
  bounds: ReadonlyMap<number, bigint>,
): Promise<readonly NumberedCell[]> {
  // One statement: a catalogue of hundreds of tasks has thousands of cells.
  const quotas = cells.map(({ number, quotaFrames }) => `(${number}, ${quotaFrames}, ${bounds.get(number)})`);
  await session.run(
    createTable(cellQuotaTable) + (quotas.length === 0 ? '' : `; INSERT INTO cell_quota VALUES ${quotas.join(', ')}`),
  );
  const hash = sampleHashSql(seed, 'f.episode_id', 'f.frame_index');
  const { observation, label } = shapedColumns(robotType, 'f', 'e.is_labelled_by_outcome', bodies);
  const key =
    favoured === undefined
      ? hash
      : `CASE WHEN e.cell < ${favoured.endCell} AND ${label} IN (${favoured.labels.join(', ')}) THEN ${hash} // ${favouredWeight} ELSE ${hash} END`;
  const most = [...bounds.values()].reduce((widest, bound) => (bound > widest ? bound : widest), 0n);
  const widened = favoured === undefined ? most : (most + 1n) * BigInt(favouredWeight);
  const widest = widened > largestHash ? largestHash : widened;
  await session.run(
    createTableAs(
      sampledFrameTable,
      `WITH bounded_episode AS (
       SELECT e.*, e.rowid AS episode, q.bound, lead.bound AS lead_bound
       FROM mixed_episode AS e LEFT JOIN cell_quota AS q USING (cell) LEFT JOIN cell_quota AS lead ON lead.cell = e.cell - 1
     )
     SELECT e.cell - (f.frame_index = e.lead_index)::INTEGER AS cell, e.episode, e.task_index, f.is_correction,
       ${key} AS sample_hash, ${orderHashSql(seed, 'f.episode_id', 'f.frame_index')} AS order_hash,
       ${observation} AS observation, ${label} AS label${hasImages ? ', epoch_us(f."timestamp") AS at_us' : ''}${hasWindows ? ', f.frame_index' : ''}
     FROM (SELECT * FROM ${frames} AS f WHERE ${hash} <= ${widest}) AS f JOIN bounded_episode AS e USING (episode_id)
     WHERE (e.is_labelled_by_outcome OR f.expert_action IS NOT NULL)${bodies.some(isPartial) ? ` AND ${label} IS NOT NULL` : ''}
       AND ${key} <= CASE WHEN f.frame_index = e.lead_index THEN e.lead_bound ELSE e.bound END`,
    ),
  );
  const counts = await session.rows('SELECT cell, count(*) AS frames FROM sampled_frame GROUP BY cell');
  const found = new Map(counts.map((row) => [Number(row['cell']), Number(row['frames'])]));
  return cells.filter(
    ({ number, quotaFrames }) => (found.get(number) ?? 0) < quotaFrames && bounds.get(number) !== largestHash,
  );
}

/** The sample without what lies beyond the cuts, as a table expression. */
export const sampledRows = 'sampled_frame JOIN cell_cut USING (cell)';
export const isSampled = 'sample_hash <= largest_hash';

/** Frames and corrections of the sample, by cell. */
export async function countSample(session: SqlSession, cells: readonly NumberedCell[]): Promise<readonly CellCount[]> {
  const rows = await session.rows(
    `SELECT cell, count(*) AS frames, count(*) FILTER (WHERE is_correction) AS corrections
     FROM ${sampledRows} WHERE ${isSampled} GROUP BY cell`,
  );
  const found = new Map(rows.map((row) => [Number(row['cell']), row]));
  return cells.map((cell) => ({
    cell,
    frames: Number(found.get(cell.number)?.['frames'] ?? 0),
    corrections: Number(found.get(cell.number)?.['corrections'] ?? 0),
  }));
}

/** Training frames of the sample that are no corrections and of doubtful episodes; `endCell` is the first cell of validation. */
export async function countDoubtful(session: SqlSession, endCell: number): Promise<number> {
  const [row] = await session.rows(
    `SELECT count(*) AS frames FROM ${sampledRows} WHERE ${isSampled} AND cell < ${endCell} AND NOT is_correction
       AND episode IN (FROM doubtful_episode)`,
  );
  return Number(row?.['frames'] ?? 0);
}

/** Training frames of the sample by the number of their body; `endCell` is the first cell of validation. */
export async function countBodies(session: SqlSession, endCell: number): Promise<ReadonlyMap<number, number>> {
  const rows = await session.rows(
    `SELECT m.body_index, count(*) AS frames FROM (SELECT episode, cell FROM ${sampledRows} WHERE ${isSampled}) AS s
       JOIN mixed_episode AS m ON m.rowid = s.episode WHERE s.cell < ${endCell} GROUP BY m.body_index`,
  );
  return new Map(rows.map((row) => [Number(row['body_index']), Number(row['frames'])]));
}

/** The sampled frames that images are looked for, see `findRowImages`. */
export const imageRowsSql = `SELECT s.episode, m.episode_id, m.body_index, s.at_us
  FROM (SELECT episode, at_us FROM ${sampledRows} WHERE ${isSampled}) AS s JOIN mixed_episode AS m ON m.rowid = s.episode`;

/** The sampled frames that those around them are looked for, see `makeWindows`. */
export const windowRowsSql = `SELECT s.episode, m.episode_id, m.body_index, m.is_labelled_by_outcome, s.frame_index
  FROM (SELECT episode, frame_index FROM ${sampledRows} WHERE ${isSampled}) AS s JOIN mixed_episode AS m ON m.rowid = s.episode`;

/** Leaves in `sampled_frame` what has all its images. */
export const keepSampledWithImages = (session: SqlSession): Promise<void> =>
  session.run(
    `DELETE FROM sampled_frame AS s WHERE NOT EXISTS (
       SELECT 1 FROM row_image AS i WHERE i.episode = s.episode AND i.at_us = s.at_us)`,
  );

/** The rows of a file in their order: shuffled by hash, the same whatever the files and threads they came from; `past` are columns of `row_past` behind, `future` of `row_future`, `places` columns of `row_image` last. */
export function sampleSql(
  cells: string,
  weight: { readonly correction: number; readonly other: number; readonly doubtful?: number | undefined },
  { past, future, places }: Pick<WindowNames, 'past' | 'future'> & { readonly places: readonly string[] },
): string {
  const before = past.length === 0 ? '' : 'JOIN row_past USING (episode, frame_index)';
  const after = future.length === 0 ? '' : 'JOIN row_future USING (episode, frame_index)';
  const images = places.length === 0 ? '' : 'JOIN row_image USING (episode, at_us)';
  const doubtful =
    weight.doubtful === undefined ? '' : ` WHEN episode IN (FROM doubtful_episode) THEN ${weight.doubtful}`;
  return `SELECT observation, label, task_index, CASE WHEN is_correction THEN ${weight.correction}${doubtful} ELSE ${weight.other} END::FLOAT${[...past, ...future, ...places].map((name) => `, ${name}`).join('')}
   FROM ${sampledRows} ${before} ${after} ${images} WHERE ${isSampled} AND ${cells} ORDER BY order_hash, sample_hash`;
}
