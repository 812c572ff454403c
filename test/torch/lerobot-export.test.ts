import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { clipDecoderProcess } from '../../activities/adapters/clip-decoder-process.ts';
import {
  colourOf,
  exportedVideos,
  framesOf,
  height,
  openFilmedLake,
  width,
  type FilmedLake,
} from '../activities/exports/filmed-lake.ts';
import { toolForTest } from '../support/tool.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../support/python/read_lerobot_videos.py', import.meta.url));
/** Levels of 255 by which an image may differ from that of its robot: it was coded as JPEG, and as H.264. */
const bound = 12;
/** And from what our own decoder makes of the same video: two ways from YUV to RGB. */
const decoderBound = 4;

interface Row {
  readonly episode_index: number;
  readonly frame_index: number;
  readonly index: number;
  readonly timestamp: number;
  readonly 'observation.state': readonly number[];
  readonly action: number | readonly number[];
  readonly task: string;
  readonly shape: readonly number[];
}

describe('an exported data set with videos', () => {
  let world: FilmedLake;
  before(async () => (world = await openFilmedLake()));
  after(() => world.close());

  it("is read by LeRobot's own reader, every frame with the image that it saw", async function () {
    const python = await toolForTest(this, 'python-lerobot');
    const ffmpeg = await toolForTest(this, 'ffmpeg');
    const { folder } = await exportedVideos(world, ffmpeg);
    const pixelFile = join(world.directory, 'lerobot-pixels');
    const env = { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(world.directory, 'hf'), OMP_NUM_THREADS: '1' };
    const { stdout } = await run(python, [script, folder, pixelFile], { env });
    const read = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      readonly episodes: number;
      readonly fps: number;
      readonly rows: readonly Row[];
      readonly windows: unknown;
      readonly padded: unknown;
      readonly statistics: Readonly<Record<string, unknown>>;
    };
    assert.deepEqual([read.episodes, read.fps, read.rows.length], [2, 10, 9]);
    assert.deepEqual(read.windows, [[2, 3, height, width], [2]]);
    assert.deepEqual(read.padded, [
      [true, false],
      [false, true],
    ]);
    assert.deepEqual(read.statistics['mean'], [3, 1, 1]);
    const pixels = await readFile(pixelFile);
    const decoder = clipDecoderProcess({ ffmpeg });
    const size = width * height * 3;
    let index = 0;
    for (const [place, episode] of [0, 3].entries()) {
      const clipPath = join(folder, `videos/observation.images.front/chunk-000/file-00${place}.mp4`);
      const outPath = join(world.directory, 'our-pixels');
      await decoder.decode({ clipPath, outPath, width, height, form: 'rgb' }, () => {});
      const ours = await readFile(outPath);
      for (let frame = 0; frame < framesOf(episode); frame += 1, index += 1) {
        const row = read.rows[index];
        assert.deepEqual(
          [row?.episode_index, row?.frame_index, row?.index, row?.task, row?.['observation.state'], row?.shape],
          [place, frame, index, 'roll', [episode, frame], [3, height, width]],
        );
        assert.ok(Math.abs((row?.timestamp ?? -1) - frame / 10) < 1e-6);
        const [image, own] = [
          pixels.subarray(index * size, (index + 1) * size),
          ours.subarray(frame * size, (frame + 1) * size),
        ];
        const expected = colourOf(episode, frame);
        assert.ok(
          image.every((value, at) => Math.abs(value - (expected[at % 3] ?? 0)) <= bound),
          `frame ${frame} of episode ${episode}: expected ${expected.join(' ')}, got ${image.subarray(0, 3).join(' ')}`,
        );
        assert.ok(image.every((value, at) => Math.abs(value - (own[at] ?? 0)) <= decoderBound));
      }
    }
  });
});
