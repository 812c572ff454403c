import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { ffmpegCoder } from '../../../activities/adapters/ffmpeg-videos.ts';
import { exportLeRobot } from '../../../activities/exports/export-lerobot.ts';
import { landClip } from '../../../cli/land-clip.ts';
import { camerasOf } from '../../../datasets/camera.ts';
import { deterministicUlid } from '../../../datasets/deterministic-ulid.ts';
import { clipOfImages } from '../../../datasets/importers/episode-clip.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { writeClipVerdict } from '../../../store/records/clip-verdicts.ts';
import { cart } from '../../datasets/importers/cart.ts';
import { openLakeFixture, transaction, type LakeFixture } from '../lake/lake-fixture.ts';

export const [width, height] = [64, 48];
const type = robotTypeSchema.parse({
  ...cart,
  cameras: [
    {
      name: 'front',
      width,
      height,
      rateHz: 20,
      colour: 'rgb',
      codec: 'jpeg',
      learned: { width: 16, height: 12 },
      mayLeaveRobot: true,
    },
  ],
});
const startUs = Date.UTC(2026, 10, 22, 10) * 1000;
const episodes = 4;
export const framesOf = (episode: number): number => 3 + episode;
const idOf = (episode: number): string => deterministicUlid(`seen-${episode}`, startUs / 1000 + episode * 5_000);
const beginOf = (episode: number): number => startUs + episode * 5_000_000;
/** Robots are not on time: up to 14 ms late. */
const instantOf = (episode: number, frame: number): number => beginOf(episode) + frame * 100_000 + (frame % 3) * 7_000;
/** Colours of the image that a frame sees: every second of the camera, which is twice as fast. */
export const colourOf = (episode: number, frame: number): readonly number[] => [
  20 + 30 * frame,
  200 - 40 * episode,
  90,
];

export type FilmedLake = LakeFixture & { readonly store: ReturnType<typeof memoryObjectStore> };

/** A lake of four episodes of a cart with a camera: the second has no clip, and a frame of the third saw no image. */
export async function openFilmedLake(): Promise<FilmedLake> {
  const world = await openLakeFixture(() => memoryObjectStore());
  const media = await Promise.all(Array.from({ length: episodes }, (_, episode) => filmed(world.store, episode)));
  const at = (us: number): string => `make_timestamptz(${us})`;
  const stored = media.map(
    (
      sql,
      episode,
    ) => `SELECT '${idOf(episode)}' AS episode_id, 'cart-1' AS robot_id, 'cart' AS robot_type, 1 AS robot_type_version,
      'hall' AS site, 'roll' AS task, NULL AS policy_version, ${at(beginOf(episode))} AS started_at, ${100 * framesOf(episode)}::BIGINT AS duration_ms,
      'success' AS outcome, NULL AS failure_reason, false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms,
      ${framesOf(episode)} AS frame_count, ${sql} AS media, ${at(startUs)} AS received_at, 'train' AS split, DATE '2026-11-22' AS recorded_on`,
  );
  const frames = Array.from({ length: episodes }, (_, episode) => episode).flatMap((episode) =>
    Array.from(
      { length: framesOf(episode) },
      (
        _,
        frame,
      ) => `SELECT '${idOf(episode)}' AS episode_id, ${frame} AS frame_index, ${at(instantOf(episode, frame))} AS timestamp,
        [${episode}, ${frame}]::FLOAT[] AS observation, [0.5]::FLOAT[] AS "action", NULL AS expert_action, false AS is_correction, DATE '2026-11-22' AS recorded_on`,
    ),
  );
  const relation = (rows: readonly string[]): string => `(${rows.join(' UNION ALL ')})`;
  await world.lake.append(world.session, 'frames', relation(frames), transaction(1), 'test');
  await world.lake.append(world.session, 'episodes', relation(stored), transaction(1), 'test');
  return world;
}

/** Puts the clip of an episode into the store, as a collection leaves it; the SQL of its media. */
async function filmed(store: FilmedLake['store'], episode: number): Promise<string> {
  const [camera] = camerasOf(type);
  if (camera === undefined || episode === 1) return 'NULL';
  const jpeg = (rgb: readonly number[]) => {
    const [r = 0, g = 0, b = 0] = rgb;
    return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
      .jpeg({ quality: 95 })
      .toBuffer();
  };
  const images = await Promise.all(
    Array.from({ length: 2 * framesOf(episode) }, async (_, image) => ({
      atUs: beginOf(episode) - 10_000 + image * 50_000,
      jpeg: await jpeg(image % 2 === 0 ? colourOf(episode, image / 2) : [0, 0, 0]),
    })),
  );
  const { bytes, clip } = await clipOfImages(camera, episode === 2 ? images.toSpliced(3, 5) : images);
  const { sha256, startedAt } = clip;
  const name = { robotId: 'cart-1', episodeId: idOf(episode), camera: camera.name, sha256 };
  await landClip(store, { ...name, site: 'hall', bytes, startedAtUs: startedAt });
  await writeClipVerdict(store, {
    ...name,
    robotType: 'cart@1',
    verdict: 'accepted',
    violations: [],
    startedUs: startedAt,
    images: images.length,
    sizeBytes: bytes.length,
    cycleId: 'c1',
  });
  return `[{sha256: '${sha256}', kind: '${clip.kind}', "startedAt": make_timestamptz(${startedAt}), "durationMs": ${clip.durationMs}::BIGINT, "key": '${clip.key}'}]`;
}

/** The whole lake as a LeRobot data set with videos. */
export async function exportedVideos(world: FilmedLake, ffmpeg: string) {
  const folder = await mkdtemp(join(world.directory, 'export-'));
  const session = await world.engine.open({ threads: 1 });
  try {
    const videos = {
      decoder: clipDecoderProcess({ ffmpeg }),
      code: ffmpegCoder({ ffmpeg }),
      scratchDirectory: world.directory,
    };
    const version = await world.lake.currentVersion();
    const input = { version, robotType: type, filter: {}, folder, sentences: new Map<string, string>() };
    const ports = { store: world.store, lake: world.lake, session, videos };
    return { folder, summary: await exportLeRobot(ports, { ...input, cameras: camerasOf(type) }) };
  } finally {
    await session.close();
  }
}
