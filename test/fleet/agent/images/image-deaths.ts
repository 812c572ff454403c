import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { readClip } from '../../../../datasets/media/read-clip.ts';
import type { KillPoint } from '../../../../fleet/agent/index.ts';
import { startFakeGateway, type FakeGateway } from '../fake-gateway.ts';
import { fleetKeys } from '../fleet-keys.ts';
import { live, storedEpisodes } from '../lives.ts';
import { robotId, temporaryDirectory, token } from '../robot.ts';
import { seeded } from '../sudden-death.ts';
import { mediaIn } from './stored-media.ts';

/** How often a life of eight episodes with four images each passes a point. */
const timesReached: Partial<Record<KillPoint, number>> = {
  'image.written': 28,
  'clip.written': 6,
  'clip.named': 6,
  'images.removed': 6,
  'clip.released': 2,
  'clipPart.answered': 6,
  'clip.answered': 6,
  'clip.removed': 6,
  'segment.named': 2,
  'frame.written': 60,
  'end.written': 7,
};

/** Names of the images in the clips that a gateway holds; each clip's once. */
export async function imagesIn({ media }: FakeGateway): Promise<readonly string[]> {
  const names: string[] = [];
  for (const bytes of media.clips.values()) {
    const clip = await readClip({ sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) });
    for (const { offset, sizeBytes } of clip.samples)
      names.push(bytes.subarray(offset + sizeBytes - 29, offset + sizeBytes).toString('latin1'));
  }
  return names;
}

/** Every segment's clip is there, every clip has its segment, and no episode has two of a camera. */
export async function holdClipsToSegments(gateway: FakeGateway, directory: string): Promise<void> {
  const named = await mediaIn(gateway, directory);
  assert.deepEqual(
    named.filter(({ sha256 }) => !gateway.media.clips.has(sha256)),
    [],
    'segments that name clips which do not exist',
  );
  const shas = new Set(named.map(({ sha256 }) => sha256));
  assert.deepEqual(
    [...gateway.media.clips.keys()].filter((sha256) => !shas.has(sha256)),
    [],
    'clips that no segment names',
  );
  const ofEpisodes = named.map(({ episodeId, kind }) => `${episodeId} ${kind}`);
  assert.equal(new Set(ofEpisodes).size, ofEpisodes.length, 'two clips of one camera in an episode');
  for (const { sha256, episodeId, startedAtUs } of named)
    for (const said of gateway.media.completions.filter((each) => each.sha256 === sha256))
      assert.deepEqual([said.episodeId, said.startedAtUs], [episodeId, startedAtUs]);
}

/** Lets a robot with a camera live and die again and again, and holds the accounts of its images after a last life. */
export async function sufferImageDeaths(options: {
  readonly seed: number;
  readonly points: readonly KillPoint[];
  readonly maker: 'inProcess' | 'child';
}): Promise<{ readonly kills: number; readonly images: number; readonly reached: ReadonlySet<KillPoint> }> {
  const random = seeded(options.seed);
  const gateway = await startFakeGateway(robotId, token);
  const folder = await temporaryDirectory();
  const directory = path.join(folder.directory, 'robot');
  await mkdir(directory);
  try {
    const base = {
      directory,
      gatewayUrl: gateway.url,
      publicKeyPem: fleetKeys().publicKeyPem,
      quotaBytes: 1e9,
      cameras: options.maker,
    };
    const recorded: string[] = [];
    const ended: string[] = [];
    const reached = new Set<KillPoint>();
    let kills = 0;
    for (const [life, point] of options.points.entries()) {
      const nth = 1 + Math.floor(random() * (timesReached[point] ?? 1));
      const result = await live({ ...base, life, episodes: 8, death: { point, nth } });
      if (result.signal === 'SIGKILL') {
        kills += 1;
        reached.add(point);
      }
      recorded.push(...result.images);
      ended.push(...result.ended);
    }
    const last = await live({ ...base, life: options.points.length, episodes: 2, death: null });
    assert.equal(last.signal, null);
    assert.equal(
      last.waitingClips,
      0,
      'clips that the last life did not bring in its time: nothing can be said of them',
    );
    recorded.push(...last.images);

    const stored = await storedEpisodes(gateway, folder.directory);
    const episodes = new Set(stored.map(({ id }) => id));
    assert.deepEqual(
      ended.filter((id) => !episodes.has(id)),
      [],
      'ended episodes that were lost',
    );
    const delivered = await imagesIn(gateway);
    assert.equal(new Set(delivered).size, delivered.length, 'images in two clips');
    const there = new Set(delivered);
    // An episode without a frame is none.
    const lost = recorded.filter((name) => !there.has(name) && episodes.has(name.slice(0, 26)));
    assert.deepEqual(lost, [], 'images that were recorded and lost');
    const ofNone = recorded.filter((name) => !episodes.has(name.slice(0, 26))).length;
    const { noFrames = 0, ...others } = last.dropped ?? {};
    assert.ok(noFrames >= ofNone && noFrames <= ofNone + kills, `${noFrames} images of no episode, got ${ofNone}`);
    assert.deepEqual(others, {});
    await holdClipsToSegments(gateway, folder.directory);
    return { kills, images: delivered.length, reached };
  } finally {
    await gateway.stop();
    await folder.remove();
  }
}
