import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { ClipImagesAnswer } from '../../console/answers/clips.ts';
import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { byteRange } from '../../console/byte-range.ts';
import { clipKey } from '../../datasets/camera.ts';
import { codecText } from '../../datasets/media/codec-text.ts';
import { episodeIdOf, policy, startMs } from '../activities/facts/fact-world.ts';
import { clipOf, rampImages } from '../datasets/media/clips.ts';
import { camera, clipSize, publishSeeingType, storeClip } from './clip-episodes.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';
import { storeEpisodes } from './lake-episodes.ts';

const id = episodeIdOf(1);
const robotId = 'r0';
const sha = (digit: string): string => digit.repeat(64);

describe('clips of cameras at the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  let bytes: Uint8Array;
  let front: string;
  const path = (camera: string, sha256: string, more = '', episode = id, robot = robotId): string =>
    `/api/v1/episodes/${episode}/clips/${camera}${more}?robot=${robot}&sha256=${sha256}`;
  const get = (url: string, headers: Record<string, string> = {}) =>
    world.app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${world.token}`, ...headers } });
  const part = (range: string) => get(path('front', front), { range });

  before(async () => {
    world = await openConsoleWorld();
    const images = await rampImages({ ...clipSize, count: 9 });
    bytes = await clipOf({ ...clipSize, periodUs: 100_000 }, images);
    const common = { robotId, episodeId: id };
    const violations = [{ rule: 'media.black', value: '3.1', expected: 'at least 8' }];
    front = await storeClip(world, { ...common, camera: 'front', bytes, verdict: 'accepted' });
    await storeClip(world, { ...common, camera: 'rear', sha256: sha('1') });
    await storeClip(world, { ...common, camera: 'left', bytes, verdict: 'refused', violations });
    await storeClip(world, { ...common, camera: 'right', sha256: sha('3'), verdict: 'accepted' });
    await storeClip(world, { ...common, camera: 'top', bytes });
    const cameras = ['front', 'rear', 'left', 'right', 'top', 'bottom'].map((name) => camera(name));
    const shape = await publishSeeingType(world, [...cameras, camera('cabin', false)]);
    const clip = (name: string, sha256: string, startedMs = 0) => ({ camera: name, sha256, startedMs });
    const clips = [
      clip('front', front, 150),
      clip('rear', sha('1')),
      clip('left', front),
      clip('right', sha('3')),
      clip('top', front, -20.5),
    ];
    const common2 = { ...shape, robotId, startedMs: startMs, frames: 12 };
    await storeEpisodes(world, [
      { ...common2, episodeId: id, clips },
      { ...common2, episodeId: episodeIdOf(2), robotTypeVersion: 1 },
    ]);
  });
  after(() => world.close());

  it('are told with the episode, each camera with what there is to see or why there is nothing', async () => {
    const { body } = await world.get(`/api/v1/episodes/${id}?policy=${policy}&day=2026-06-01`);
    const { episode } = body as unknown as EpisodeAnswer;
    assert.deepEqual(
      episode?.clips.map((clip) => [clip.camera, clip.state, clip.sha256, clip.startedMs]),
      [
        ['front', 'here', front, 150],
        ['rear', 'awaited', sha('1'), 0],
        ['left', 'refused', front, 0],
        ['right', 'deleted', sha('3'), 0],
        ['top', 'notJudged', front, -20.5],
        ['bottom', 'none', null, null],
        ['cabin', 'keptOnRobot', null, null],
      ],
    );
    assert.deepEqual(episode?.clips[2]?.violations, [{ rule: 'media.black', value: '3.1', expected: 'at least 8' }]);
    assert.equal(episode?.clips[0]?.periodMs, 100);
    const blind = await world.get(`/api/v1/episodes/${episodeIdOf(2)}?policy=${policy}&day=2026-06-01`);
    assert.deepEqual((blind.body as unknown as EpisodeAnswer).episode?.clips, []);
  });

  it('have a table of their images, by which each can be read as a range', async () => {
    const { body } = await world.get(path('front', front, '/images'));
    const places = body as unknown as Extract<ClipImagesAnswer, { state: 'read' }>;
    assert.deepEqual(
      [places.state, places.codec, places.configuration, places.width, places.height],
      ['read', 'jpeg', null, 64, 48],
    );
    assert.deepEqual(
      places.atUs,
      Array.from({ length: 9 }, (_, index) => index * 100_000),
    );
    assert.deepEqual(
      places.keys,
      Array.from({ length: 9 }, (_, index) => index),
    );
    const [start = 0, size = 0] = [places.offsets[4], places.sizes[4]];
    const image = await part(`bytes=${start}-${start + size - 1}`);
    assert.deepEqual(
      [
        image.statusCode,
        image.headers['content-type'],
        image.headers['content-range'],
        image.headers['content-length'],
      ],
      [206, 'video/mp4', `bytes ${start}-${start + size - 1}/${bytes.length}`, String(size)],
    );
    // A JPEG image, from its first mark to its last.
    assert.deepEqual([...image.rawPayload.subarray(0, 2), ...image.rawPayload.subarray(-2)], [0xff, 0xd8, 0xff, 0xd9]);
  });

  it('come whole without a range, and a range beyond the end is refused with the size', async () => {
    const whole = await get(path('front', front));
    assert.deepEqual([whole.statusCode, whole.headers['accept-ranges']], [200, 'bytes']);
    assert.deepEqual(new Uint8Array(whole.rawPayload), bytes);
    const { headers } = whole;
    assert.deepEqual(
      [headers['cache-control'], headers['x-content-type-options'], headers['cross-origin-resource-policy']],
      ['no-store', 'nosniff', 'same-origin'],
    );
    const last = await part('bytes=-3');
    assert.deepEqual(new Uint8Array(last.rawPayload), bytes.slice(-3));
    const open = await part(`bytes=${bytes.length - 2}-`);
    assert.deepEqual(new Uint8Array(open.rawPayload), bytes.slice(-2));
    const outside = await part(`bytes=${bytes.length}-`);
    assert.deepEqual([outside.statusCode, outside.headers['content-range']], [416, `bytes */${bytes.length}`]);
    for (const several of ['bytes=0-1,4-5', 'bytes=5-2', 'lines=1-2', 'bytes=', `bytes=0-${'9'.repeat(40)}`])
      assert.equal((await part(several)).statusCode, 200, several);
  });

  it('are shown to nobody who is not let in, and none that was refused, deleted, not brought or not named by the episode', async () => {
    for (const url of [path('front', front), path('front', front, '/images')])
      assert.equal((await world.app.inject({ method: 'GET', url })).statusCode, 401);
    const other = episodeIdOf(2);
    for (const more of ['', '/images'])
      for (const url of [
        path('left', front, more),
        path('rear', sha('1'), more),
        path('right', sha('3'), more),
        path('bottom', front, more),
        path('front', front, more, other),
        // Another robot has not brought it, whatever is noted of it.
        path('front', front, more, id, 'r1'),
      ])
        assert.equal((await get(url)).statusCode, 404, url);
    for (const url of [
      path('..%2f..', front),
      path('front', '../../secret'),
      path('front', front, '', id, '../r0'),
      path('front', front, '', '%0d%0aset-cookie'),
      path('front', `${front}%0d%0ax: y`),
    ])
      assert.equal((await get(url)).statusCode, 400, url);
  });

  it('that are no clip say so in a sentence, whoever brought the bytes', async () => {
    const text = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1');
    const wrong = await storeClip(world, { robotId, episodeId: id, camera: 'bottom', bytes: text });
    const { body } = await world.get(path('bottom', wrong, '/images'));
    assert.equal(body['state'], 'unreadable');
    assert.match(String(body['reason']), /expected an MP4 file/);
    await world.ports.store.delete(clipKey(wrong));
    assert.equal((await get(path('bottom', wrong, '/images'))).statusCode, 404);
  });

  it('are streamed to few at a time', async () => {
    const operator = await world.add('many', 'viewer');
    const url = await world.app.listen({ host: '127.0.0.1', port: 0 });
    // Longer than what a connection holds on its way: nobody reads these.
    const long = new Uint8Array(24 * 1024 * 1024);
    const name = await storeClip(world, { robotId, episodeId: id, camera: 'front', bytes: long });
    const ask = () => fetch(url + path('front', name), { headers: { authorization: `Bearer ${operator}` } });
    const open = await Promise.all(Array.from({ length: 8 }, ask));
    assert.deepEqual(new Set(open.map(({ status }) => status)), new Set([200]));
    const refused = await ask();
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '2']);
    for (const { body } of open) await body?.cancel();
    for (let tries = 0; tries < 100; tries += 1) {
      const again = await ask();
      await again.body?.cancel();
      if (again.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail('streams that were given up are still counted');
  });

  it('ranges lie within the file, whatever a header says', () => {
    const number = fc.oneof(fc.nat(30), fc.bigInt(0n, 10n ** 15n - 1n).map(String), fc.constant(''));
    const header = fc.oneof(
      fc.string(),
      fc.tuple(number, number).map(([a, b]) => `bytes=${a}-${b}`),
    );
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 20 }), (text, size) => {
        const range = byteRange(text, size);
        if (typeof range === 'string') return true;
        return range.start >= 0 && range.start < range.end && range.end <= size;
      }),
    );
    assert.deepEqual(byteRange('bytes=2-5', 10), { start: 2, end: 6 });
    assert.deepEqual(byteRange('bytes=2-50', 10), { start: 2, end: 10 });
    assert.equal(byteRange('bytes=-0', 10), 'outside');
  });

  it('codecs are named as browsers know them', () => {
    const of = (codec: 'h264' | 'av1', ...set: number[]) => codecText({ codec, configuration: Uint8Array.from(set) });
    assert.equal(of('h264', 1, 0x64, 0, 0x1f), 'avc1.64001f');
    assert.equal(of('av1', 0x81, 5, 0x0c, 0), 'av01.0.05M.08');
    assert.equal(of('av1', 0x81, 0x40 + 13, 0x80 + 0x40 + 0x20, 0), 'av01.2.13H.12');
    assert.equal(of('h264', 1), undefined);
    assert.equal(codecText({ codec: 'h264', configuration: undefined }), undefined);
  });
});
