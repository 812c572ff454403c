import { createHash } from 'node:crypto';

import { clipKey, clipKind, camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import { writeClip } from '../../datasets/media/write-clip.ts';
import { sharpToJpeg } from '../../fleet/agent/adapters/sharp-jpeg.ts';
import type { SimulatedEpisode } from '../../fleet/simulator/episodes.ts';

/** The clip of one camera of one episode, as an agent would have made it. */
export interface EpisodeClip {
  readonly camera: string;
  readonly episodeId: string;
  readonly sha256: string;
  readonly startedAtUs: number;
  readonly bytes: Uint8Array;
}

/** The rows of an episode with its clips in their `media`, and the clips. A body without cameras has none. */
export async function withClips(
  robotType: RobotType,
  episode: SimulatedEpisode,
  rows: readonly SegmentRow[],
): Promise<{ readonly rows: readonly SegmentRow[]; readonly clips: readonly EpisodeClip[] }> {
  const [first] = rows;
  if (first === undefined || robotType.cameras === undefined) return { rows, clips: [] };
  const startedAtUs = rows[0]?.timestamp ?? 0;
  const periodUs = Math.round(1e6 / robotType.rateHz);
  const clips: EpisodeClip[] = [];
  for (const camera of camerasOf(robotType)) {
    const jpegs = await Promise.all(
      episode.frames.map(({ pictures }) =>
        sharpToJpeg(camera, { format: 'raw', bytes: Buffer.from(pictures?.get(camera.name) ?? []) }),
      ),
    );
    const images = jpegs.map((jpeg, index) => ({ atUs: rows[index]?.timestamp ?? 0, sizeBytes: jpeg.length }));
    const pieces: Uint8Array[] = [];
    for await (const piece of writeClip({ ...camera, periodUs }, images, jpegs)) pieces.push(piece);
    const bytes = new Uint8Array(Buffer.concat(pieces));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    clips.push({ camera: camera.name, episodeId: first.episode_id, sha256, startedAtUs, bytes });
  }
  const durationMs = Math.round((episode.frames.length * periodUs) / 1000);
  const media = clips.map(({ camera, sha256 }) => ({
    sha256,
    kind: clipKind(camera),
    startedAt: startedAtUs,
    durationMs,
    key: clipKey(sha256),
  }));
  return { rows: rows.map((row) => ({ ...row, media })), clips };
}
