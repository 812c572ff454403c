import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { writeClipUse } from '../../../store/records/clip-uses.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clipOf, rampImages, type TimedImage } from '../../datasets/media/clips.ts';
import { CollectionWorld, nowMs, oneRobot } from './collection-fixture.ts';

const size = { width: 32, height: 24 };
const type: RobotType = robotTypeSchema.parse({
  ...scitosG5Type,
  id: 'seeing',
  cameras: [
    {
      name: 'front',
      ...size,
      rateHz: 10,
      colour: 'rgb',
      codec: 'jpeg',
      mayLeaveRobot: true,
      learned: { width: 16, height: 12 },
    },
  ],
});
const ids = { robotType: robotTypeName(type), robotTypeDigest: robotTypeDigest(type) };

interface SentClip {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

describe('clips in a collection', function () {
  this.timeout(120_000);
  const decoder = clipDecoderProcess({ ffmpeg: undefined });
  let world: CollectionWorld;
  let images: readonly TimedImage[];
  const { robotId, episodes } = oneRobot(3, 9);

  before(async () => {
    images = await rampImages({ ...size, count: 30 });
  });
  beforeEach(async () => {
    world = await CollectionWorld.open(fileObjectStore({ root: await mkdtemp(join(tmpdir(), 'flywheel-clips-')) }));
    await publishRobotType(world.ports.store, type);
  });
  afterEach(() => world.close());

  const ports = () => ({ ...world.ports, clips: { decoder, atOnce: 2 } });
  const collect = (cycleId: string, own: ReturnType<typeof ports> = ports()) =>
    world.collect(cycleId, { type, ports: own });
  const sent = (bytes: Uint8Array): SentClip => ({ bytes, sha256: createHash('sha256').update(bytes).digest('hex') });
  const clip = async (own: readonly TimedImage[] = images, format = size): Promise<SentClip> =>
    sent(await clipOf({ ...format, periodUs: 100_000 }, own));
  const pixels = (valueAt: (at: number, index: number) => number, format = size) =>
    rampImages({ ...format, count: 30 }, valueAt);
  const episodeOf = (rows: readonly SegmentRow[]) => rows[0]?.episode_id ?? '';
  /** The rows of an episode that names a clip which starts so late. */
  const naming = (rows: readonly SegmentRow[], { sha256 }: SentClip, lateUs = 0): readonly SegmentRow[] =>
    rows.map((row) => ({
      ...row,
      robot_type: 'seeing',
      media: [
        { sha256, kind: 'camera:front', startedAt: row.started_at + lateUs, durationMs: 3_000, key: clipKey(sha256) },
      ],
    }));
  const land = (...rows: readonly (readonly SegmentRow[])[]) => world.land(robotId, rows.flat(), ids);
  /** What a gateway does when a clip has come. */
  const receive = async ({ sha256, bytes }: SentClip, rows: readonly SegmentRow[], by = robotId) => {
    await world.ports.store.put(clipKey(sha256), bytes);
    await writeClipUse(world.ports.store, {
      robotId: by,
      sha256,
      episodeId: episodeOf(rows),
      camera: 'front',
      sizeBytes: bytes.length,
      startedAtUs: 0,
      receivedAtMs: nowMs,
    });
  };
  const counts = (
    clips: { accepted: number; refused: number; awaited: number; notJudged: number; withoutEpisode: number } | null,
  ) => clips && [clips.accepted, clips.refused, clips.awaited, clips.notJudged, clips.withoutEpisode];

  it('are judged one by one: each fault is refused by its rule and quarantined alone, every episode stays', async () => {
    const bent = await clip(images.map((image, index) => ({ ...image, atUs: index * 100_000 + Number(index > 0) })));
    const cases: readonly (readonly [rule: string | undefined, clip: SentClip, lateUs?: number])[] = [
      [undefined, await clip()],
      ['media.hash', { ...bent, bytes: (await clip()).bytes }],
      ['media.decodes', sent(Buffer.from('version https://git-lfs.github.com/spec/v1'))],
      [
        'media.format',
        await clip(await pixels((at, index) => (at + index * 30) % 250, { width: 64, height: 24 }), {
          width: 64,
          height: 24,
        }),
      ],
      ['media.frame-count', await clip(images.filter((_, index) => index < 10 || index > 12))],
      [
        'media.time-offset',
        await clip(images.map((image, index) => ({ ...image, atUs: index * 100_000 + 2 * Number(index > 0) }))),
        500_000,
      ],
      ['media.black', await clip(await pixels((_, index) => 2 + ((index * 3) % 9)))],
      ['media.frozen', await clip(await pixels((at) => at % 250))],
      ['media.size', { sha256: sent(new Uint8Array(0)).sha256, bytes: new Uint8Array(0) }],
    ];
    await land(...cases.map(([, one, lateUs], index) => naming(episodes[index] ?? [], one, lateUs)));
    for (const [index, [, one]] of cases.entries()) await receive(one, episodes[index] ?? []);
    const { summary, result } = await collect('cycle-1');
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [9, 0]);
    assert.deepEqual(counts(summary.clips), [1, 8, 0, 0, 0]);
    const verdicts = await world.documents('clips/');
    for (const [rule, one] of cases) {
      const verdict = verdicts.find(({ sha256 }) => sha256 === one.sha256);
      const rules = ((verdict?.['violations'] ?? []) as { rule: string }[]).map((violation) => violation.rule);
      assert.deepEqual(rules, rule === undefined ? [] : [rule]);
      assert.equal(verdict?.['cycleId'], 'cycle-1');
      const isKept = [undefined, 'media.format', 'media.frame-count', 'media.time-offset'].includes(rule);
      assert.equal((await world.ports.store.get(clipKey(one.sha256))) !== undefined, isKept, rule);
      const quarantined = await world.ports.store.get(`quarantine/cycle-1/${one.sha256}.mp4`);
      assert.deepEqual(quarantined && Buffer.compare(quarantined, one.bytes), rule === undefined ? undefined : 0);
    }
    for (const [rule] of cases)
      if (rule !== undefined) assert.equal(summary.clips?.rules.find(({ id }) => id === rule)?.clips, 1);
    assert.deepEqual(await world.keys('clips-awaited/'), []);
  });

  it('that have not come keep nothing waiting, and are judged by the next collection once they have', async () => {
    const [late, never] = [await clip(), await clip(images.slice(1))];
    await land(naming(episodes[0] ?? [], late), naming(episodes[1] ?? [], never));
    const first = await collect('cycle-1');
    assert.deepEqual([first.result.episodesStored, counts(first.summary.clips)], [2, [0, 0, 2, 0, 0]]);
    await receive(late, episodes[0] ?? []);
    assert.deepEqual(counts((await collect('cycle-2')).summary.clips), [1, 0, 1, 0, 0]);
    assert.deepEqual(counts((await collect('cycle-3')).summary.clips), [0, 0, 1, 0, 0]);
    // A collection that is asked for again says what it said.
    assert.deepEqual(counts((await collect('cycle-2')).summary.clips), [1, 0, 1, 0, 0]);
  });

  it('without an episode are counted, and a clip of another robot is none of this one', async () => {
    const [own, foreign] = [await clip(), await clip(images.slice(1))];
    await land(naming(episodes[0] ?? [], foreign));
    await receive(own, episodes[5] ?? []);
    await receive(foreign, episodes[0] ?? [], 'another-robot');
    assert.deepEqual(counts((await collect('cycle-1')).summary.clips), [0, 0, 1, 0, 2]);
  });

  it('are counted once by a collection that dies while it judges them, whatever was done', async () => {
    const clips = [await clip(), await clip(images.slice(1)), await clip(images.filter((_, index) => index % 3 > 0))];
    await land(...clips.map((one, index) => naming(episodes[index] ?? [], one)));
    for (const [index, one] of clips.entries()) await receive(one, episodes[index] ?? []);
    for (let deaths = 0; deaths < 3; deaths += 1) {
      let judged = 0;
      const dying = {
        ...ports(),
        clips: { decoder, atOnce: 1 },
        progress: ({ stage }: Readonly<Record<string, unknown>>) => {
          if (stage === 'judging clips' && (judged += 1) > 0) throw new Error('the worker dies');
        },
      };
      await assert.rejects(collect('cycle-1', dying), /the worker dies/);
    }
    const dyingStore = {
      ...world.ports.store,
      delete: () => Promise.reject(new Error('the worker dies behind the summary')),
    };
    await assert.rejects(collect('cycle-1', { ...ports(), store: dyingStore }), /behind the summary/);
    const { summary } = await collect('cycle-1');
    assert.deepEqual(counts(summary.clips), [2, 1, 0, 0, 0]);
    assert.deepEqual(counts((await collect('cycle-2')).summary.clips), [0, 0, 0, 0, 0]);
    assert.deepEqual(await world.keys('clips-awaited/'), []);
  });

  it('of a type without cameras are not spoken of, and on a worker without a decoder wait', async () => {
    const one = await clip();
    await land(naming(episodes[0] ?? [], one));
    await receive(one, episodes[0] ?? []);
    assert.deepEqual(counts((await world.collect('cycle-1', { type })).summary.clips), [0, 0, 0, 1, 0]);
    assert.deepEqual(counts((await collect('cycle-2')).summary.clips), [1, 0, 0, 0, 0]);
    const { robotId: other, episodes: blind } = oneRobot(4, 1);
    await world.land(other, blind.flat());
    assert.equal((await world.collect('cycle-3')).summary.clips, null);
  });
});
