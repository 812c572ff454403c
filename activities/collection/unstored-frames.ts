import type { Lake } from '../lake/lake.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { storedFramesTable } from './tables.ts';

/**
 * The relation `frames` without rows that are in the lake already. They can be only after an earlier collection ended for
 * good between its commit of frames and its commit of episodes; the segments are then still in landing and come again
 * under another transaction. Without such a collection nothing is looked up. Needs the session's table `accepted`.
 */
export async function unstoredFrames(
  lake: Lake,
  session: SqlSession,
  frames: string,
  ownAppId: string,
): Promise<string> {
  const unpaired = await lake.unpairedTransactions();
  if (unpaired.every((appId) => appId === ownAppId)) return frames;
  const days = await session.rows(`SELECT DISTINCT strftime(recorded_on, '%Y-%m-%d') AS day FROM accepted`);
  const recordedOn = days.map(({ day }) => day as string);
  const stored = await lake.scan('frames', (await lake.currentVersion()).frames, { recordedOn });
  await session.run(
    createTableAs(
      storedFramesTable,
      `SELECT DISTINCT episode_id, frame_index FROM ${stored} SEMI JOIN accepted USING (episode_id)`,
    ),
  );
  return `(SELECT f.* FROM ${frames} AS f ANTI JOIN stored_frames USING (episode_id, frame_index))`;
}
