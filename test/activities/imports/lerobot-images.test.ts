import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';

import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { ffmpegVideos } from '../../../activities/adapters/ffmpeg-videos.ts';
import { parquetImageTable } from '../../../activities/imports/parquet-images.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import type { SqlEngine, SqlSession } from '../../../activities/ports/sql.ts';
import { importLeRobotFolder } from '../../../cli/import-tables.ts';
import { inferDraft } from '../../../cli/infer.ts';
import { landClip } from '../../../cli/land-clip.ts';
import { clipKey, type Camera } from '../../../datasets/camera.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import type { ImageTable } from '../../../datasets/importers/lerobot/image-table.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import type { VideoSource } from '../../../datasets/importers/lerobot/video-source.ts';
import { imageOfFrame } from '../../../datasets/media/image-of-frame.ts';
import { mediaListSchema } from '../../../datasets/segment-row.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { ownsClip } from '../../../store/records/clip-uses.ts';
import { toolForTest } from '../../support/tool.ts';
import { lerobotFolder } from './lerobot-folder.ts';

type Version = 'v2.1' | 'v3.0';
const [width, height] = [64, 48];
const feature = 'observation.images.wrist';
const rows = Array.from({ length: 12 }, (_, row) => row);
const colourOf = (row: number): readonly number[] => [10 + 20 * row, 240 - 15 * row, 90];
/** Levels of 255 by which an image may differ after it was coded twice. */
const bound = 6;

/** What a row has of an image. */
interface Held {
  readonly bytes?: Uint8Array;
  /** Instead of bytes. */
  readonly sql?: string;
  readonly path?: string;
}

const pictureOf = (row: number, { wide = width, high = height } = {}) => {
  const [r = 0, g = 0, b = 0] = colourOf(row);
  return sharp({ create: { width: wide, height: high, channels: 3, background: { r, g, b } } });
};
const png = (row: number): Promise<Buffer> => pictureOf(row).png().toBuffer();
/** A row of each episode, and things that stand there in turn. */
const places = [2, 6, 9];
const threes = <T>(all: readonly T[]): readonly (readonly T[])[] =>
  all.flatMap((_, index) => (index % 3 === 0 ? [all.slice(index, index + 3)] : []));
const inBytes = async (row: number): Promise<Held> => ({ bytes: await png(row), path: `frame_${row}.png` });

