import assert from 'node:assert/strict';
import { join } from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { openFleet, type OpenFleet } from '../../../bench/fleet/open-fleet.ts';
import { scitosG5CameraType, scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { readClip } from '../../../datasets/media/read-clip.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { sharpToJpeg } from '../../../fleet/agent/adapters/sharp-jpeg.ts';
import { scaledRgb } from '../../../fleet/agent/adapters/sharp-pictures.ts';
import { inProcessClipMaker } from '../../../fleet/simulator/in-process-clip-maker.ts';
import { noCameraQuirks, noQuirks, type Quirks } from '../../../fleet/simulator/quirks.ts';
import { openEyes } from '../../../fleet/simulator/rooms/eyes.ts';
import { drawRoom } from '../../../fleet/simulator/rooms/families.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics } from '../../../fleet/simulator/rooms/room.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../../fleet/simulator/simulate-fleet.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import { planCameras } from '../../../policies/images/image-settings.ts';
import { initialParameters } from '../../../policies/network.ts';
import { networkShape, policySizes } from '../../../policies/policy-io.ts';
import { randomStream } from '../../../policies/random.ts';
import { seenCamerasOf } from '../../../policies/seen-images.ts';
import { clipUsesPrefix, readClipUse, type ClipUse } from '../../../store/records/clip-uses.ts';
import { memorySource } from '../../datasets/media/clips.ts';
import { sharedDataset } from '../../support/shared-data.ts';

const [wide] = scitosG5CameraType.cameras ?? [];
const camera = wide ?? assert.fail();
/** Records more than its policy sees. */
const recorded = { ...camera, width: 64, height: 48 };
const recordingType: RobotType = { ...scitosG5CameraType, cameras: [recorded] };
const framesPerEpisode = 12;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** An untrained policy that sees, and whose answers depend on little else. */
function seeingPolicy(type: RobotType): Uint8Array {
  const sizes = policySizes(type) ?? assert.fail();
  const blocks = [{ kind: 'convolution', channels: 4, kernelSize: 3, stride: 4, groups: 1 }] as const;
  const networks = [{ camera: camera.name, blocks: [...blocks], features: 8 }];
  const shape = {
    ...networkShape(sizes, { hiddenWidths: [8], taskEmbeddingSize: 2 }),
    images: planCameras([camera.name], seenCamerasOf(type), { networks }),
  };
  const observation = { mean: Float32Array.of(12), scale: Float32Array.of(1) };
  return exportPolicy(
    {
      shape,
      parameters: initialParameters(shape, randomStream(1, 'seeing')).map((value) => 4 * value),
      observation,
      label: undefined,
    },
    type,
  );
}

describe('cameras in a room', () => {
  async function seen(
    quirks: Quirks,
    name = camera.name,
    own: Partial<typeof camera> = {},
    episodes = 1,
  ): Promise<Uint8Array> {
    const plan = drawRoom('pillars', 3);
    const room = (await loadPhysics())(plan);
    const random = (purpose: string) => randomStream(1, purpose);
    const eyes = openEyes({ plan, family: 'pillars', seed: 3, cameras: [{ ...camera, name, ...own }], random });
    const robot = roomRobot({ room, eyes, quirks: () => quirks, random: random('robot') });
    for (let episode = 0; episode < episodes; episode += 1) robot.begin();
    const image = Uint8Array.from(robot.see?.(name) ?? []);
    room.close();
    return image;
  }
  const meanOf = (image: Uint8Array): number => image.reduce((sum, value) => sum + value, 0) / image.length;

  it('have dirt where it fell, or elsewhere in every episode where it moves', async () => {
    const soiled = (dirtMoves: boolean, episodes: number) =>
      seen({ ...noQuirks, camera: { ...noCameraQuirks, dirtFraction: 0.5, dirtMoves } }, camera.name, {}, episodes);
    assert.deepEqual(await soiled(true, 2), await soiled(true, 2));
    const places = await Promise.all([1, 2, 3].map((episodes) => soiled(true, episodes)));
    assert.equal(new Set(places.map((image) => image.join())).size, 3);
    assert.deepEqual(await soiled(false, 1), await soiled(false, 3));
  });

  it('see the same from the same seed, and what light and lens of their robot make of it', async () => {
    const plain = await seen(noQuirks);
    assert.equal(plain.length, camera.width * camera.height * 3);
    assert.deepEqual(await seen(noQuirks), plain);
    const dark = await seen({ ...noQuirks, camera: { ...noCameraQuirks, lightFraction: 0.4 } });
    assert.ok(meanOf(dark) < 0.7 * meanOf(plain), `${meanOf(dark)} of ${meanOf(plain)}`);
    for (const quirk of [{ dirtFraction: 0.5 }, { blurFraction: 0.03 }, { exposureStops: 1 }])
      assert.notDeepEqual(await seen({ ...noQuirks, camera: { ...noCameraQuirks, ...quirk } }), plain);
  });

  it('look as their names say; others, and sizes that are not drawn, are refused', async () => {
    assert.notDeepEqual(await seen(noQuirks, 'front'), await seen(noQuirks));
    await assert.rejects(seen(noQuirks, 'rear'), /cameras are named front or wide, got rear/);
    await assert.rejects(seen(noQuirks, 'wide', { width: 640, height: 480 }), /16 × 12 to 320 × 240 pixels, got 640/);
  });
});

describe('a simulated fleet that sees', () => {
  let fleet: OpenFleet;
  before(async () => (fleet = await openFleet(2, seeingPolicy(recordingType), recordingType)));
  after(() => fleet.close());

  it('drives by what its cameras see, and brings a clip of each episode through the gateway', async () => {
    const { url } = await fleet.startGateway();
    const late = AbortSignal.timeout(50_000);
    const result = await simulateFleet({
      signal: late,
      hurry: late,
      robots: fleet.robots,
      directory: join(fleet.directory, 'robots'),
      scenario: () => parseScenario({ framesPerEpisode, quirks: [{ robots: [1], camera: { lightFraction: 0.2 } }] }),
      seed: 1,
      episodesPerRobot: 2,
      isRealTime: false,
      runtime: onnxRuntime(),
      scaleImage: scaledRgb,
      drainMs: 30_000,
      agent: {
        gatewayUrl: url,
        robotType: recordingType,
        root: fleet.rootDocument,
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (address, init) => fetch(address, init),
        log: () => undefined,
        clipMaker: inProcessClipMaker(sharpToJpeg),
        limits: { tickMs: 50, backOff: { firstMs: 20, longestMs: 200 }, requestTimeoutMs: 5_000 },
      },
    });
    assert.equal(result.endedEpisodes, 4);
    assert.equal(result.images, result.frames);
    assert.deepEqual([result.droppedImages, result.waitingClips, result.waitingSegments], [0, 0, 0]);
    const uses: ClipUse[] = [];
    for await (const { key } of fleet.store.list(clipUsesPrefix)) uses.push((await readClipUse(fleet.store, key))!);
    const robotIds = fleet.robots.map(({ robotId }) => robotId);
    assert.deepEqual(
      uses.map(({ robotId }) => robotId),
      robotIds.flatMap((robotId) => [robotId, robotId]),
    );
    const episodes = await recordedEpisodes();
    for (const { episodeId, sha256, startedAtUs } of uses) {
      const episode = episodes.get(episodeId) ?? assert.fail(episodeId);
      const bytes = (await fleet.store.get(`media/${sha256}.mp4`)) ?? assert.fail(sha256);
      const clip = await readClip(memorySource(bytes));
      assert.deepEqual([clip.codec, clip.width, clip.height], ['jpeg', recorded.width, recorded.height]);
      // An image of every frame, at its very instant.
      assert.deepEqual(
        clip.samples.map(({ atUs }) => startedAtUs + atUs),
        episode.frameUs,
      );
      assert.deepEqual(episode.clips, [sha256]);
    }
    const sizes = robotIds.map((id) =>
      uses.filter((use) => use.robotId === id).reduce((sum, use) => sum + use.sizeBytes, 0),
    );
    assert.ok((sizes[1] ?? 0) < 0.8 * (sizes[0] ?? 0), 'what the dark robot sees has little in it');
  }).timeout(60_000);

  async function recordedEpisodes() {
    const engine = duckDbEngine({ temporaryDirectory: fleet.directory, threads: 1 });
    const session = await engine.open();
    const episodes = new Map<string, { frameUs: number[]; clips: string[] }>();
    for await (const { key } of fleet.store.list('landing/')) {
      const path = await fleet.store.localPath(key);
      const rows = await session.rows(
        `SELECT episode_id, media, list("timestamp" ORDER BY frame_index)::DOUBLE[] AS us
         FROM read_parquet('${path}') GROUP BY episode_id, media`,
      );
      for (const row of rows) {
        const media = JSON.parse(textOf(row['media'])) as { sha256: string }[];
        const frameUs = (row['us'] as readonly unknown[]).map(Number);
        episodes.set(textOf(row['episode_id']), { frameUs, clips: media.map(({ sha256 }) => sha256) });
      }
    }
    await session.close();
    return episodes;
  }
});

describe('a world without cameras', () => {
  it('refuses robots that have some', async () => {
    const simulate = simulateFleet({
      robots: [{ robotId: 'sim-1', token: 'none' }],
      directory: '/nowhere',
      scenario: () => parseScenario({ world: { kind: 'recording', path: sharedDataset('wall-following') } }),
      seed: 1,
      episodesPerRobot: 1,
      isRealTime: false,
      runtime: onnxRuntime(),
      drainMs: 0,
      agent: {
        gatewayUrl: 'http://127.0.0.1:9',
        robotType: { ...scitosG5Type, cameras: [camera] },
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (address, init) => fetch(address, init),
        log: () => undefined,
      },
    });
    await assert.rejects(simulate, /expected robots without cameras in the world recording/);
  });
});
