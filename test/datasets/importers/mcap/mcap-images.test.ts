import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import type { ClipToLand } from '../../../../datasets/importers/episode-clip.ts';
import { importMcap, openMcap } from '../../../../datasets/importers/mcap/import-mcap.ts';
import { tableEpisodes } from '../../../../datasets/importers/table-episodes.ts';
import { Tally } from '../../../../datasets/importers/tally.ts';
import { robotTypeSchema } from '../../../../datasets/robot-type.ts';
import { memoryObjectStore } from '../../../../store/adapters/memory-object-store.ts';
import { cart, cartMap } from '../cart.ts';
import { mcapBytes, startUs, type TestMessage } from './mcap-file.ts';

const camera = {
  name: 'front',
  width: 32,
  height: 16,
  rateHz: 10,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 16, height: 8 },
  mayLeaveRobot: true,
};
const seeing = robotTypeSchema.parse({ ...cart, cameras: [camera] });
const map = cartMap({
  time: { kind: 'log' },
  mcap: { frames: { topic: '/cart' }, maxAgeS: 1, cameras: [{ name: 'front', column: '/eye.data' }] },
  episodes: { by: { kind: 'gap', longerThanS: 5 } },
  observations: ['place', 'angle'].map((name) => ({ name, column: `/cart.${name}` })),
  actions: { kind: 'continuous', ranges: [{ name: 'speed', column: '/cart.speed' }] },
});

describe('images of an MCAP file', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-mcap-images-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const jpeg = (grey: number, width = 32) =>
    sharp({ create: { width, height: 16, channels: 3, background: { r: grey, g: 0, b: 9 } } })
      .jpeg()
      .toBuffer();
  const image = (t: number, bytes: Uint8Array | string): TestMessage => ({
    topic: '/eye',
    t,
    data: { format: 'jpeg', data: typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('base64') },
  });
  const cartAt = (t: number, id = ''): TestMessage => ({
    topic: '/cart',
    t,
    data: { place: 1, angle: t / 100, speed: 0.5, id },
  });

  /** Two episodes of five frames, and images before, during, between and behind them. */
  async function recording(ids: readonly string[] = []) {
    const starts = [10, 10.1, 10.2, 10.3, 10.4, 20, 20.1, 20.2, 20.3, 20.4];
    const frames = starts.map((t, frame) => cartAt(t, ids[Math.floor(frame / 5)]));
    const times = [5, 9.95, 10.05, 10.15, 10.25, 10.35, 10.45, 15, 20.02, 20.12, 30];
    const images = await Promise.all(times.map(async (t, index) => image(t, await jpeg(index * 20))));
    const wrong = [
      image(20.15, await jpeg(1, 64)),
      image(20.16, 'AAAA'),
      image(20.17, ''),
      image(20.12, await jpeg(3)),
    ];
    const messages = [...frames, ...images, ...wrong].toSorted((a, b) => a.t - b.t);
    const path = join(folder, 'seen.mcap');
    await writeFile(path, await mcapBytes([{ topic: '/cart' }, { topic: '/eye' }], messages, { chunkSize: 4096 }));
    return { path, jpegs: await Promise.all(times.map((_, index) => jpeg(index * 20))) };
  }

  it('become clips of the episodes in whose time they were taken, unchanged; others are counted', async () => {
    const { path, jpegs } = await recording();
    const tally = new Tally();
    const { files, reader, images } = await openMcap({ path, map, type: seeing }, tally);
    const landed: ClipToLand[] = [];
    const clips = [];
    for await (const episode of tableEpisodes({ files, reader, map, type: seeing, tally }, { rows: 0 })) {
      const seen = await images.withClips(episode, 'bench', async (clip) => void landed.push(clip));
      clips.push(...(seen.clips ?? []));
    }
    reader.end();
    assert.deepEqual(
      clips.map(({ kind, startedAt, durationMs }) => [kind, startedAt - startUs, durationMs]),
      [
        ['camera:front', 9_950_000, 600],
        ['camera:front', 20_020_000, 200],
      ],
    );
    const ofClips = [jpegs.slice(1, 7), jpegs.slice(8, 10)];
    for (const [index, { bytes, sha256, camera: name, site }] of landed.entries()) {
      assert.deepEqual([name, site, clips[index]?.key], ['front', 'bench', `media/${sha256}.mp4`]);
      const content = Buffer.concat(ofClips[index] ?? []);
      assert.deepEqual(Buffer.from(bytes).subarray(-content.length), content);
    }
    const { handled, notTaken } = tally.result();
    assert.equal(handled['images'], 8);
    assert.deepEqual(
      notTaken
        .filter(({ what }) => what === 'message')
        .map(({ reason, count }) => `${count} ${reason}`)
        .toSorted(),
      [
        '1 an image not later than the one before',
        '1 no image of 32 × 16 pixels, the size of camera front',
        '2 no JPEG image',
        '3 an image outside of episodes that were taken',
      ],
    );
  });

  it('are landed before the segment that names them, and not at all for a registered robot', async () => {
    const { path } = await recording();
    const store = memoryObjectStore();
    const landed: ClipToLand[] = [];
    const input = {
      path,
      store,
      scratchDirectory: folder,
      progress: () => {},
      isRegistered: async () => false,
      landClip: async (clip: ClipToLand) => void landed.push(clip),
      type: seeing,
      map,
      isAgain: false,
    };
    const summary = await importMcap(input);
    assert.deepEqual([summary.episodes, landed.length], [2, 2]);
    landed.length = 0;
    await assert.rejects(importMcap({ ...input, isRegistered: async () => true }), /registered/);
    assert.equal(landed.length, 0);
  });

  it('are not landed under an id that is none: the import ends with the sentence before', async () => {
    const landed: ClipToLand[] = [];
    const input = {
      store: memoryObjectStore(),
      scratchDirectory: folder,
      progress: () => {},
      isRegistered: async () => false,
      landClip: async (clip: ClipToLand) => void landed.push(clip),
      type: seeing,
      map: cartMap({ ...map, episodes: { ...map.episodes, idColumn: '/cart.id' } }),
      isAgain: false,
    };
    const { path } = await recording(['../../robots/x', '../../robots/x']);
    await assert.rejects(
      importMcap({ ...input, path }),
      /expected \/cart\.id: .* a ULID .*got "\.\.\/\.\.\/robots\/x"/,
    );
    assert.deepEqual(landed, []);
    const ids = ['01HZX3V5Q8R9S0T1A2B3C4D5E6', '01HZX3V5Q8R9S0T1A2B3C4D5E7'];
    await importMcap({ ...input, path: (await recording(ids)).path });
    assert.deepEqual(
      landed.map(({ episodeId }) => episodeId),
      ids,
    );
  });

  it('are only those of cameras that the robot type has, and whose images may leave the robot', async () => {
    const { path } = await recording();
    const open = (type = seeing, cameras: object = map.mcap?.cameras ?? []) =>
      openMcap({ path, type, map: cartMap({ ...map, mcap: { ...map.mcap, cameras } }) }, new Tally());
    await assert.rejects(open(cart), /expected cameras of cart@1, each once, got "front"/);
    await assert.rejects(
      open(
        seeing,
        [1, 2].map(() => ({ name: 'front', column: '/eye.data' })),
      ),
      /each once/,
    );
    const shy = robotTypeSchema.parse({ ...cart, cameras: [{ ...camera, mayLeaveRobot: false }] });
    await assert.rejects(open(shy), /may leave the robot/);
  });
});