describe('images within the data files of LeRobot data sets', function () {
  this.timeout(60_000);
  let scratchDirectory = '';
  let engine: SqlEngine;
  let session: SqlSession;
  let ffmpeg = '';
  let source: VideoSource;

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    source = ffmpegVideos({ ffmpeg });
    scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-images-'));
    engine = duckDbEngine({ temporaryDirectory: scratchDirectory, threads: 1 });
    session = await engine.open();
  });
  after(async () => {
    await session.close();
    await rm(scratchDirectory, { recursive: true, force: true });
  });
  const openImages = async (): Promise<ImageTable> => parquetImageTable(await engine.open());

  /** A data set whose rows have these images. */
  async function made(
    version: Version,
    held: (row: number) => Promise<Held> = inBytes,
    said: object = {},
    hasVideos = false,
  ) {
    const folder = await lerobotFolder(await mkdtemp(join(scratchDirectory, 'set-')), session, version);
    const literal = async (row: number): Promise<string> => {
      const { bytes, path, sql = 'NULL::BLOB' } = await held(row);
      const hex = bytes === undefined ? sql : `unhex('${Buffer.from(bytes).toString('hex')}')`;
      return `(${row}, {bytes: ${hex}, path: ${path === undefined ? 'NULL' : `'${path}'`}})`;
    };
    const values = (await Promise.all(rows.map(literal))).join(', ');
    const data = join(folder, 'data/chunk-000');
    for (const name of await readdir(data)) {
      const file = join(data, name);
      await session.run(`COPY (SELECT r.*, v.image AS "${feature}" FROM read_parquet('${file}') AS r
        JOIN (VALUES ${values}) AS v(i, image) ON v.i = r.index ORDER BY r.index) TO '${file}.new' (FORMAT parquet)`);
      await rename(`${file}.new`, file);
    }
    const info = join(folder, 'meta/info.json');
    const parsed = JSON.parse(await readFile(info, 'utf8')) as { features: Record<string, unknown> };
    if (!hasVideos) delete parsed.features['observation.images.top'];
    parsed.features[feature] = {
      dtype: 'image',
      shape: [3, height, width],
      names: ['channels', 'height', 'width'],
      ...said,
    };
    await writeFile(info, JSON.stringify(parsed));
    return folder;
  }

  const drafts = new Map<string, ReturnType<typeof newDraft>>();
  async function drafted(folder: string) {
    const draft = drafts.get(folder) ?? newDraft(folder);
    drafts.set(folder, draft);
    return draft;
  }
  async function newDraft(folder: string) {
    const draft = await draftLeRobot(folder, 'so100', parquetTableReader(session), { source, openImages });
    return {
      type: robotTypeSchema.parse(draft.robotType),
      map: importMapSchema.parse(draft.map),
      notes: draft.notes,
    };
  }

  interface Bringing {
    readonly required?: boolean;
    readonly codec?: Camera['codec'];
    readonly store?: ReturnType<typeof memoryObjectStore>;
    readonly from?: VideoSource;
    /** Of another data set, where this one's first images are spoiled. */
    readonly draftOf?: string;
  }
  async function brought(folder: string, bringing: Bringing = {}) {
    const { required = true, codec = 'h264', store = memoryObjectStore(), from = source, draftOf = folder } = bringing;
    const { type, map } = await drafted(draftOf);
    const cameras = map.lerobot?.cameras.map((camera) => ({ ...camera, required })) ?? [];
    const summary = await importLeRobot({
      path: folder,
      store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
      reader: parquetTableReader(session),
      type: robotTypeSchema.parse({ ...type, cameras: type.cameras?.map((camera) => ({ ...camera, codec })) }),
      map: { ...map, lerobot: { cameras } },
      videos: {
        source: from,
        openImages,
        landClip: (clip) => landClip(store, clip),
        hasClip: async (sha256) => (await store.get(clipKey(sha256))) !== undefined,
      },
    });
    const notTaken = summary.notTaken
      .filter(({ what }) => what !== 'field')
      .map(({ what, reason, count }) => `${count} ${what}: ${reason}`);
    assert.ok(summary.notTaken.every(({ what, name }) => what !== 'field' || name !== feature));
    assert.deepEqual(
      (await readdir(scratchDirectory)).filter((name) => /^(images|clip)-of/.test(name)),
      [],
    );
    return { summary, store, notTaken };
  }

  async function episodesOf(store: ReturnType<typeof memoryObjectStore>) {
    const found = [];
    for await (const { key } of store.list('landing/'))
      found.push(
        ...(await session.rows(
          `SELECT first(robot_id) AS robot, first(media) AS media, list(timestamp::DOUBLE ORDER BY frame_index) AS times,
             first(observation[1] ORDER BY frame_index) AS row FROM read_parquet('${await store.localPath(key)}') GROUP BY episode_id ORDER BY first(started_at)`,
        )),
      );
    return found as unknown as { robot: string; media: string | null; times: number[]; row: number }[];
  }

  /** Every frame of every episode with a clip sees the image of its own row; how many episodes have one. */
  async function seeTheirOwn(store: ReturnType<typeof memoryObjectStore>): Promise<readonly number[]> {
    const decoder = clipDecoderProcess({ ffmpeg });
    const seen: number[] = [];
    for (const { robot, media, times, row } of await episodesOf(store)) {
      const [clip] = mediaListSchema.parse(JSON.parse(media ?? '[]'));
      if (clip === undefined) continue;
      seen.push(times.length);
      assert.ok(await ownsClip(store, robot, clip.sha256));
      const outPath = join(scratchDirectory, 'pixels');
      const clipPath = (await store.localPath(clip.key)) ?? '';
      const decoded = await decoder.decode({ clipPath, outPath, width, height, form: 'rgb' }, () => {});
      const pixels = await readFile(outPath);
      const instants = decoded.atUs.map((us) => clip.startedAt + us);
      for (const [frame, at] of times.entries()) {
        assert.equal(imageOfFrame(instants, at, 100_000), frame);
        const image = pixels.subarray(frame * width * height * 3, (frame + 1) * width * height * 3);
        const expected = colourOf(row + frame);
        assert.ok(
          image.every((value, place) => Math.abs(value - (expected[place % 3] ?? 0)) <= bound),
          `image ${frame} of the episode from row ${row}: expected ${expected.join(' ')}, got ${image.subarray(0, 3).join(' ')}`,
        );
      }
    }
    return seen;
  }

  const kinds: readonly (readonly [string, Version, Camera['codec'], (row: number) => Promise<Uint8Array>])[] = [
    ['PNG', 'v3.0', 'h264', png],
    ['PNG', 'v2.1', 'jpeg', png],
    ['PNG with transparency', 'v2.1', 'h264', (row) => pictureOf(row).ensureAlpha(0.5).png().toBuffer()],
    ['PNG with a palette', 'v2.1', 'h264', (row) => pictureOf(row).png({ palette: true }).toBuffer()],
    ['interlaced PNG', 'v2.1', 'h264', (row) => pictureOf(row).png({ progressive: true }).toBuffer()],
    ['JPEG', 'v3.0', 'h264', (row) => pictureOf(row).jpeg({ quality: 95 }).toBuffer()],
  ];
  for (const [kind, version, codec, bytesOf] of kinds)
    it(`${version}: ${kind} becomes clips of ${codec} in which every frame sees the image of its row`, async () => {
      const folder = await made(version, async (row) => ({ bytes: await bytesOf(row) }));
      const { type, map, notes } = await drafted(folder);
      assert.deepEqual(
        type.cameras?.map((camera) => [camera.name, camera.width, camera.height, camera.rateHz]),
        [['wrist', width, height, 10]],
      );
      assert.deepEqual(map.lerobot?.cameras, [{ name: 'wrist', column: feature, required: true }]);
      assert.ok(notes.some((note) => note.includes('"required": false')));
      const { store, summary, notTaken } = await brought(folder, { codec });
      assert.deepEqual([summary.episodes, summary.handled['clips'], notTaken], [3, 3, []]);
      assert.deepEqual(await seeTheirOwn(store), [5, 3, 4]);
    });

  it('counts every image that cannot be taken with its reason, and takes its episode only where the map does not require them', async () => {
    const sound = await made('v3.0');
    const large = async (wide: number, high: number): Promise<Held> => ({
      bytes: await pictureOf(0, { wide, high }).png().toBuffer(),
    });
    const changed = async (row: number, change: (bytes: Buffer) => void): Promise<Held> => {
      const bytes = await png(row);
      change(bytes);
      return { bytes };
    };
    const spoiled: readonly (readonly [Held | Promise<Held>, string])[] = [
      [{}, 'neither bytes nor the path of a file'],
      [{ bytes: Buffer.from('GIF89a, no image') }, 'neither a PNG nor a JPEG image'],
      [
        { bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n') },
        'a pointer of Git LFS instead of the image: run "git lfs pull"',
      ],
      [{ bytes: (await png(6)).subarray(0, -30) }, 'expected a whole PNG file, got one that is cut off'],
      [changed(6, (bytes) => (bytes[60]! ^= 1)), 'expected a sound PNG file, got a wrong checksum'],
      [{ bytes: (await pictureOf(6).jpeg().toBuffer()).subarray(0, -60) }, 'a JPEG image that is cut off'],
      [
        { bytes: await pictureOf(6).toColourspace('rgb16').png().toBuffer() },
        'a PNG image of more than 8 bits a channel',
      ],
      [large(32, 48), 'an image of 32 × 48 pixels, where meta/info.json says 64 × 48'],
      [large(4000, 4000), 'an image of 4000 × 4000 pixels, where meta/info.json says 64 × 48'],
      [{ bytes: await pictureOf(6).jpeg().toBuffer() }, 'PNG and JPEG images in one episode'],
      [{ sql: `encode(repeat('x', ${16 * 1024 * 1024 + 1}))` }, 'an image of more than 16 MiB'],
      [{ bytes: new Uint8Array(), path: '' }, 'neither bytes nor the path of a file'],
    ];
    for (const three of threes(spoiled)) {
      const folder = await made('v3.0', async (row) => three[places.indexOf(row)]?.[0] ?? inBytes(row));
      const { notTaken, summary } = await brought(folder, { draftOf: sound });
      assert.deepEqual(
        [summary.episodes, notTaken.toSorted()],
        [
          0,
          [
            ...three.map(([, reason]) => `1 image: ${reason}`),
            '9 image: of an episode with an image that cannot be taken',
            '3 episode: no images of camera wrist, which the map requires',
          ].toSorted(),
        ],
      );
    }
    const one = await made('v3.0', async (row) => (row === 6 ? {} : inBytes(row)));
    const reasons = [
      '1 image: neither bytes nor the path of a file',
      '2 image: of an episode with an image that cannot be taken',
    ];
    const strict = await brought(one, { draftOf: sound });
    const needed = '1 episode: no images of camera wrist, which the map requires';
    assert.deepEqual([strict.summary.episodes, strict.notTaken], [2, [...reasons, needed]]);
    const lenient = await brought(one, { draftOf: sound, required: false });
    assert.deepEqual([lenient.summary.episodes, lenient.notTaken], [3, reasons]);
    for (const { store } of [strict, lenient]) assert.deepEqual(await seeTheirOwn(store), [5, 4]);
  });

  it('counts images that fall to their decoder, or are not of the camera, together', async () => {
    const sound = await made('v2.1');
    const broken = withoutPixels(await png(6));
    const undecodable = await brought(
      await made('v2.1', async (row) => (row === 6 ? { bytes: broken } : inBytes(row))),
      {
        draftOf: sound,
      },
    );
    const [images = '', episode] = undecodable.notTaken;
    assert.match(images, /^3 image: among the images of its episode: cannot be decoded: /);
    assert.equal(episode, '1 episode: no images of camera wrist, which the map requires');
    // Nothing in the data set says a size.
    const other = await brought(
      await made('v2.1', async (row) => ({ bytes: await pictureOf(row, { wide: 66 }).png().toBuffer() }), {
        shape: [1],
      }),
      { draftOf: sound },
    );
    assert.deepEqual(other.notTaken.slice(0, 2), [
      '12 image: an image of 66 × 48 pixels, where camera wrist has 64 × 48',
      '3 episode: no images of camera wrist, which the map requires',
    ]);
  });

  it('reads images of files within the data set, and none outside of it', async () => {
    const outside = join(scratchDirectory, 'outside.png');
    await writeFile(outside, await png(6));
    const put = async (folder: string): Promise<void> => {
      for (const row of rows) {
        const file = join(folder, `images/wrist/frame_${row}.png`);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, await png(row));
      }
      await symlink(outside, join(folder, 'images/link.png'));
      await symlink(scratchDirectory, join(folder, 'images/folder'));
      await mkdir(join(folder, 'images/none.png'));
      await writeFile(join(folder, 'images/large.png'), '');
      await truncate(join(folder, 'images/large.png'), 16 * 1024 * 1024 + 1);
      await writeFile(join(folder, 'images/pointer.png'), 'version https://git-lfs.github.com/spec/v1\n');
    };
    const named = async (paths: readonly string[] = []): Promise<string> => {
      const of = (row: number): string => paths[places.indexOf(row)] ?? `images/wrist/frame_${row}.png`;
      const folder = await made('v3.0', async (row) => ({ path: of(row) }));
      await put(folder);
      return folder;
    };
    const sound = await named();
    const first = await brought(sound);
    assert.deepEqual([first.summary.episodes, first.notTaken], [3, []]);
    assert.deepEqual(await seeTheirOwn(first.store), [5, 3, 4]);
    const out = 'a path that leads out of the data set';
    const wrong: readonly (readonly [string, string])[] = [
      [outside, out],
      ['images/missing.png', 'no such file'],
      ['images/large.png', 'an image of more than 16 MiB'],
      ['../outside.png', out],
      ['images/none.png', 'no such file'],
      ['images/pointer.png', 'a pointer of Git LFS instead of the image: run "git lfs pull"'],
      ['images/link.png', out],
      ['images/folder/outside.png', out],
      [String.raw`images\..\outside.png`, out],
      ['images/wrist/../../../outside.png', out],
      ['images//link.png', out],
      ['./images/wrist/frame_9.png', out],
    ];
    for (const three of threes(wrong)) {
      const { notTaken } = await brought(await named(three.map(([path]) => path)), { draftOf: sound });
      const counts = new Map<string, number>();
      for (const [, reason] of three) counts.set(reason, (counts.get(reason) ?? 0) + 1);
      const found = notTaken.filter((line) => line.includes(' image: ') && !line.includes('of an episode with'));
      assert.deepEqual(
        found,
        [...counts].map(([reason, count]) => `${count} image: ${reason}`),
      );
    }
  });

  it('goes on where a run ended without decoding anything again, unless files have the images', async () => {
    const folder = await made('v3.0');
    const first = await brought(folder);
    let cuts = 0;
    const counted: VideoSource = {
      ...source,
      cut(job) {
        cuts += 1;
        return source.cut(job);
      },
    };
    const second = await brought(folder, { store: first.store, from: counted });
    assert.deepEqual([cuts, second.summary.segments, second.summary.segmentsAlreadyThere], [0, 1, 1]);
    assert.deepEqual(await episodesOf((await brought(folder)).store), await episodesOf(first.store));
    const ofFiles = await made('v3.0', async (row) => ({ path: `${row}.png` }));
    for (const row of rows) await writeFile(join(ofFiles, `${row}.png`), await png(row));
    const { store } = await brought(ofFiles);
    await writeFile(join(ofFiles, '11.png'), await png(0));
    const again = await brought(ofFiles, { store, from: counted });
    assert.deepEqual([cuts, again.summary.segmentsAlreadyThere], [3, 0]);
  });

  it('go beside videos, each to the clip of its own camera, and the command takes the same way', async () => {
    const folder = await made('v2.1', inBytes, {}, true);
    const top = 'observation.images.top';
    await mkdir(join(folder, 'videos/chunk-000', top), { recursive: true });
    for (const [episode, frames] of [5, 3, 4].entries()) {
      const out = join(folder, `videos/chunk-000/${top}/episode_00000${episode}.mp4`);
      const args = `-nostdin -loglevel error -f lavfi -i color=c=gray:s=64x48:r=10 -frames:v ${frames} -c:v libx264 -pix_fmt yuv420p ${out}`;
      await promisify(execFile)(ffmpeg, args.split(' '));
    }
    const before = process.env['FLYWHEEL_FFMPEG'];
    process.env['FLYWHEEL_FFMPEG'] = ffmpeg;
    try {
      const draft = await inferDraft({ format: 'lerobot', path: folder, id: 'so100' }, engine);
      const type = robotTypeSchema.parse(draft.robotType);
      const map = importMapSchema.parse(draft.map);
      const cameras = map.lerobot?.cameras ?? [];
      assert.deepEqual(
        cameras.map(({ name, column }) => [name, column]),
        [
          ['top', top],
          ['wrist', feature],
        ],
      );
      const store = memoryObjectStore();
      const summary = await importLeRobotFolder({
        path: folder,
        store,
        scratchDirectory,
        progress: () => {},
        isRegistered: async () => false,
        isAgain: false,
        engine,
        type,
        // The camera of the videos is not the first one.
        map: { ...map, lerobot: { cameras: cameras.toReversed() } },
      });
      assert.deepEqual([summary.episodes, summary.handled['clips']], [3, 6]);
      assert.deepEqual(
        summary.notTaken.filter(({ what }) => what !== 'field'),
        [],
      );
      assert.deepEqual(await seeTheirOwn(store), [5, 3, 4]);
      for (const { media } of await episodesOf(store))
        assert.deepEqual(
          mediaListSchema.parse(JSON.parse(media ?? '[]')).map(({ kind }) => kind),
          ['camera:wrist', 'camera:top'],
        );
    } finally {
      if (before === undefined) delete process.env['FLYWHEEL_FFMPEG'];
      else process.env['FLYWHEEL_FFMPEG'] = before;
    }
  });

  it('says so of images that nothing maps, that are none, or of which too many stand together', async () => {
    const folder = await made('v2.1');
    const { type, map } = await drafted(folder);
    const input = {
      path: folder,
      store: memoryObjectStore(),
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
      reader: parquetTableReader(session),
      type,
    };
    const { notTaken } = await importLeRobot({ ...input, map: { ...map, lerobot: { cameras: [] } } });
    assert.deepEqual(
      notTaken.filter(({ name }) => name === feature),
      [{ what: 'image', name: feature, reason: 'not in the map', count: 12 }],
    );
    await assert.rejects(importLeRobot({ ...input, map }), /expected an ffmpeg to read videos and images/);
    const file = join(folder, 'data/chunk-000/episode_000000.parquet');
    const table = await openImages();
    const firstOf = (column: string, images = table) => images.images(file, column, 0)[Symbol.asyncIterator]().next();
    await assert.rejects(
      firstOf('observation.state'),
      /expected images in column "observation.state".*got "FLOAT\[\]"/,
    );
    await assert.rejects(firstOf('none'), /got no such column/);
    const small = parquetImageTable(await engine.open(), { mostBytesAtOnce: 600 });
    await assert.rejects(firstOf(feature, small), /smaller row groups/);
    await table.close();
    await small.close();
  });
});

/** A PNG whose pixels are none: every part of it is sound. */
function withoutPixels(whole: Buffer): Buffer {
  const at = whole.indexOf('IDAT');
  const length = whole.readUInt32BE(at - 4);
  const spoiled = Buffer.from(whole);
  spoiled.fill(0xff, at + 4, at + 4 + length);
  spoiled.writeUInt32BE(crc32(spoiled.subarray(at, at + 4 + length)), at + 4 + length);
  return spoiled;
}
