import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { observeDrift } from '../../../activities/monitor/observe-drift.ts';
import type { ClipDecoder } from '../../../activities/ports/clip-decoder.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { imageAppearance } from '../../../datasets/media/clip-appearance.ts';
import { ClipError } from '../../../datasets/media/clip-format.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { writeClipUse } from '../../../store/records/clip-uses.ts';
import { writeClipVerdict } from '../../../store/records/clip-verdicts.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { startUs } from '../lake/lake-fixture.ts';
import { openMixFixture, robotType, store as storeEpisodes, type MixFixture } from '../mix/mix-fixture.ts';

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
const seeing: RobotType = robotTypeSchema.parse({ ...robotType, id: 'seeing-robot', cameras: [camera] });

describe('imageAppearance', () => {
  it('is brightness, contrast and sharpness of grey values', () => {
    assert.deepEqual(imageAppearance(Uint8Array.of(10, 10, 10, 10), 2), { brightness: 10, contrast: 0, sharpness: 0 });
    assert.deepEqual(imageAppearance(Uint8Array.of(0, 100, 0, 100), 2), {
      brightness: 50,
      contrast: 50,
      sharpness: 100,
    });
    // From the end of a row to the beginning of the next is no step.
    assert.equal(imageAppearance(Uint8Array.of(0, 0, 100, 100), 2).sharpness, 0);
    assert.deepEqual(imageAppearance(new Uint8Array(), 2), { brightness: 0, contrast: 0, sharpness: 0 });
  });
});

describe('observeDrift of robots that see', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  /** What a decoder sees of each clip that came, by its hash. */
  let appearances: Map<string, { brightness: number; contrast: number; sharpness: number }>;
  beforeEach(async () => {
    fixture = await openMixFixture();
    appearances = new Map();
    await publishRobotType(fixture.store, seeing);
    await createPolicyDocument(fixture.store, { policy: 'picker', robotType: { id: seeing.id, version: 1 } });
  });
  afterEach(() => fixture.close());

  const decoder: ClipDecoder = {
    decode: () => assert.fail('nothing is decoded to be looked at'),
    async look(path) {
      const appearance = appearances.get(/[0-9a-f]{64}/.exec(path)?.[0] ?? '');
      if (appearance === undefined) throw new ClipError('damaged', 'expected a clip that decodes');
      return { codec: 'jpeg', width: 32, height: 24, atUs: [0], dark: 0, unchanged: 0, appearance };
    },
  };
  const observe = (nowMs = 1_000, hasDecoder = true) =>
    observeDrift({ ...fixture.ports, ...(hasDecoder ? { clips: { decoder, atOnce: 2 } } : {}) })({
      policy: 'picker',
      nowMs,
    });
  const robots = Array.from({ length: 12 }, (_, index) => `robot-${index}`);
  const hashOf = (name: string): string => createHash('sha256').update(name).digest('hex');
  /** Differs from episode to episode, alike for every robot. */
  const appearanceOf = (episode: number, sharpnessFactor = 1) => ({
    brightness: 90 + 5 * episode,
    contrast: 30 + episode,
    sharpness: sharpnessFactor * (12 + episode),
  });
  const episodesOfRobot = [0, 1, 2, 3, 4, 5];

  async function lake(): Promise<void> {
    const episodes = robots.flatMap((robot, index) =>
      episodesOfRobot.map((episode) => ({
        number: index + 12 * episode,
        robot,
        robotType: seeing.id,
        split: 'train' as const,
        media: [{ kind: 'camera:front', sha256: hashOf(`lake ${robot} ${episode}`), startedUs: startUs }],
      })),
    );
    await storeEpisodes(fixture, 1, episodes);
    for (const { number, robot, media } of episodes)
      await writeClipVerdict(fixture.store, {
        robotId: robot,
        sha256: media[0]?.sha256 ?? '',
        episodeId: `E${String(number).padStart(6, '0')}`,
        camera: 'front',
        robotType: 'seeing-robot@1',
        verdict: 'accepted',
        violations: [],
        startedUs: startUs,
        images: 1,
        sizeBytes: 1,
        appearance: appearanceOf(Math.floor(number / 12)),
        cycleId: 'cycle/0',
      });
  }

  /** A segment of every robot with six episodes and their clips, which came unless told. */
  async function landing(sharpnessFactor: number, owner = (robot: string) => robot): Promise<void> {
    for (const [index, robotId] of robots.entries()) {
      const rows = episodesOfRobot.map((episode) => {
        const sha256 = hashOf(`landing ${robotId} ${episode} ${sharpnessFactor}`);
        appearances.set(sha256, appearanceOf(episode, sharpnessFactor));
        const clip = { sha256, kind: 'camera:front', startedAt: startUs, durationMs: 1_000, key: clipKey(sha256) };
        return { sha256, episode, media: JSON.stringify([clip]) };
      });
      for (const { sha256, episode } of rows) {
        await fixture.store.put(clipKey(sha256), new Uint8Array(1));
        const use = { robotId: owner(robotId), sha256, episodeId: `L${episode}`, camera: 'front' };
        await writeClipUse(fixture.store, { ...use, sizeBytes: 1, startedAtUs: startUs, receivedAtMs: 1 });
      }
      const path = join(fixture.directory, `${robotId}.parquet`);
      await fixture.session.run(
        `COPY (SELECT 'seeing-robot' AS robot_type, 1 AS robot_type_version, 'L' || episode AS episode_id, media,
           [1000 * (${index} + 12 * episode) + i, i]::FLOAT[] AS observation
         FROM (VALUES ${rows.map(({ episode, media }) => `(${episode}, '${media}')`).join(', ')}) AS e(episode, media), range(10) AS f(i))
         TO '${path}' (FORMAT parquet)`,
      );
      await fixture.store.put(`landing/${robotId}/${'0'.repeat(64)}.parquet`, { filePath: path });
    }
  }

  it('sees none where cameras show what they showed', async () => {
    await lake();
    await landing(1);
    const { isJudged, alarm, reason } = await observe();
    assert.deepEqual([isJudged, alarm, reason], [true, false, 'nothing drifted']);
  });

  it('names the camera and what changed of its images, and keeps all figures', async () => {
    await lake();
    await landing(0.4);
    const { alarm, reason, driftKey } = await observe();
    assert.equal(alarm, true);
    assert.match(reason, /camera front: sharpness \(alarm\): PSI/);
    assert.ok(!/brightness \(alarm\)|left \(alarm\)/.test(reason), reason);
    const document = JSON.parse(new TextDecoder().decode(await fixture.store.get(driftKey))) as {
      cameras: { camera: string; verdict: { robots: unknown; samples: unknown } }[];
    };
    const [{ camera: name, verdict } = assert.fail()] = document.cameras;
    assert.deepEqual(
      [name, verdict.robots, verdict.samples],
      ['front', { reference: 12, current: 12 }, { reference: 72, current: 48 }],
    );
  });

  it('says nothing of cameras without a decoder, of clips of others, and of those that do not decode', async () => {
    await lake();
    await landing(0.4);
    assert.equal((await observe(1_000, false)).alarm, false);
    appearances.clear();
    assert.equal((await observe(2_000)).alarm, false);
    await landing(0.3, () => 'robot-of-others');
    assert.equal((await observe(3_000)).alarm, false);
  });
});
