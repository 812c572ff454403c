import { holdText, type Hold } from '../../domain/legal-hold.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { failure } from '../../store/failures.ts';
import {
  episodeHash,
  readErasedEpisodes,
  readErasureRequest,
  writeTombstone,
  type ErasureRequest,
} from '../../store/records/erasures.ts';
import { readEpisodeList } from '../../store/records/episode-lists.ts';
import { readHolds } from '../../store/records/legal-holds.ts';
import { hashFile, isErasedSql } from './erased-rows.ts';
import { inErasureScratch, type ErasurePorts } from './find-erased.ts';

/**
 * Makes a request hold: from now on nothing of what it names is taken in, and rows that were made before do not follow. Refused as
 * `Conflict` where a legal hold covers any of it. Idempotent by erasure.
 */
export const beginErasure =
  (ports: ErasurePorts) =>
  async ({ erasureId }: { readonly erasureId: string }): Promise<{ readonly target: ErasureRequest['target'] }> => {
    const request = await readErasureRequest(ports.store, erasureId);
    await refuseHeld(ports, request, await readErasedEpisodes(ports.store, erasureId));
    await writeTombstone(ports.store, request);
    for (const table of ['episodes', 'frames'] as const)
      await ports.lake.mark(table, { appId: `erase/${erasureId}`, version: 0 }, `erase ${erasureId}`);
    return { target: request.target };
  };

/** Fails as `Conflict`, naming the hold, where one covers any of what a request names. */
export async function refuseHeld(
  ports: ErasurePorts,
  request: ErasureRequest,
  listed: ReadonlySet<string>,
): Promise<void> {
  for (const hold of await readHolds(ports.store))
    if (await overlaps(ports, request, listed, hold))
      throw failure('Conflict', `expected no legal hold on what is to be erased, got ${holdText(hold)}`);
}

/** Robots and sites of the same name are told at once; between kinds the lake decides, and what it does not know is refused. */
async function overlaps(
  ports: ErasurePorts,
  request: ErasureRequest,
  known: ReadonlySet<string>,
  { scope }: Hold,
): Promise<boolean> {
  const { target } = request;
  if (scope.kind === 'everything') return true;
  if (scope.kind === 'robot' && target.kind === 'robot') return scope.robotId === target.robotId;
  const listed = scope.kind === 'episodes' ? await readEpisodeList(ports.store, scope.digest) : [];
  if (target.kind === 'episodes' && scope.kind === 'episodes') return listed.some((id) => known.has(episodeHash(id)));
  return inErasureScratch(ports, async ({ session, directory, lake }) => {
    const { episodes } = await lake.currentVersion();
    const wanted = await hashFile(directory, 'wanted', known);
    const held = await hashFile(directory, 'held', listed);
    const isHeld =
      scope.kind === 'robot'
        ? `robot_id = ${sqlText(scope.robotId)}`
        : scope.kind === 'site'
          ? `site = ${sqlText(scope.site)}`
          : `episode_id IN (SELECT h FROM read_csv(${sqlText(held)}, header = false, columns = {'h': 'VARCHAR'}))`;
    const isErased = isErasedSql(request, wanted, 'epoch_us(started_at)');
    const rows = await session.rows(
      `SELECT 1 FROM ${await lake.scan('episodes', episodes)} WHERE ${isHeld} AND ${isErased} LIMIT 1`,
    );
    return rows.length > 0;
  });
}
