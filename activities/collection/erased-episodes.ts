import { episodeHash, readErasedEpisodes, readTombstones, type ErasureRequest } from '../../store/records/erasures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { EpisodePlace } from './accepted-episodes.ts';
import type { SqlSession } from '../ports/sql.ts';

/** What was erased and must not come back. */
export interface Tombstones {
  readonly requests: readonly ErasureRequest[];
  readonly hashes: ReadonlyMap<string, string>;
}

export const noTombstones: Tombstones = { requests: [], hashes: new Map() };

export async function readAllTombstones(store: ObjectStore): Promise<Tombstones> {
  const requests = await readTombstones(store);
  const hashes = new Map<string, string>();
  for (const { erasureId } of requests)
    for (const hash of await readErasedEpisodes(store, erasureId)) hashes.set(hash, erasureId);
  return { requests, hashes };
}

/** An episode of a segment that was erased on request. */
export interface ErasedPlace {
  readonly segment: number;
  readonly firstRow: number;
  readonly erasureId: string;
}

/** Those that are at none of the places. */
export function withoutPlaces<T extends EpisodePlace>(
  episodes: readonly T[],
  places: readonly EpisodePlace[],
): readonly T[] {
  const taken = new Set(places.map(({ segment, firstRow }) => `${segment}/${firstRow}`));
  return taken.size === 0 ? episodes : episodes.filter(({ segment, firstRow }) => !taken.has(`${segment}/${firstRow}`));
}

/** Which episodes of table `heads` were erased; each by the first request that names it. */
export async function erasedPlaces(session: SqlSession, tombstones: Tombstones): Promise<readonly ErasedPlace[]> {
  if (tombstones.requests.length === 0) return [];
  const rows = await session.rows(
    `SELECT segment, first_row, episode_id, landing_robot, robot_id, site, (started_at::DOUBLE - skew_us::DOUBLE) / 1000 AS started_ms
      FROM heads JOIN segments USING (segment) ORDER BY segment, first_row`,
  );
  return rows.flatMap((row) => {
    const erasureId = erasureOf(tombstones, {
      episodeId: row['episode_id'] as string | null,
      robots: [row['landing_robot'], row['robot_id']],
      site: row['site'] as string | null,
      startedMs: row['started_ms'] as number | null,
    });
    return erasureId === undefined
      ? []
      : [{ segment: Number(row['segment']), firstRow: Number(row['first_row']), erasureId }];
  });
}

interface Told {
  readonly episodeId: string | null;
  readonly robots: readonly unknown[];
  readonly site: string | null;
  /** Null: it does not say, so it may be as old as what was erased. */
  readonly startedMs: number | null;
}

function erasureOf({ requests, hashes }: Tombstones, told: Told): string | undefined {
  const byId = told.episodeId === null ? undefined : hashes.get(episodeHash(told.episodeId));
  if (byId !== undefined) return byId;
  return requests.find(
    ({ target, recordedBeforeMs }) =>
      (told.startedMs ?? 0) < recordedBeforeMs &&
      ((target.kind === 'robot' && told.robots.includes(target.robotId)) ||
        (target.kind === 'site' && told.site === target.site)),
  )?.erasureId;
}

/** What a robot has recorded is uploaded within so many days, as far as anybody knows, ms. */
const uploadsWithinMs = 30 * 86_400_000;

/** Whether what nobody can read, received of a robot at that instant, may be of the past that was erased. */
export const isLateUpload = ({ requests }: Tombstones, robotId: string, receivedMs: number): boolean =>
  requests.some(
    ({ target, recordedBeforeMs }) =>
      target.kind === 'robot' && target.robotId === robotId && receivedMs < recordedBeforeMs + uploadsWithinMs,
  );
