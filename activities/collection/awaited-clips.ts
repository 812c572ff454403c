import { camerasOf } from '../../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { writeAwaitedClip, type AwaitedClip } from '../../store/records/clip-verdicts.ts';
import type { SqlSession } from '../ports/sql.ts';

const writesAtOnce = 16;
const cameraKind = 'camera:';

/**
 * Notes the clips that the episodes of table `accepted` name, before the episodes are committed: from then on a collection judges each once it
 * has come. Idempotent by robot, clip, episode and camera. A robot type without cameras has none.
 */
export async function noteAwaitedClips(session: SqlSession, store: ObjectStore, type: RobotType): Promise<void> {
  if (camerasOf(type).length === 0) return;
  const sql = `SELECT robot_id, episode_id, m.kind, m.sha256, epoch_us(m."startedAt")::DOUBLE AS started, epoch_us(started_at)::DOUBLE AS episode_started,
      m."durationMs"::DOUBLE AS duration
    FROM (SELECT robot_id, episode_id, started_at, unnest(media) AS m FROM accepted WHERE media IS NOT NULL)
    WHERE starts_with(m.kind, '${cameraKind}') ORDER BY ALL`;
  for await (const chunk of session.chunks(sql)) {
    const [robots, episodes, kinds, hashes] = [chunk.strings(0), chunk.strings(1), chunk.strings(2), chunk.strings(3)];
    const [started, episodeStarted, durations] = [chunk.numbers(4), chunk.numbers(5), chunk.numbers(6)];
    const clips = Array.from({ length: chunk.rowCount }, (_, row): AwaitedClip => ({
      robotId: robots[row] ?? '',
      sha256: hashes[row] ?? '',
      episodeId: episodes[row] ?? '',
      camera: (kinds[row] ?? '').slice(cameraKind.length),
      robotType: robotTypeName(type),
      startedUs: started[row] ?? 0,
      episodeStartedUs: episodeStarted[row] ?? 0,
      durationMs: durations[row] ?? 0,
    }));
    await inParallel(clips, writesAtOnce, (clip) => writeAwaitedClip(store, clip));
  }
}
