import { z } from 'zod';

import { clipKey, clipKind } from '../../datasets/camera.ts';
import { appearanceFeatures, type ClipAppearance } from '../../datasets/media/clip-appearance.ts';
import { ClipError } from '../../datasets/media/clip-format.ts';
import { mediaListSchema } from '../../datasets/segment-row.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { RobotPoints } from '../../domain/statistics/index.ts';
import { isFailure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { ownsClip } from '../../store/records/clip-uses.ts';
import { readClipVerdict } from '../../store/records/clip-verdicts.ts';
import type { SetPorts } from '../mix/ports.ts';
import type { ClipPorts } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlSession } from '../ports/sql.ts';
import { landingRobots, newestDays, newestSegments } from './sample-observations.ts';

/** A few clips of a robot say what its lens and its light are like; decoding more would take minutes of a look. */
const clipsOfRobot = 4;
const episodesOfRobot = 6;

const clipSchema = z.object({ robotId: z.string(), episodeId: z.string(), sha256: z.string() });
type NamedClip = z.infer<typeof clipSchema>;

const pointOf = (appearance: ClipAppearance): readonly number[] => appearanceFeatures.map((name) => appearance[name]);

/**
 * What clips of a camera look like that were uploaded with segments that are not collected yet, by robot, a point a clip. They are decoded for it, a few of each
 * robot. A clip that did not come, is another robot's or cannot be decoded is left out: validation says why.
 */
export async function sampleLandingAppearances(
  ports: { readonly store: ObjectStore; readonly progress: Progress; readonly clips: ClipPorts },
  session: SqlSession,
  camera: string,
): Promise<readonly RobotPoints[]> {
  const robots: RobotPoints[] = [];
  for (const robotId of await landingRobots(ports.store)) {
    const named: NamedClip[] = [];
    for (const key of await newestSegments(ports.store, robotId))
      named.push(...(await clipsOfSegment(ports.store, session, key, { robotId, camera })));
    // Names of clips are as good as drawn by lot.
    const chosen = named.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)).slice(0, clipsOfRobot);
    const points: (readonly number[])[] = [];
    await inParallel(chosen, ports.clips.atOnce, async (clip) => {
      const appearance = await looked(ports, clip);
      if (appearance !== undefined) points.push(pointOf(appearance));
    });
    if (points.length > 0) robots.push({ robotId, points: points.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)) });
  }
  return robots;
}

async function clipsOfSegment(
  store: ObjectStore,
  session: SqlSession,
  key: string,
  { robotId, camera }: { readonly robotId: string; readonly camera: string },
): Promise<readonly NamedClip[]> {
  const path = await store.localPath(key);
  if (path === undefined) return [];
  try {
    const rows = await session.rows(
      `SELECT DISTINCT episode_id::VARCHAR AS episode_id, media::VARCHAR AS media
       FROM read_parquet(${sqlText(path)}, hive_partitioning = false) WHERE media IS NOT NULL`,
    );
    return rows.flatMap(({ episode_id: episodeId, media }) =>
      clipsIn(media).flatMap(({ kind, sha256 }) =>
        kind === clipKind(camera) && typeof episodeId === 'string' ? [{ robotId, episodeId, sha256 }] : [],
      ),
    );
  } catch (error) {
    if (isFailure(error, 'EngineFailed')) return [];
    throw error;
  }
}

/** What a segment names as its media; a robot may write anything there. */
function clipsIn(media: unknown): z.infer<typeof mediaListSchema> {
  try {
    const parsed = mediaListSchema.safeParse(JSON.parse(typeof media === 'string' ? media : ''));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

async function looked(
  { store, clips, progress }: Parameters<typeof sampleLandingAppearances>[0],
  { robotId, sha256 }: NamedClip,
): Promise<ClipAppearance | undefined> {
  const path = (await ownsClip(store, robotId, sha256)) ? await store.localPath(clipKey(sha256)) : undefined;
  if (path === undefined) return undefined;
  try {
    return (await clips.decoder.look(path, progress)).appearance;
  } catch (error) {
    if (error instanceof ClipError || isFailure(error, 'DecoderMissing')) return undefined;
    throw error;
  }
}

/** The same of the lake's newest days, of these robots only, as the collections that accepted the clips wrote it down; earlier verdicts do not say. */
export async function sampleLakeAppearances(
  ports: SetPorts,
  session: SqlSession,
  camera: string,
  robotIds: readonly string[],
): Promise<readonly RobotPoints[]> {
  const version = await ports.lake.currentVersion();
  const days = await newestDays(ports.lake, version.episodes);
  if (robotIds.length === 0 || days.length === 0) return [];
  const episodes = await ports.lake.scan('episodes', version.episodes, { recordedOn: days });
  const rows = await session.rows(
    `SELECT robot_id AS "robotId", episode_id AS "episodeId", clip.sha256 AS sha256
     FROM (SELECT robot_id, episode_id, list_filter(media, lambda m: m.kind = ${sqlText(clipKind(camera))})[1] AS clip FROM ${episodes}
       WHERE robot_id IN (${robotIds.map(sqlText).join(', ')}))
     WHERE clip.sha256 IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY robot_id ORDER BY hash(episode_id), episode_id) <= ${episodesOfRobot}
     ORDER BY robot_id, episode_id`,
  );
  const byRobot = new Map<string, (readonly number[])[]>();
  for (const clip of z.array(clipSchema).parse(rows)) {
    const verdict = await soundVerdict(ports.store, { ...clip, camera });
    if (verdict?.appearance === undefined || verdict.verdict !== 'accepted') continue;
    byRobot.set(clip.robotId, [...(byRobot.get(clip.robotId) ?? []), pointOf(verdict.appearance)]);
  }
  return [...byRobot].map(([robotId, points]) => ({ robotId, points }));
}

async function soundVerdict(store: ObjectStore, name: Parameters<typeof readClipVerdict>[1]) {
  try {
    return await readClipVerdict(store, name);
  } catch (error) {
    if (isFailure(error, 'CorruptData')) return undefined;
    throw error;
  }
}
