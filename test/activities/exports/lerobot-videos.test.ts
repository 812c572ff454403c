import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { ffmpegCoder, ffmpegVideos } from '../../../activities/adapters/ffmpeg-videos.ts';
import { exportLeRobot } from '../../../activities/exports/export-lerobot.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import { landClip } from '../../../cli/land-clip.ts';
import { camerasOf } from '../../../datasets/camera.ts';
import { deterministicUlid } from '../../../datasets/deterministic-ulid.ts';
import { clipOfImages } from '../../../datasets/importers/episode-clip.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { mediaListSchema } from '../../../datasets/segment-row.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { writeClipVerdict } from '../../../store/records/clip-verdicts.ts';
import { cart } from '../../datasets/importers/cart.ts';
import { toolForTest } from '../../support/tool.ts';
import { openLakeFixture, transaction, type LakeFixture } from '../lake/lake-fixture.ts';

const [width, height] = [64, 48];
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
const framesOf = (episode: number): number => 3 + episode;
const idOf = (episode: number): string => deterministicUlid(`seen-${episode}`, startUs / 1000 + episode * 5_000);
const beginOf = (episode: number): number => startUs + episode * 5_000_000;
/** Colours of the image that a frame sees: every second of the camera, which is twice as fast. */
const colourOf = (episode: number, frame: number): readonly number[] => [20 + 30 * frame, 200 - 40 * episode, 90];
/** Levels of 255 by which an image may differ after it was coded as JPEG, as H.264, and as H.264 again. */
const bound = 12;

describe('LeRobot data sets with videos', function () {
  this.timeout(60_000);
  let world: LakeFixture & { readonly store: ReturnType<typeof memoryObjectStore> };
  let ffmpeg = '';

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    world = await openLakeFixture(() => memoryObjectStore());
    const media = await Promise.all(Array.from({ length: episodes }, (_, episode) => filmed(episode)));
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
        ) => `SELECT '${idOf(episode)}' AS episode_id, ${frame} AS frame_index, ${at(beginOf(episode) + frame * 100_000)} AS timestamp,
          [${episode}, ${frame}]::FLOAT[] AS observation, [0.5]::FLOAT[] AS "action", NULL AS expert_action, false AS is_correction, DATE '2026-11-22' AS recorded_on`,
      ),
    );
    const relation = (rows: readonly string[]): string => `(${rows.join(' UNION ALL ')})`;
    await world.lake.append(world.session, 'frames', relation(frames), transaction(1), 'test');
    await world.lake.append(world.session, 'episodes', relation(stored), transaction(1), 'test');
  });
  after(() => world.close());

  /** Puts the clip of an episode into the store, as a collection leaves it; the SQL of its media. */
  async function filmed(episode: number): Promise<string> {
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
    await landClip(world.store, { ...name, site: 'hall', bytes, startedAtUs: startedAt });
    await writeClipVerdict(world.store, {
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

  async function exported() {
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

  it('have one image for each frame, the one it saw, and import as the same episodes with the same images', async () => {
    const { folder, summary } = await exported();
    assert.deepEqual([summary.episodes, summary.episodesWithoutVideos, summary.frames], [2, 2, 9]);
    const stats = JSON.parse(await readFile(join(folder, 'meta/stats.json'), 'utf8')) as Record<string, never>;
    const { min, max, mean, count } = stats['observation.images.front'] as unknown as Record<string, number[][][]>;
    // Of the first colour: the images of frames 0 to 2 and 0 to 5.
    const reds = [0, 1, 2, 0, 1, 2, 3, 4, 5].map((frame) => 20 + 30 * frame);
    const [lowest, highest, middle] = [min, max, mean].map((values) => (values?.[0]?.[0]?.[0] ?? 0) * 255);
    assert.ok(Math.abs((lowest ?? 0) - 20) < bound && Math.abs((highest ?? 0) - 170) < bound);
    assert.ok(Math.abs((middle ?? 0) - reds.reduce((sum, red) => sum + red) / 9) < bound);
    assert.deepEqual(count, [9]);

    const store = memoryObjectStore();
    const source = ffmpegVideos({ ffmpeg });
    const reader = parquetTableReader(world.session);
    const openImages = (): Promise<never> => assert.fail('expected videos alone');
    const draft = await draftLeRobot(folder, 'again', reader, { source, openImages });
    const again = robotTypeSchema.parse(draft.robotType);
    assert.deepEqual(
      camerasOf(again).map(({ name, rateHz, width: wide }) => [name, rateHz, wide]),
      [['front', 10, width]],
    );
    const imported = await importLeRobot({
      path: folder,
      store,
      scratchDirectory: world.directory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
      reader,
      type: again,
      map: importMapSchema.parse(draft.map),
      videos: { source, openImages, landClip: (clip) => landClip(store, clip), hasClip: async () => false },
    });
    assert.deepEqual([imported.episodes, imported.frames], [2, 9]);
    assert.deepEqual(
      imported.notTaken.filter(({ what }) => what !== 'field'),
      [],
    );
    const landed = [];
    for await (const { key } of store.list('landing/')) landed.push(await store.localPath(key));
    assert.equal(landed.length, 1);
    const rows = await world.session.rows(
      `SELECT first(media) AS media, list(observation ORDER BY frame_index) AS seen, first(started_at) AS s
       FROM read_parquet('${landed[0]}') GROUP BY episode_id ORDER BY s`,
    );
    const decoder = clipDecoderProcess({ ffmpeg });
    for (const [place, { media, seen }] of rows.entries()) {
      const episode = [0, 3][place] ?? -1;
      const frames = Array.from({ length: framesOf(episode) }, (_, frame) => frame);
      assert.deepEqual(
        seen,
        frames.map((frame) => [episode, frame]),
      );
      const [clip] = mediaListSchema.parse(JSON.parse(media as string));
      const outPath = join(world.directory, 'images');
      const clipPath = (await store.localPath(clip?.key ?? '')) ?? '';
      const { sizes } = await decoder.decode({ clipPath, outPath, width, height, form: 'rgb' }, () => {});
      assert.equal(sizes.length, frames.length);
      const pixels = await readFile(outPath);
      for (const frame of frames) {
        const expected = colourOf(episode, frame);
        const image = pixels.subarray(frame * width * height * 3, (frame + 1) * width * height * 3);
        assert.ok(
          image.every((value, at) => Math.abs(value - (expected[at % 3] ?? 0)) <= bound),
          `frame ${frame} of episode ${episode}: expected ${expected.join(' ')}, got ${image.subarray(0, 3).join(' ')}`,
        );
      }
    }
  });
});
