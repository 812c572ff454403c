import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { ffmpegVideos } from '../../../activities/adapters/ffmpeg-videos.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import type { SqlSession } from '../../../activities/ports/sql.ts';
import { landClip } from '../../../cli/land-clip.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import type { VideoSource } from '../../../datasets/importers/lerobot/video-source.ts';
import { imageOfFrame } from '../../../datasets/media/image-of-frame.ts';
import { mediaListSchema } from '../../../datasets/segment-row.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { ownsClip } from '../../../store/records/clip-uses.ts';
import { toolForTest } from '../../support/tool.ts';
import { lerobotFolder, soundEpisodes, type EpisodeRow } from './lerobot-folder.ts';

type Version = 'v2.1' | 'v3.0';
const run = promisify(execFile);
const [width, height] = [64, 48];
const feature = 'observation.images.top';
/** Grey value of the image of a row, by its number in the whole data set. */
const greyOf = (row: number): number => 10 + 20 * row;
/** Levels of 255 by which an image may differ after two codings. */
const bound = 4;

const encoders = {
  h264: '-c:v libx264 -bf 2 -g 12',
  hevc: '-c:v libx265 -x265-params log-level=none -preset ultrafast -g 12',
  av1: '-c:v libsvtav1 -preset 12 -crf 30 -g 12',
} as const;
type Codec = keyof typeof encoders;
const openImages = (): Promise<never> => assert.fail('expected videos alone');
const soundPlace = ({ from, to }: EpisodeRow): readonly [number, number] => [from / 10, to / 10];

