import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { tableFromIPC } from 'apache-arrow';
import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { decodedFolder, DecodedClips } from '../../../activities/media/decoded-clips.ts';
import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience, type MixExperienceInput } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { isFailure } from '../../../store/failures.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { clipVerdictsPrefix, writeClipVerdict } from '../../../store/records/clip-verdicts.ts';
import { clipOf, type TimedImage } from '../../datasets/media/clips.ts';
import { startUs } from '../lake/lake-fixture.ts';
import {
  manifestOf,
  numbered,
  openMixFixture,
  robotType,
  store,
  type Episode,
  type MixFixture,
} from './mix-fixture.ts';

const camera = {
  name: 'front',
  width: 32,
  height: 24,
  rateHz: 10,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 16, height: 12 },
  mayLeaveRobot: true,
} as const;
const seeing: RobotType = robotTypeSchema.parse({
  ...robotType,
  id: 'seeing-robot',
  cameras: [camera, { ...camera, name: 'rear' }, { ...camera, name: 'private', mayLeaveRobot: false }],
});
const size = { width: 32, height: 24 };

/** An image whose grey is its number, so that a row tells which one it has. */
const greyImage = async (grey: number): Promise<Uint8Array> =>
  sharp({ create: { ...size, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg({ quality: 100 })
    .toBuffer();

describe('sets with images', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  let greys: readonly Uint8Array[];
  /** What collections counted in each clip: with many, a set has few frames of it. */
  let judgedImages: number;
  const decoder = clipDecoderProcess({ ffmpeg: undefined });

  before(async () => {
    greys = await Promise.all(Array.from({ length: 12 }, (_, index) => greyImage(10 + 20 * index)));
  });
  beforeEach(async () => {
    judgedImages = 1;
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
    await publishRobotType(fixture.store, seeing);
  });
  afterEach(() => fixture.close());

  const ports = () => ({ ...fixture.ports, clips: { decoder, atOnce: 2 } });
  /** A clip with an image at each of these milliseconds after its first; gives its name. */
  const clip = async (atMs: readonly number[], first = 0): Promise<string> => {
    const images = atMs.map((at, index): TimedImage => ({
      atUs: at * 1000,
      jpeg: greys[first + index] ?? new Uint8Array(),
    }));
    const bytes = await clipOf({ ...size, periodUs: 100_000 }, images);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await fixture.store.put(clipKey(sha256), bytes);
    return sha256;
  };
  /** The recording of a clip that starts so many ms after its episode. */
  const media = (sha256: string, startMs = 0, name = 'front', day = 0) => ({
    kind: `camera:${name}`,
    sha256,
    startedUs: startUs + day * 86_400_000_000 + startMs * 1000,
  });
  const every = (stepMs: number, count: number) => Array.from({ length: count }, (_, index) => index * stepMs);
  const inputOf = async (change: Partial<MixExperienceInput> = {}): Promise<MixExperienceInput> => ({
    cycleId: 'cycle/1',
    robotType: { id: seeing.id, version: 1 },
    datasetVersion: await fixture.lake.currentVersion(),
    newSince: { episodes: 0, frames: 0 },
    seed: 1,
    targetFrames: 100,
    cameras: ['front'],
    ...change,
  });
  const rowsIn = async (key: string) => {
    const bytes = await fixture.store.get(key);
    const rows = [...tableFromIPC(bytes ?? []).toArray()] as Readonly<Record<string, unknown>>[];
    return Promise.all(
      rows.map(async (row) => {
        const [number = 0, frame = 0] = row['observation'] as Iterable<number>;
        const image = row['image.front'] as Uint8Array;
        const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
        assert.deepEqual([info.width, info.height, info.channels], [16, 12, 3]);
        return { episode: Math.floor(number / 1_000), frame, grey: Math.round(((data[0] ?? 0) - 10) / 20) };
      }),
    );
  };
  const mix = async (change: Partial<MixExperienceInput> = {}) => {
    const { digest } = await mixExperience(ports())(await inputOf(change));
    const train = await rowsIn(trainingSetFile(digest, 'train.arrow'));
    return { digest, train, images: (await manifestOf(fixture.store, digest)).images };
  };
  /** Judged as clips of these episodes by a collection. */
  const judge = async (episodes: readonly Episode[], verdict: 'accepted' | 'refused' = 'accepted') => {
    for (const { number, robot = 'r1', media: clips = [] } of episodes)
      for (const { sha256, kind, startedUs } of clips)
        await writeClipVerdict(fixture.store, {
          robotId: robot,
          sha256,
          episodeId: `E${String(number).padStart(6, '0')}`,
          camera: kind.slice('camera:'.length),
          robotType: 'seeing-robot@1',
          verdict,
          violations: [],
          startedUs,
          images: judgedImages,
          sizeBytes: 1,
          cycleId: 'cycle/0',
        });
  };
  const land = async (version: number, episodes: readonly Episode[], unjudged: readonly Episode[] = []) => {
    await judge(episodes);
    await landUnjudged(version, [...episodes, ...unjudged]);
  };
  const landUnjudged = (version: number, episodes: readonly Episode[]) =>
    store(
      fixture,
      version,
      episodes.map((episode) => ({ ...episode, robotType: seeing.id })),
    );

  it('give each row the last image at or before its frame, and leave out and count rows without', async () => {
    const [whole, late, short] = [await clip(every(100, 10)), await clip(every(100, 10)), await clip(every(100, 4), 3)];
    await land(
      0,
      [
        { number: 1, media: [media(whole)] },
        // Half a period early, from 350 ms on: frames 0 to 3 are before the first image.
        { number: 2, media: [media(late, 350)] },
        // Ends at 300 ms: frames 4 and 5 are within two periods of the last image.
        { number: 3, media: [media(short)] },
        { number: 4 },
        { number: 5, media: [media(whole, 0, 'rear')] },
        { number: 6, media: [media('0'.repeat(64))] },
      ],
      [{ number: 7, media: [media(whole)] }],
    );
    const { train, images } = await mix();
    const seen = (episode: number) =>
      train
        .filter((row) => row.episode === episode)
        .toSorted((a, b) => a.frame - b.frame)
        .map(({ frame, grey }) => [frame, grey]);
    assert.deepEqual(
      seen(1),
      every(1, 10).map((frame) => [frame, frame]),
    );
    assert.deepEqual(seen(2), [
      [4, 0],
      [5, 1],
      [6, 2],
      [7, 3],
      [8, 4],
      [9, 5],
    ]);
    assert.deepEqual(seen(3), [
      [0, 3],
      [1, 4],
      [2, 5],
      [3, 6],
      [4, 6],
      [5, 6],
    ]);
    assert.equal(train.length, 22);
    // Two of the three clips are the same.
    assert.equal((await readdir(join(fixture.ports.scratchDirectory, decodedFolder))).length, 2);
    assert.deepEqual(images?.cameras, [{ name: 'front', width: 16, height: 12 }]);
    assert.match(images?.encoder ?? '', /^sharp 0\.35\.5, quality 90/);
    assert.deepEqual(images?.leftOut, [
      { reason: 'clipMissing', episodes: 2, frames: 20 },
      { reason: 'noImage', episodes: 2, frames: 8 },
      { reason: 'noClip', episodes: 2, frames: 20 },
    ]);
  });

  it('are the same bytes where few frames of a clip are wanted, of which only the images that these see are decoded, and none kept', async () => {
    const few = { number: 1, frames: 4, media: [media(await clip(every(100, 10)))] };
    const late = { number: 2, frames: 6, media: [media(await clip(every(100, 10)), 350)] };
    const folder = join(fixture.ports.scratchDirectory, decodedFolder);
    judgedImages = 100;
    await land(0, [few, late]);
    const sparse = await mix();
    assert.deepEqual(await readdir(folder), []);
    for await (const { key } of fixture.store.list(clipVerdictsPrefix)) await fixture.store.delete(key);
    judgedImages = 1;
    await judge([few, late]);
    const whole = await mix();
    assert.equal(sparse.train.length, 6);
    assert.deepEqual(sparse, whole);
  });

  it('have of a clip the images that some frames see, as among all', async () => {
    const sha256 = await clip(every(100, 10));
    const named = { sha256, path: (await fixture.store.localPath(clipKey(sha256))) ?? '' };
    const scratch = (name: string) => join(fixture.ports.scratchDirectory, name);
    const [all, some] = ['all', 'some'].map((name) => new DecodedClips({ scratchDirectory: scratch(name), decoder }));
    const whole = await all?.open(named, camera.learned, () => undefined);
    for (const [instants, seen] of [
      [
        [-1, 250_000, 299_999, 950_000, 1_150_000],
        [2, 9],
      ],
      [[-1, 2_000_000], []],
    ] as const) {
      const frames = { instants, periodUs: 100_000 };
      const partly = await some?.open(named, camera.learned, () => undefined, frames);
      assert.deepEqual(
        [...(partly?.atUs ?? [])],
        seen.map((image) => image * 100_000),
      );
      for (const [place, image] of seen.entries())
        assert.deepEqual(await partly?.read(place), await whole?.read(image));
      await partly?.close();
    }
    await whole?.close();
    assert.deepEqual(await readdir(join(scratch('some'), decodedFolder)), []);
  });

  it('are the same bytes for the same input, from decoded clips that are there as from none, and can be made again', async () => {
    const sha256 = await clip(every(100, 10));
    await land(
      0,
      numbered(1, 6).map((episode) => ({ ...episode, media: [media(sha256)] })),
    );
    const { digest } = await mix();
    const decoded = join(fixture.ports.scratchDirectory, decodedFolder);
    assert.deepEqual(await readdir(decoded), [`${sha256}-16x12-3`]);
    assert.equal((await mix()).digest, digest);
    // A file that a crash left half written is made again.
    await writeFile(join(decoded, `${sha256}-16x12-3`), 'half');
    assert.equal((await mix()).digest, digest);
    await fixture.store.delete(trainingSetFile(digest, 'train.arrow'));
    await remakeTrainingSet(ports(), digest, seeing);
    assert.equal((await rowsIn(trainingSetFile(digest, 'train.arrow'))).length, 60);
  });

  it('leave out clips that do not decode or are not what their name says, each by its reason', async () => {
    const good = await clip(every(100, 10));
    const damaged = createHash('sha256').update('no clip').digest('hex');
    await fixture.store.put(clipKey(damaged), Buffer.from('no clip'));
    const swapped = await clip(every(100, 9));
    await fixture.store.put(clipKey(swapped), (await fixture.store.get(clipKey(good))) ?? new Uint8Array());
    await land(0, [
      { number: 1, media: [media(good)] },
      { number: 2, media: [media(damaged)] },
      { number: 3, media: [media(swapped)] },
    ]);
    const refused = { number: 4, media: [media(good)] };
    await judge([refused], 'refused');
    await landUnjudged(1, [refused]);
    const { train, images } = await mix();
    assert.deepEqual(new Set(train.map(({ episode }) => episode)), new Set([1]));
    assert.deepEqual(images?.leftOut, [{ reason: 'clipRefused', episodes: 3, frames: 30 }]);
  });

  it('do not let episodes without clips take the place of others', async () => {
    const sha256 = await clip(every(100, 10));
    await land(0, [...numbered(100, 20), ...numbered(1, 5).map((episode) => ({ ...episode, media: [media(sha256)] }))]);
    assert.equal((await mix({ targetFrames: 40 })).train.length, 40);
  });

  it('hold the held-out frames alike, in their order', async () => {
    const sha256 = await clip(every(100, 5));
    await land(0, [
      { number: 1, split: 'heldout', media: [media(sha256)] },
      { number: 2, split: 'heldout' },
      { number: 3, split: 'heldout', media: [media(sha256)] },
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const input = { robotType: { id: seeing.id, version: 1 }, datasetVersion, cameras: ['front'] };
    const { digest, episodes } = await exportHeldoutSet(ports())(input);
    const rows = await rowsIn(heldoutSetFile(digest, 'heldout.arrow'));
    const expected = [1, 3].flatMap((episode) =>
      every(1, 7).map((frame) => ({ episode, frame, grey: Math.min(frame, 4) })),
    );
    assert.deepEqual([rows, episodes], [expected, 2]);
    const most = async (of: string) => {
      const bytes = await fixture.store.get(heldoutSetFile(of, 'manifest.json'));
      return (JSON.parse(Buffer.from(bytes ?? []).toString()) as { maxEpisodes?: number }).maxEpisodes;
    };
    const { cameras: _, ...numbers } = input;
    assert.deepEqual(
      [await most(digest), await most((await exportHeldoutSet(ports())(numbers)).digest)],
      [2_000, 20_000],
    );
  });

  it('refuse cameras that are not there or keep their images, and a worker without a decoder', async () => {
    await land(0, [{ number: 1 }]);
    const rejects = async (
      change: Partial<MixExperienceInput>,
      type: 'InvalidInput' | 'TrainingImpossible',
      says: RegExp,
    ) => assert.rejects(mix(change), (error) => isFailure(error, type) && says.test(error.message));
    await rejects(
      { cameras: ['side'] },
      'InvalidInput',
      /expected a camera of seeing-robot@1 \(front, rear, private\), got side/,
    );
    await rejects({ cameras: ['private'] }, 'InvalidInput', /may leave the robot, got private/);
    await rejects({ cameras: ['front', 'front'] }, 'InvalidInput', /expected each name once/);
    await rejects({}, 'TrainingImpossible', /labelled frames with images of front/);
    await assert.rejects(mixExperience(fixture.ports)(await inputOf()), /expected a worker that decodes clips/);
  });

  it('keep at most so many bytes of decoded clips, the least used go', async () => {
    const folder = join(fixture.ports.scratchDirectory, decodedFolder);
    await mkdir(folder, { recursive: true });
    const clips = [await clip(every(100, 10)), await clip(every(100, 9)), await clip(every(100, 8))];
    let maxBytes = Number.POSITIVE_INFINITY;
    for (const sha256 of clips) {
      const path = (await fixture.store.localPath(clipKey(sha256))) ?? '';
      const decoded = new DecodedClips({ scratchDirectory: fixture.ports.scratchDirectory, decoder, maxBytes });
      const images = await decoded.open({ sha256, path }, camera.learned, () => undefined);
      // Room for two of them.
      if (maxBytes > 1e9) maxBytes = 2.2 * (await stat(join(folder, `${sha256}-16x12-3`))).size;
      assert.equal((await sharp(await images.read(7)).metadata()).width, 16);
      await images.close();
    }
    assert.deepEqual(
      (await readdir(folder)).toSorted(),
      clips
        .slice(1)
        .map((sha256) => `${sha256}-16x12-3`)
        .toSorted(),
    );
    const same = new DecodedClips({ scratchDirectory: fixture.ports.scratchDirectory, decoder, maxBytes });
    for (const sha256 of [...clips, ...clips]) {
      const path = (await fixture.store.localPath(clipKey(sha256))) ?? '';
      await (await same.open({ sha256, path }, camera.learned, () => undefined)).close();
      assert.equal((await readdir(folder)).length, 2);
    }
  });
});
