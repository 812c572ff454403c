import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { ffmpegVideos } from '../../../activities/adapters/ffmpeg-videos.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import { landClip } from '../../../cli/land-clip.ts';
import { camerasOf } from '../../../datasets/camera.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { mediaListSchema } from '../../../datasets/segment-row.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { toolForTest } from '../../support/tool.ts';
import { colourOf, exportedVideos, framesOf, height, openFilmedLake, width, type FilmedLake } from './filmed-lake.ts';

/** Levels of 255 by which an image may differ after it was coded as JPEG, as H.264, and as H.264 again. */
const bound = 12;

describe('LeRobot data sets with videos', function () {
  this.timeout(60_000);
  let world: FilmedLake;
  let ffmpeg = '';

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    world = await openFilmedLake();
  });
  after(() => world.close());

  it('have one image for each frame, the one it saw, and import as the same episodes with the same images', async () => {
    const { folder, summary } = await exportedVideos(world, ffmpeg);
    assert.deepEqual([summary.episodes, summary.episodesWithoutVideos, summary.frames], [2, 2, 9]);
    const [{ times }] = (await world.session.rows(
      `SELECT list(timestamp::DOUBLE ORDER BY index) AS times FROM read_parquet('${folder}/data/*/*.parquet')`,
    )) as unknown as [{ times: number[] }];
    // As its videos have them, whenever the robot made its frames.
    assert.deepEqual(
      times,
      [0, 1, 2, 0, 1, 2, 3, 4, 5].map((frame) => Math.fround(frame / 10)),
    );
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
