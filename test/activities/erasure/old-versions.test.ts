import assert from 'node:assert/strict';

import { checkErased } from '../../../activities/erasure/check-erased.ts';
import { compactLake } from '../../../activities/lake/compact-lake.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { CollectionWorld, nowMs } from '../collection/collection-fixture.ts';
import { erase, land, lakeRows, request, threeRobots } from './erasure-world.ts';
import { putTrainedModel } from './trained-model.ts';

const dayMs = 86_400_000;
const hex = (digit: string): string => digit.repeat(64);
const robot = (robotId: string) => ({ kind: 'robot', robotId }) as const;

async function putModel({ ports }: CollectionWorld, version: string): Promise<void> {
  const datasetVersion = await ports.lake.currentVersion();
  const digest = await putTrainedModel(ports.store, version, datasetVersion, version[0] ?? '');
  await ports.store.put(`training-sets/${digest}/manifest.json`, jsonBytes({ datasetVersion }));
  await ports.store.put(`training-sets/${digest}/train.arrow`, new Uint8Array(9));
}

/** A model of what two collections brought; then their files are put together, and the old ones go. */
async function compacted(): Promise<CollectionWorld> {
  const world = await CollectionWorld.open();
  for (const seed of [1, 2]) {
    await land(world, threeRobots(seed, 2));
    await world.collect(`c${seed}`);
  }
  await putModel(world, '1.0.0');
  // What one call puts together, a later one finds old enough to go.
  const compact = compactLake({ ...world.ports, clock: () => nowMs + 200 * dayMs });
  assert.ok((await compact({ dayMs, dryRun: false })).tables.some(({ merged }) => merged > 0));
  assert.ok((await compact({ dayMs, dryRun: false })).vacuumed.files > 0);
  await putModel(world, '2.0.0');
  return world;
}

const arrows = async (world: CollectionWorld): Promise<readonly string[]> =>
  (await world.keys('training-sets/')).filter((key) => key.endsWith('.arrow'));

describe('erasure, of versions of the lake whose files are gone,', function () {
  this.timeout(60_000);

  it('names the models that were trained on them and takes their sets, also of what no version has any more', async () => {
    const world = await compacted();
    try {
      const before = await lakeRows(world);
      await request(world.ports, 'e1', robot('r1'));
      const { checked, passes } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      assert.deepEqual(checked.models, [
        { policy: 'wall', version: '1.0.0' },
        { policy: 'wall', version: '2.0.0' },
      ]);
      assert.deepEqual(await arrows(world), []);
      assert.ok((await lakeRows(world)).episodes.length < before.episodes.length);
      // A set that somebody puts back is found; one of the newest version is as it should be.
      await putModel(world, '3.0.0');
      const put = `training-sets/${hex('1')}/train.arrow`;
      await world.ports.store.put(put, new Uint8Array(9));
      await world.ports.store.delete('erasures/e1/checked.json');
      assert.deepEqual((await checkErased(world.ports)({ erasureId: 'e1', passes })).leftovers, [put]);
      // Of this robot nothing is in the lake; whether the first version had something of it, nobody can tell.
      await request(world.ports, 'e2', robot('r3'));
      const second = await erase(world.ports, 'e2');
      assert.deepEqual(second.checked.leftovers, []);
      assert.deepEqual(
        second.checked.models.map(({ version }) => version),
        ['1.0.0', '2.0.0'],
      );
      assert.deepEqual(await arrows(world), [`training-sets/${hex('3')}/train.arrow`]);
    } finally {
      await world.close();
    }
  });
});