describe('videos of LeRobot data sets', function () {
  this.timeout(60_000);
  let scratchDirectory = '';
  let session: SqlSession;
  let ffmpeg = '';
  let source: VideoSource;
  const videos = new Map<string, string>();

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    source = ffmpegVideos({ ffmpeg });
    scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-videos-'));
    session = await duckDbEngine({ temporaryDirectory: scratchDirectory, threads: 1 }).open();
  });
  after(async () => {
    await session.close();
    await rm(scratchDirectory, { recursive: true, force: true });
  });

  /** A video at 10 images a second of the rows from one to before another. */
  async function video(codec: Codec, from: number, to: number, size = `${width}x${height}`): Promise<string> {
    const name = `${codec}-${from}-${to}-${size}.mp4`;
    const known = videos.get(name);
    if (known !== undefined) return known;
    const [raw, path] = [join(scratchDirectory, `${name}.raw`), join(scratchDirectory, name)];
    const pixels = size.split('x').reduce((product, side) => product * Number(side), 1);
    const rows = Array.from({ length: to - from }, (_, row) => Buffer.alloc(pixels, greyOf(from + row)));
    await writeFile(raw, Buffer.concat(rows));
    const args = `-nostdin -loglevel error -f rawvideo -pix_fmt gray -s ${size} -r 10 -i ${raw} ${encoders[codec]} -pix_fmt yuv420p -y ${path}`;
    await run(ffmpeg, args.split(' '), { env: { SVT_LOG: '1' } });
    videos.set(name, path);
    return path;
  }

  /** Where the video of an episode is. */
  const pathOf = (folder: string, version: Version, episode: number): string =>
    version === 'v2.1'
      ? join(folder, `videos/chunk-000/${feature}/episode_00000${episode}.mp4`)
      : join(folder, `videos/${feature}/chunk-000/file-000.mp4`);

  async function made(version: Version, codec: Codec, placed = soundPlace): Promise<string> {
    const folder = await mkdtemp(join(scratchDirectory, 'set-'));
    await lerobotFolder(folder, session, version, soundEpisodes, placed);
    for (const { index, from, to } of soundEpisodes) {
      const target = pathOf(folder, version, index);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(version === 'v2.1' ? await video(codec, from, to) : await video(codec, 0, 12), target);
    }
    return folder;
  }

  async function drafted(folder: string, required: boolean) {
    const { robotType, map, notes } = await draftLeRobot(folder, 'so100', parquetTableReader(session), {
      source,
      openImages,
    });
    const parsed = importMapSchema.parse(map);
    const cameras = parsed.lerobot?.cameras.map((camera) => ({ ...camera, required })) ?? [];
    return { type: robotTypeSchema.parse(robotType), map: { ...parsed, lerobot: { cameras } }, notes };
  }

  async function brought(
    folder: string,
    { required = true, store = memoryObjectStore(), draft = drafted(folder, required), from = source } = {},
  ) {
    const { type, map } = await draft;
    const summary = await importLeRobot({
      path: folder,
      store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
      reader: parquetTableReader(session),
      type,
      map,
      videos: {
        source: from,
        openImages,
        landClip: (clip) => landClip(store, clip),
        hasClip: async (sha256) => (await store.get(clipKey(sha256))) !== undefined,
      },
    });
    return { summary, store, type };
  }

  async function episodesOf(store: ReturnType<typeof memoryObjectStore>) {
    const rows = [];
    for await (const { key } of store.list('landing/'))
      rows.push(
        ...(await session.rows(
          `SELECT episode_id AS id, first(robot_id) AS robot, first(media) AS media, list(timestamp::DOUBLE ORDER BY frame_index) AS times,
             first(observation[1] ORDER BY frame_index) AS row FROM read_parquet('${await store.localPath(key)}') GROUP BY 1 ORDER BY first(started_at)`,
        )),
      );
    return rows as unknown as { robot: string; media: string | null; times: number[]; row: number }[];
  }

  const leftOut = ({ summary }: Awaited<ReturnType<typeof brought>>) =>
    summary.notTaken
      .filter(({ what }) => what === 'video' || what === 'episode')
      .map(({ what, reason, count }) => `${count} ${what}: ${reason}`);

  const cases: readonly (readonly [Version, Codec])[] = [
    ['v3.0', 'av1'],
    ['v3.0', 'h264'],
    ['v3.0', 'hevc'],
    ['v2.1', 'h264'],
  ];
  for (const [version, codec] of cases)
    it(`${version}: cuts out the image of every row of ${codec}, and every frame sees its own`, async () => {
      const { store, type, summary } = await brought(await made(version, codec));
      assert.deepEqual(
        summary.notTaken.filter(({ what }) => what !== 'field'),
        [],
      );
      assert.deepEqual(
        type.cameras?.map(({ name, width: wide, height: high, rateHz }) => [name, wide, high, rateHz]),
        [['top', width, height, 10]],
      );
      const decoder = clipDecoderProcess({ ffmpeg });
      const episodes = await episodesOf(store);
      assert.deepEqual(
        episodes.map(({ times }) => times.length),
        [5, 3, 4],
      );
      for (const { robot, media, times, row } of episodes) {
        const [clip] = mediaListSchema.parse(JSON.parse(media ?? '[]'));
        assert.ok(clip !== undefined && (await ownsClip(store, robot, clip.sha256)));
        const outPath = join(scratchDirectory, 'images');
        const job = { clipPath: (await store.localPath(clip.key)) ?? '', outPath, width, height, form: 'rgb' as const };
        const decoded = await decoder.decode(job, () => {});
        const pixels = await readFile(outPath);
        assert.equal(decoded.atUs.length, times.length);
        const { startedAt } = clip;
        const instants: readonly number[] = decoded.atUs.map((us) => startedAt + us);
        for (const [frame, at] of times.entries()) {
          assert.equal(imageOfFrame(instants, at, 100_000), frame);
          const grey = pixels.subarray(frame * width * height * 3, (frame + 1) * width * height * 3);
          assert.ok(
            grey.every((value) => Math.abs(value - greyOf(row + frame)) <= bound),
            `image ${frame} of the episode from row ${row}: ${grey[0]}`,
          );
        }
      }
    });

  it('takes no video that is not what the data set says, and its episode only where the map does not require it', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n';
    // Of the second episode, which has three rows.
    const spoiled: readonly (readonly [(file: string) => Promise<unknown>, RegExp])[] = [
      [(file) => rm(file), /^no such file$/],
      [(file) => writeFile(file, pointer), /^a pointer of Git LFS/],
      [(file) => writeFile(file, 'no video'), /^cannot be decoded: /],
      [(file) => truncate(file, 500), /^cannot be decoded: /],
      [async (file) => copyFile(await video('h264', 5, 7), file), /^fewer images than the episode has rows$/],
      [
        async (file) => copyFile(await video('h264', 5, 8, '32x48'), file),
        /^images of 32 × 48 pixels, where meta\/info.json says 64 × 48$/,
      ],
    ];
    for (const [spoil, reason] of spoiled) {
      const folder = await made('v2.1', 'h264');
      const draft = drafted(folder, true);
      await draft;
      await spoil(pathOf(folder, 'v2.1', 1));
      const strict = await brought(folder, { draft });
      assert.equal(strict.summary.episodes, 2);
      const [video1 = '', episode = '', ...others] = leftOut(strict);
      assert.match(video1.replace('1 video: ', ''), reason);
      assert.deepEqual([episode, ...others], ['1 episode: no video of camera top, which the map requires']);
      if (video1 !== '1 video: no such file') continue;
      const lenient = await brought(folder, { draft: drafted(folder, false) });
      assert.deepEqual([lenient.summary.episodes, leftOut(lenient)], [3, [video1]]);
      assert.deepEqual(
        (await episodesOf(lenient.store)).map(({ media }) => media !== null),
        [true, false, true],
      );
    }
  });

  it('takes no images from places that are not those of the rows', async () => {
    const last = (change: (from: number, to: number) => readonly [number, number]) => (episode: EpisodeRow) =>
      episode.index === 2 ? change(...soundPlace(episode)) : soundPlace(episode);
    const spoiled: readonly (readonly [(from: number, to: number) => readonly [number, number], string])[] = [
      [(from, to) => [from + 10, to + 10], 'the file ends before the episode begins'],
      [(from, to) => [from + 0.1, to + 0.1], 'fewer images than the episode has rows'],
      [(from, to) => [from, to + 0.1], 'from_timestamp and to_timestamp do not fit the length of the episode'],
      [(from, to) => [-from, to], 'meta/episodes does not say where it is'],
    ];
    for (const [change, reason] of spoiled) {
      const result = await brought(await made('v3.0', 'h264', last(change)));
      assert.deepEqual(leftOut(result), [
        `1 video: ${reason}`,
        '1 episode: no video of camera top, which the map requires',
      ]);
    }
  });

  it('goes on where a run ended, without decoding anything again, and makes the same bytes twice', async () => {
    const folder = await made('v3.0', 'h264');
    const first = await brought(folder);
    const cut = async (): Promise<never> => assert.fail('expected nothing to be decoded');
    const second = await brought(folder, { store: first.store, from: { ...source, cut } });
    assert.deepEqual([second.summary.segments, second.summary.segmentsAlreadyThere], [1, 1]);
    assert.deepEqual(await episodesOf((await brought(folder)).store), await episodesOf(first.store));
  });

  it('ends a decoder that takes too much memory or time, and a file with too many images', async () => {
    const path = await video('h264', 0, 12);
    const limits = [
      [{ memoryLimitMiB: 8 }, /ended with/],
      [{ silenceLimitMs: 1 }, /^no image within/],
      [{ mostImages: 2 }, /^more than 2 images$/],
    ] as const;
    for (const [limit, reason] of limits)
      await assert.rejects(ffmpegVideos({ ffmpeg, ...limit }).look(path), (error: Error) => {
        assert.equal(error.name, 'VideoProblem');
        assert.match(error.message, reason);
        return true;
      });
  });

  it('decodes no image of more pixels than the file says', async () => {
    const large = await readFile(await video('h264', 0, 3, '640x480'));
    const path = join(scratchDirectory, 'bomb.mp4');
    // Track header and description of the images say 64 × 48; the images themselves do not.
    for (const [at, [from, to]] of [[large.indexOf('avc1', large.indexOf('stsd')) + 28, [640, width]]] as const) {
      assert.equal(large.readUInt16BE(at), from);
      large.writeUInt16BE(to, at);
      large.writeUInt16BE(height, at + 2);
    }
    await writeFile(path, large);
    const outPath = join(scratchDirectory, 'bomb-clip.mp4');
    const job = { path, outPath, fromUs: 0, images: 3, codec: 'h264', width, height } as const;
    await assert.rejects(source.cut(job), /cannot be decoded|once decoded/);
  });
});
