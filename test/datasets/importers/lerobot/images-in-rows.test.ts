import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { cameraSchema } from '../../../../datasets/camera.ts';
import { FrameColumns } from '../../../../datasets/frame-columns.ts';
import { ImagesByRow } from '../../../../datasets/importers/lerobot/image-rows.ts';
import type { ImageTable } from '../../../../datasets/importers/lerobot/image-table.ts';
import { ImagesInRows } from '../../../../datasets/importers/lerobot/images-in-rows.ts';
import { isUntaken } from '../../../../datasets/importers/lerobot/images-of-camera.ts';
import { VideoProblem, type CutJob } from '../../../../datasets/importers/lerobot/video-source.ts';
import { readClipFile } from '../../../../datasets/media/read-clip-file.ts';

const size = { width: 16, height: 16 };
const camera = cameraSchema.parse({
  ...size,
  name: 'eye',
  rateHz: 10,
  colour: 'rgb',
  codec: 'h264',
  learned: size,
  mayLeaveRobot: true,
});
const of = { camera, feature: { key: 'eye', kind: 'image', numbers: [], size }, isRequired: true } as const;

describe('the images of an episode in its rows', () => {
  let scratchDirectory = '';
  let jpeg: Buffer;
  before(async () => {
    scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-rows-'));
    jpeg = await sharp({ create: { ...size, channels: 3, background: { r: 1, g: 2, b: 3 } } })
      .jpeg()
      .toBuffer();
  });
  after(() => rm(scratchDirectory, { recursive: true, force: true }));

  const episodeAt = (atUs: readonly number[]) => ({
    name: 'a',
    robotId: 'r',
    task: 't',
    outcome: 'success' as const,
    failureReason: null,
    isDemonstration: true,
    at: { value: '0', firstRow: 0, rows: atUs.length },
    frames: FrameColumns.of(
      atUs.map((at) => ({ atUs: at, observation: new Float32Array(1), action: new Float32Array(1) })),
    ),
  });
  /** What becomes of frames at these times, whose images are all the same. */
  async function madeOf(
    times: readonly number[],
    { mostBytes, cut }: { mostBytes?: number; cut?: (job: CutJob) => Promise<readonly number[]> },
  ) {
    const table: ImageTable = {
      rowCount: async () => times.length,
      async *images() {
        const image = () => ({ bytes: jpeg, sizeBytes: jpeg.length, path: '' });
        yield { first: 0, count: times.length, image };
      },
      close: async () => {},
    };
    const source = {
      look: () => assert.fail('expected no look'),
      cut: cut ?? (() => assert.fail('expected nothing to be decoded')),
    };
    const images = new ImagesByRow(table, [{ path: 'file', name: 'file' }], 'eye');
    const input = { folder: scratchDirectory, images, source, scratchDirectory };
    const rows = new ImagesInRows(of, mostBytes === undefined ? input : { ...input, mostBytes });
    const filmed = { episode: episodeAt(times), index: 0, meta: { length: 1, fromRow: 0, toRow: 1 } };
    const found = await rows.find(filmed);
    const made = isUntaken(found) ? found : await found.cut(join(scratchDirectory, 'clip.mp4'));
    assert.deepEqual(await readdir(scratchDirectory), []);
    return made;
  }
  const reasonsOf = async (...given: Parameters<typeof madeOf>): Promise<readonly (readonly [string, number])[]> => {
    const made = await madeOf(...given);
    return isUntaken(made) ? [...made.reasons] : [];
  };

  it('go to the decoder as one file with the instants of the rows', async () => {
    const times = [1_000_000, 1_100_003, 1_350_000];
    const cut = async ({ path, images, stills, fromUs }: CutJob): Promise<readonly number[]> => {
      const { codec, samples } = await readClipFile(path);
      assert.deepEqual([codec, images, stills, fromUs], ['jpeg', 3, 'jpeg', 0]);
      assert.ok(samples.every(({ sizeBytes }) => sizeBytes === jpeg.length));
      return samples.map(({ atUs }) => atUs);
    };
    assert.deepEqual(await madeOf(times, { cut }), { atUs: [0, 100_003, 350_000], isLasting: true });
  });

  it('are not taken where their times do not rise, or are further from each other than in any clip', async () => {
    assert.deepEqual(await reasonsOf([5, 5], {}), [['times of its rows that do not rise', 2]]);
    assert.deepEqual(await reasonsOf([5, 6, 4], {}), [['times of its rows that do not rise', 3]]);
    assert.deepEqual(await reasonsOf([0, 2 ** 33], {}), [['more images, or a longer time, than a clip may have', 2]]);
  });

  it('are not taken beyond so many bytes, or where the decoder refuses one', async () => {
    const mostBytes = 2 * jpeg.length + 1;
    assert.deepEqual(await reasonsOf([1, 2, 3, 4], { mostBytes }), [
      [`more than ${mostBytes} bytes of images in its episode`, 2],
      ['of an episode with an image that cannot be taken', 2],
    ]);
    const cut = async (): Promise<never> => {
      throw new VideoProblem('cannot be decoded: so it is');
    };
    assert.deepEqual(await reasonsOf([1, 2], { cut }), [
      ['among the images of its episode: cannot be decoded: so it is', 2],
    ]);
  });
});
