import assert from 'node:assert/strict';

import type { ObjectStore } from '../../../store/object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { CollectionWorld, nowMs } from '../collection/collection-fixture.ts';
import { lakeRows, land, threeRobots } from './erasure-world.ts';

let first: Promise<CollectionWorld> | undefined;

/** Two collections, one segment a robot waiting, one refused episode and one segment refused whole a robot, telemetry, sets, a label. */
export async function filled(): Promise<CollectionWorld> {
  first ??= fill();
  return (await first).copy();
}

/** The same in a store of its own. */
export async function fill(inStore?: ObjectStore): Promise<CollectionWorld> {
  const world = await CollectionWorld.open(inStore);
  for (const [index, seed] of [1, 2].entries()) {
    const robots = threeRobots(seed, 3);
    await land(world, robots);
    for (const [robotId, [first = []]] of threeRobots(seed + 10, 1)) {
      await world.land(
        robotId,
        first.map((row, index) => (index === 3 ? { ...row, frame_index: 9 } : row)),
      );
      await world.land(robotId, first, { clockSkewMs: 90_000_000 });
    }
    await world.collect(`c${index}`);
  }
  await land(world, threeRobots(3, 2));
  await telemetry(world);
  const { store } = world.ports;
  const { episodes } = await world.ports.lake.currentVersion();
  await store.put(`training-sets/${'a'.repeat(64)}/train.arrow`, new Uint8Array(9));
  await store.put(
    `training-sets/${'a'.repeat(64)}/manifest.json`,
    jsonBytes({ datasetVersion: { episodes, frames: 1 } }),
  );
  await store.put(`training-sets/${'b'.repeat(64)}/train.arrow`, new Uint8Array(9));
  await store.put(
    `training-sets/${'b'.repeat(64)}/manifest.json`,
    jsonBytes({ datasetVersion: { episodes: 0, frames: 0 } }),
  );
  return world;
}

async function telemetry({ ports: { store } }: CollectionWorld): Promise<void> {
  const lines: string[] = [];
  for (const [robotId, episodes] of threeRobots(1, 3)) {
    const entries = episodes.map(([first], seq) => ({ kind: 'episode', seq, episodeId: first?.episode_id, atMs: 1 }));
    lines.push(JSON.stringify({ robotId, receivedMs: nowMs - 1, entries: [...entries, { kind: 'online', seq: 99 }] }));
  }
  await store.put('telemetry/wall/2026-01-02/03/abc', new TextEncoder().encode(`${lines.join('\n')}\n`));
  await store.put('telemetry-summaries/wall/86400000/2026-01-02/03.json', jsonBytes({ robots: { r1: {} } }));
  await store.put('telemetry-summaries/wall/86400000/2026-01-02/04.json', jsonBytes({ robots: { r10: {} } }));
}

/** Everything but what erasures write of themselves, with the content of what is small. */
export async function state(world: CollectionWorld) {
  const keys = (await world.keys('')).filter((key) => !/^(erasures|lake|collections)\//.test(key));
  return {
    keys,
    rows: await lakeRows(world),
    files: (await world.keys('lake/')).filter((key) => key.endsWith('.parquet')).length,
  };
}

/**
 * Throws unless what is left is what an erasure without a death leaves. Files of an attempt that died before its commit may stay until a vacuum: none
 * has a row that goes, or the check of every object had found it.
 */
export function expectState(
  left: Awaited<ReturnType<typeof state>>,
  expected: Awaited<ReturnType<typeof state>>,
  name: string,
): void {
  assert.ok(left.files >= expected.files, `${name}: ${left.files} files`);
  assert.deepEqual({ ...left, files: expected.files }, expected, name);
}
