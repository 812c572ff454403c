import assert from 'node:assert/strict';

import { removeFromLanding, waitingSegments } from '../../../activities/collection/removed-segments.ts';
import { readTrouble } from '../../../activities/collection/trouble.ts';
import { isFailure } from '../../../store/failures.ts';
import { ingestBatch } from '../../../activities/collection/ingest-batch.ts';
import { planCollection } from '../../../activities/collection/plan-collection.ts';
import { CollectionWorld, oneRobot } from './collection-fixture.ts';

const robotType = { id: 'scitos-g5', version: 1 };

describe('a collection that does not get on', () => {
  let world: CollectionWorld;
  let key: string;
  beforeEach(async () => {
    world = await CollectionWorld.open();
    const { robotId, episodes } = oneRobot(1, 2);
    key = await world.land(robotId, episodes.flat());
  });
  afterEach(() => world.close());

  const trouble = () => readTrouble(world.ports.store, 'scitos-g5@1');

  it('says so from the third attempt on, with the object, until it gets on', async () => {
    const { manifestKey } = await planCollection(world.ports)({ cycleId: 'c1', robotType });
    const input = { cycleId: 'c1', manifestKey, batch: 0, robotType };
    const { store } = world.ports;
    const decisionKey = 'collections/c1/decisions/000000.json';
    await store.put(decisionKey, new TextEncoder().encode('{"half":'));
    for (const attempt of [1, 2]) {
      await assert.rejects(ingestBatch({ ...world.ports, attempt: () => attempt })(input));
      assert.equal(await trouble(), undefined);
    }
    await assert.rejects(ingestBatch({ ...world.ports, attempt: () => 3 })(input));
    const { reason, ...said } = (await trouble())!;
    assert.deepEqual(said, { robotType: 'scitos-g5@1', cycleId: 'c1', step: 'batch 1', attempts: 3 });
    assert.match(reason, /expected a JSON document.*decisions\/000000\.json/);

    await store.delete(decisionKey);
    await ingestBatch({ ...world.ports, attempt: () => 4 })(input);
    assert.equal(await trouble(), undefined);
  });

  it('says so when attempts end without a word', async () => {
    const attempt = (): number => 3;
    const progress = (): void => {
      throw new Error('the machine is gone');
    };
    await assert.rejects(planCollection({ ...world.ports, attempt, progress })({ cycleId: 'c1', robotType }));
    assert.deepEqual((await trouble())?.step, 'planning');
  });

  it('can be freed of a file: its bytes and who took it out are kept', async () => {
    const { store, clock } = world.ports;
    const bytes = await store.get(key);
    const removal = await removeFromLanding({ store, clock }, { landingKey: key, who: 'ada', reason: 'a test' });
    assert.deepEqual(await store.get(removal.removedKey), bytes);
    const [record] = await world.documents('removed/');
    assert.deepEqual([record!['landingKey'], record!['who'], record!['reason']], [key, 'ada', 'a test']);
    for await (const waiting of waitingSegments(store)) assert.fail(waiting.key);
    const again = removeFromLanding({ store, clock }, { landingKey: key, who: 'ada', reason: 'a test' });
    await assert.rejects(again, (error) => isFailure(error, 'NotFound'));
    const outside = removeFromLanding({ store, clock }, { landingKey: 'lake/x', who: 'ada', reason: 'a test' });
    await assert.rejects(outside, (error) => isFailure(error, 'InvalidInput'));
  });
});
