import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import {
  addRobot,
  moveRobot,
  openFleet,
  quarantineRobot,
  readRobotLife,
  readRobots,
  releaseRobot,
  retireRobot,
} from '../../../fleet/desk/index.ts';
import { fleetKeys } from '../../../fleet/desk/keys.ts';
import { mostQuarantines, quarantineOf, quarantinesOf } from '../../../fleet/desk/robots.ts';

describe('a robot’s life', () => {
  let store: ReturnType<typeof memoryObjectStore>;
  let nowMs: number;
  const clock = (): number => nowMs;
  const act = { robotId: 'r1', who: 'ada', why: 'a squeak' };
  const ports = () => ({ store, clock });
  const now = async () => (await readRobots(store)).get('r1') ?? assert.fail();
  const conflicts = (promise: Promise<unknown>) => assert.rejects(promise, (error) => isFailure(error, 'Conflict'));

  beforeEach(async () => {
    store = memoryObjectStore();
    nowMs = 1_000;
    const robotType = { id: 'scitos-g5', version: 1 };
    const place = { policy: 'wall', site: 'hall', stratum: 'hall' };
    await addRobot(ports(), { ...act, robotType, ...place, tokenHashes: ['0'.repeat(64)] });
  });

  it('is a record for each act, with who and why, and nothing for an act that changes nothing', async () => {
    nowMs = 2_000;
    await quarantineRobot(ports(), act);
    nowMs = 3_000;
    await quarantineRobot(ports(), { ...act, why: 'again' });
    nowMs = 4_000;
    await moveRobot(ports(), { ...act, site: 'yard' });
    nowMs = 5_000;
    await releaseRobot(ports(), { ...act, why: 'oiled' });
    const life = await readRobotLife(store, 'r1');
    assert.deepEqual(
      life.map(({ atMs, why, isQuarantined, site, stratum }) => [atMs, why, isQuarantined, site, stratum]),
      [
        [1_000, 'a squeak', false, 'hall', 'hall'],
        [2_000, 'a squeak', true, 'hall', 'hall'],
        [4_000, 'a squeak', true, 'yard', 'yard'],
        [5_000, 'oiled', false, 'yard', 'yard'],
      ],
    );
    assert.deepEqual((await now()).quarantines, [{ sinceMs: 2_000, untilMs: 5_000, who: 'ada', why: 'a squeak' }]);
  });

  it('remembers since when and why a robot is in quarantine, whatever else is done to it, and who put it there', async () => {
    nowMs = 2_000;
    await openFleet(ports()).quarantineRobot({ robotId: 'r1', who: 'trial', why: 'robotFault in trial x' });
    nowMs = 9_000;
    await moveRobot(ports(), { ...act, stratum: 'repair' });
    const found = quarantineOf(await now());
    assert.deepEqual(found, { sinceMs: 2_000, untilMs: null, who: 'trial', why: 'robotFault in trial x' });
  });

  it('reads a quarantine of a record of old, and releases it', async () => {
    const { quarantines: _, ...record } = await now();
    const old = { ...record, isQuarantined: true, atMs: 7_000, who: 'trial', why: 'robotFault' };
    await store.put(`${fleetKeys.robotLog('r1')}/${'1'.padStart(20, '0')}.json`, Buffer.from(JSON.stringify(old)));
    assert.deepEqual(quarantinesOf(await now()), [{ sinceMs: 7_000, untilMs: null, who: 'trial', why: 'robotFault' }]);
    nowMs = 8_000;
    await releaseRobot(ports(), act);
    assert.deepEqual(
      quarantinesOf(await now()).map(({ untilMs }) => untilMs),
      [8_000],
    );
  });

  it('keeps the last quarantines of a robot that has many', async () => {
    for (let turn = 0; turn < mostQuarantines + 5; turn += 1) {
      nowMs += 1_000;
      await quarantineRobot(ports(), act);
      nowMs += 1_000;
      await releaseRobot(ports(), act);
    }
    const kept = quarantinesOf(await now());
    assert.deepEqual([kept.length, kept.at(-1)?.untilMs], [mostQuarantines, nowMs]);
  });

  it('ends for good: a retired robot has no token, is in no view, and nothing more is done to it', async () => {
    nowMs = 5_000;
    await retireRobot(ports(), act);
    const { tokenHashes, retiredMs } = await now();
    assert.deepEqual([tokenHashes, retiredMs], [[], 5_000]);
    const { robots, retired } = await openFleet(ports()).readFleet('wall');
    assert.deepEqual([robots, retired], [[], [{ robotId: 'r1', atMs: 5_000 }]]);
    await conflicts(retireRobot(ports(), act));
    await conflicts(moveRobot(ports(), { ...act, site: 'yard' }));
    await conflicts(quarantineRobot(ports(), act));
    // A trial that takes it out as faulty finds nothing to do.
    await openFleet(ports()).quarantineRobot(act);
    assert.equal((await readRobotLife(store, 'r1')).length, 2);
  });

  it('refuses what means nothing: a release without quarantine, a move to where it is, a robot that nobody added', async () => {
    await conflicts(releaseRobot(ports(), act));
    await conflicts(moveRobot(ports(), { ...act, site: 'hall' }));
    await assert.rejects(quarantineRobot(ports(), { ...act, robotId: 'r9' }), (error) => isFailure(error, 'NotFound'));
  });
});
