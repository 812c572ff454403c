import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { tableFromIPC } from 'apache-arrow';
import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { sqlTypes } from '../../../datasets/sql-types.ts';
import { heldoutSetFile, pastImageColumn, trainingSetFile } from '../../../datasets/training-set.ts';
import { writeClipVerdict } from '../../../store/records/clip-verdicts.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { clipOf } from '../../datasets/media/clips.ts';
import { startUs, transaction } from '../lake/lake-fixture.ts';
import { manifestOf, openMixFixture, robotType, store, type Episode, type MixFixture } from './mix-fixture.ts';

const size = { width: 32, height: 24 };
const camera = {
  ...size,
  name: 'front',
  rateHz: 10,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 16, height: 12 },
  mayLeaveRobot: true,
} as const;
const seeing: RobotType = robotTypeSchema.parse({
  ...robotType,
  id: 'seeing-robot',
  cameras: [camera, { ...camera, name: 'rear' }],
});

/** A row with the greys of its images, its own last; null for one that is empty. */
interface SeenRow {
  readonly episode: number;
  readonly frame: number;
  readonly greys: readonly (number | null)[];
}

describe('sets with a history of images', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  let greys: readonly Uint8Array[];
  const decoder = clipDecoderProcess({ ffmpeg: undefined });
  const ports = () => ({ ...fixture.ports, clips: { decoder, atOnce: 2 } });

  before(async () => {
    greys = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const grey = 10 + 20 * index;
        return sharp({ create: { ...size, channels: 3, background: { r: grey, g: grey, b: grey } } })
          .jpeg({ quality: 100 })
          .toBuffer();
      }),
    );
  });
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
    await publishRobotType(fixture.store, seeing);
  });
  afterEach(() => fixture.close());

  /** A clip with an image at each of these milliseconds after the start of its episode, image n of grey n; accepted as that of an episode. */
  async function clip(number: number, atMs: readonly number[], name = 'front') {
    const [first = 0] = atMs;
    const images = atMs.map((at, index) => ({ atUs: (at - first) * 1000, jpeg: greys[index]! }));
    const bytes = await clipOf({ ...size, periodUs: 100_000 }, images);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await fixture.store.put(clipKey(sha256), bytes);
    const startedUs = startUs + first * 1000;
    await writeClipVerdict(fixture.store, {
      robotId: 'r1',
      sha256,
      episodeId: `E${String(number).padStart(6, '0')}`,
      camera: name,
      robotType: 'seeing-robot@1',
      verdict: 'accepted',
      violations: [],
      startedUs,
      images: atMs.length,
      sizeBytes: 1,
      cycleId: 'cycle/0',
    });
    return { kind: `camera:${name}`, sha256, startedUs };
  }
  const every = (stepMs: number, count: number, first = 0) =>
    Array.from({ length: count }, (_, index) => first + index * stepMs);
  const land = (episodes: readonly Episode[]) =>
    store(
      fixture,
      0,
      episodes.map((episode) => ({ ...episode, robotType: seeing.id })),
    );

  async function rowsIn(key: string, images: number, name = 'front'): Promise<readonly SeenRow[]> {
    const table = tableFromIPC(await fixture.store.get(key));
    const rows = table.toArray() as Readonly<Record<string, unknown>>[];
    const columns = [
      ...every(1, images - 1, 1)
        .toReversed()
        .map((back) => pastImageColumn(name, back)),
      `image.${name}`,
    ];
    return Promise.all(
      rows.map(async (row) => {
        const [number = 0, frame = 0] = [...(row['observation'] as Iterable<number>)];
        const seen = columns.map(async (column) => {
          const jpeg = row[column] as Uint8Array;
          if (jpeg.length === 0) return null;
          const [value = 0] = await sharp(jpeg).raw().toBuffer();
          return Math.round((value - 10) / 20);
        });
        return { episode: Math.floor(number / 1000), frame, greys: await Promise.all(seen) };
      }),
    );
  }
  const heldout = async (imageWindows: { steps: number; images: number }[], images: number, more: object = {}) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await exportHeldoutSet(ports())({
      robotType: { id: seeing.id, version: 1 },
      datasetVersion,
      cameras: ['front'],
      runs: true,
      imageWindows,
      ...more,
    });
    return { digest, rows: await rowsIn(heldoutSetFile(digest, 'heldout.arrow'), images) };
  };
  const greysOf = (rows: readonly SeenRow[], episode: number) =>
    rows.filter((row) => row.episode === episode).map((row) => [row.frame, row.greys]);

  it('give a row the images of its episode alone, the earliest for those before: at the first frame, the last, and in an episode of one', async () => {
    await land([
      { number: 1, split: 'heldout', frames: 4, media: [await clip(1, every(100, 4))] },
      { number: 2, split: 'heldout', frames: 1, media: [await clip(2, [0])] },
      // Its camera begins 150 ms late: frames 0 and 1 have no image, and are in no window.
      { number: 3, split: 'heldout', frames: 5, media: [await clip(3, every(100, 4, 150))] },
    ]);
    const { rows } = await heldout([{ steps: 1, images: 3 }], 3);
    assert.deepEqual(greysOf(rows, 1), [
      [0, [0, 0, 0]],
      [1, [0, 0, 1]],
      [2, [0, 1, 2]],
      [3, [1, 2, 3]],
    ]);
    assert.deepEqual(greysOf(rows, 2), [[0, [0, 0, 0]]]);
    assert.deepEqual(greysOf(rows, 3), [
      [2, [0, 0, 0]],
      [3, [0, 0, 1]],
      [4, [0, 1, 2]],
    ]);
  });

  it('do not reach across a gap in time or a frame that is not there', async () => {
    // Nothing for 600 ms before frame 4, and no frame 8.
    const at = 'CASE WHEN i < 4 THEN i * 100000 ELSE i * 100000 + 500000 END';
    const frames = `(SELECT 'E000007' AS episode_id, i::INTEGER AS frame_index,
        make_timestamptz(${startUs}) + to_microseconds(${at}) AS timestamp, [7000 + i, i]::FLOAT[] AS observation,
        [1]::FLOAT[] AS "action", NULL::FLOAT[] AS expert_action, false AS is_correction, DATE '2026-11-22' AS recorded_on
      FROM range(10) AS t(i) WHERE i <> 8)`;
    await fixture.lake.append(fixture.session, 'frames', frames, transaction(1), 'WRITE');
    const times = [0, 100, 200, 300, 900, 1000, 1100, 1200, 1400];
    const { kind, sha256, startedUs } = await clip(7, times);
    const media = `{'sha256': '${sha256}', 'kind': '${kind}', 'startedAt': make_timestamptz(${startedUs}), 'durationMs': 1400, 'key': '${clipKey(sha256)}'}`;
    await fixture.lake.append(
      fixture.session,
      'episodes',
      `(SELECT 'E000007' AS episode_id, 'r1' AS robot_id, 'seeing-robot' AS robot_type, 1 AS robot_type_version, 'site' AS site, 'follow' AS task,
        NULL AS policy_version, make_timestamptz(${startUs}) AS started_at, 1900 AS duration_ms, 'success' AS outcome, NULL AS failure_reason,
        false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms, 9 AS frame_count, [${media}]::${sqlTypes.mediaList} AS media,
        make_timestamptz(${startUs}) AS received_at, 'heldout' AS split, DATE '2026-11-22' AS recorded_on)`,
      transaction(1),
      'WRITE',
    );
    const one = await heldout([{ steps: 1, images: 3 }], 3);
    assert.deepEqual(greysOf(one.rows, 7), [
      [0, [0, 0, 0]],
      [1, [0, 0, 1]],
      [2, [0, 1, 2]],
      [3, [1, 2, 3]],
      [4, [4, 4, 4]],
      [5, [4, 4, 5]],
      [6, [4, 5, 6]],
      [7, [5, 6, 7]],
      [9, [8, 8, 8]],
    ]);
  });

  it('are the same windows in a training set, of every camera, which can be made again', async () => {
    await land([
      { number: 1, media: [await clip(1, every(100, 10)), await clip(1, every(100, 10), 'rear')] },
      // From frame 5 on there is no image of the rear camera.
      { number: 2, media: [await clip(2, every(100, 10)), await clip(2, every(100, 3), 'rear')] },
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await mixExperience(ports())({
      cycleId: 'cycle/1',
      robotType: { id: seeing.id, version: 1 },
      datasetVersion,
      newSince: { episodes: 0, frames: 0 },
      seed: 1,
      targetFrames: 100,
      cameras: ['front', 'rear'],
      imageHistory: 2,
    });
    const key = trainingSetFile(digest, 'train.arrow');
    for (const name of ['front', 'rear']) {
      const rows = (await rowsIn(key, 2, name)).toSorted((a, b) => a.episode - b.episode || a.frame - b.frame);
      const last = (frame: number, episode: number): number =>
        name === 'rear' && episode === 2 ? Math.min(2, frame) : frame;
      const frames = [...every(1, 10).map((frame) => [1, frame]), ...every(1, 5).map((frame) => [2, frame])];
      assert.deepEqual(
        rows,
        frames.map(([episode = 0, frame = 0]) => ({
          episode,
          frame,
          greys: [last(Math.max(0, frame - 1), episode), last(frame, episode)],
        })),
      );
    }
    assert.equal((await manifestOf(fixture.store, digest)).recipe?.imageHistory, 2);
    const bytes = await fixture.store.get(key);
    await fixture.store.delete(key);
    await remakeTrainingSet(ports(), digest, seeing);
    assert.deepEqual(await fixture.store.get(key), bytes);
  });

  it('have those images before a held-out row alone at which some policy looks', async () => {
    await land([{ number: 1, split: 'heldout', frames: 6, media: [await clip(1, every(100, 6))] }]);
    const chunks = await heldout([{ steps: 3, images: 1 }], 3);
    assert.deepEqual(greysOf(chunks.rows, 1), [
      [0, [null, null, 0]],
      [1, [null, 0, 1]],
      [2, [0, null, 2]],
      [3, [null, null, 3]],
      [4, [null, 3, 4]],
      [5, [3, null, 5]],
    ]);
    const both = await heldout(
      [
        { steps: 2, images: 2 },
        { steps: 1, images: 1 },
      ],
      3,
    );
    assert.deepEqual(greysOf(both.rows, 1), [
      [0, [null, 0, 0]],
      [1, [0, 0, 1]],
      [2, [null, 1, 2]],
      [3, [1, 2, 3]],
      [4, [null, 3, 4]],
      [5, [3, 4, 5]],
    ]);
    assert.deepEqual(
      (
        await heldout(
          [
            { steps: 2, images: 2 },
            { steps: 2, images: 2 },
          ],
          3,
        )
      ).digest,
      (await heldout([{ steps: 2, images: 2 }], 3)).digest,
    );
    // A set for policies that look at their own frame alone is the one it always was.
    assert.equal(
      (await heldout([{ steps: 1, images: 1 }], 1)).digest,
      (await heldout([], 1, { imageWindows: undefined })).digest,
    );
  });
});
