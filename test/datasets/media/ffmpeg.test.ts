import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import sharp from 'sharp';

import { findFfmpeg } from '../../../datasets/media/find-ffmpeg.ts';
import { readClipFile } from '../../../datasets/media/read-clip-file.ts';
import { transcodeArguments } from '../../../datasets/media/transcode-arguments.ts';
import { toolForTest } from '../../support/tool.ts';
import { clipOf } from './clips.ts';

const run = promisify(execFile);
/** 24 images of a moving ramp, at instants that no rate describes. */
async function movingImages(width: number, height: number) {
  let atUs = 1_764_000_000_000_123;
  return Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      atUs += index === 12 ? 5_000_001 : 33_333 + ((index * 7_919) % 11);
      const image = { atUs };
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_unused, at) => (at * 3 + index * 17) % 256);
      const raw = { width, height, channels: 3 } as const;
      return { ...image, jpeg: await sharp(pixels, { raw }).jpeg().toBuffer() };
    }),
  );
}

describe('clips and ffmpeg', function () {
  this.timeout(60_000);
  let folder: string;
  let ffmpeg: string;

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    folder = await mkdtemp(join(tmpdir(), 'flywheel-clips-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('reads our clip with the same times, and what it makes of it keeps them to the microsecond', async () => {
    for (const [codec, width, height] of [
      ['h264', 64, 48],
      ['h264', 65, 47],
      ['av1', 96, 64],
    ] as const) {
      const images = await movingImages(width, height);
      const [from, to] = [join(folder, `${codec}-${width}.mp4`), join(folder, `${codec}-${width}-to.mp4`)];
      await writeFile(from, await clipOf({ width, height, periodUs: 33_333 }, images));
      const expected = images.map(({ atUs }) => atUs - (images[0]?.atUs ?? 0));
      const hashes = ['-v', 'error', '-i', from, '-fps_mode', 'passthrough', '-enc_time_base', '1:1000000'];
      const { stdout } = await run(ffmpeg, [...hashes, '-f', 'framehash', '-']);
      const times = stdout.match(/^0,.*/gm)?.map((line) => Number(line.split(',')[2]));
      assert.deepEqual(times, expected);
      await run(ffmpeg, [...transcodeArguments({ from, to, codec, width, height })], {
        env: { ...process.env, SVT_LOG: '1' },
      });
      const clip = await readClipFile(to);
      assert.deepEqual([clip.codec, clip.width, clip.height], [codec, width, height]);
      assert.deepEqual(
        clip.samples.map(({ atUs }) => atUs),
        expected,
      );
      assert.equal(clip.samples.filter(({ isKey }) => isKey).length, 1);
    }
  });

  it('is refused with its sentence when it writes B-frames or fragments', async () => {
    const from = join(folder, 'h264-64.mp4');
    const encode = ['-v', 'error', '-y', '-i', from, '-c:v', 'libx264'];
    const [reordered, fragments] = [join(folder, 'b.mp4'), join(folder, 'f.mp4')];
    await run(ffmpeg, [...encode, '-bf', '2', reordered]);
    await run(ffmpeg, [...encode, '-bf', '0', '-movflags', 'frag_keyframe+empty_moov', fragments]);
    await assert.rejects(readClipFile(reordered), /edit list|B-frames/);
    await assert.rejects(readClipFile(fragments), /in fragments/);
  });

  it('is the one that FLYWHEEL_FFMPEG names, else one on PATH, else none', async () => {
    assert.equal(await findFfmpeg({ FLYWHEEL_FFMPEG: ffmpeg, PATH: '' }), ffmpeg);
    assert.equal(await findFfmpeg({ PATH: `relative:${folder}:${join(ffmpeg, '..')}` }), ffmpeg);
    assert.equal(await findFfmpeg({ PATH: folder }), undefined);
    for (const named of ['/bin/true', 'ffmpeg', '/nowhere/ffmpeg'])
      await assert.rejects(findFfmpeg({ FLYWHEEL_FFMPEG: named }), /FLYWHEEL_FFMPEG: expected the absolute path/);
  });
});
