import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { addRobot, changeRobot } from '../../../fleet/desk/index.ts';
import { robotDirectory, type RobotDirectory } from '../../../fleet/gateway/robot-directory.ts';

const who = { who: 'tester', why: 'test' };
const bounds = { recheckMs: 2_000, maxRobots: 3, maxUnknown: 5, lookupsPerSecond: 1, burstLookups: 4 };

describe('the directory of robots', () => {
  let store: ObjectStore;
  let asked: string[];
  let nowMs: number;
  let directory: RobotDirectory;

  beforeEach(() => {
    const memory = memoryObjectStore();
    asked = [];
    nowMs = 0;
    store = {
      ...memory,
      get: (key, range) => (asked.push(`get ${key}`), memory.get(key, range)),
      list: (prefix, options) => (asked.push(`list ${prefix}`), memory.list(prefix, options)),
    };
    directory = robotDirectory({ store, monotonicMs: () => nowMs, ...bounds });
  });

  const add = async (robotId: string): Promise<void> => {
    const robot = { policy: 'wall', robotType: { id: 'scitos-g5', version: 1 }, site: 'hall', stratum: 'hall' };
    await addRobot({ store, clock: () => 0 }, { robotId, ...robot, tokenHashes: [], ...who });
    asked = [];
  };

  it('answers made-up ids with one listing for all, once the bound of single looks is reached', async () => {
    await add('r1');
    for (let index = 0; index < 1_000; index++) assert.equal(await directory.find(`made-up-${index}`), undefined);
    assert.equal(asked.filter((line) => line.startsWith('list robots/made-up')).length, 4);
    assert.equal(asked.filter((line) => line === 'list robots/').length, 1);
    assert.equal(asked.length, 5);
  });

  it('keeps robots it knows, whatever strangers ask for', async () => {
    for (const robotId of ['r1', 'r2', 'r3']) await add(robotId);
    for (const robotId of ['r1', 'r2', 'r3']) await directory.find(robotId);
    for (let index = 0; index < 100; index++) await directory.find(`made-up-${index}`);
    asked = [];
    for (const robotId of ['r1', 'r2', 'r3']) assert.equal((await directory.find(robotId))?.robotId, robotId);
    assert.deepEqual(asked, []);
  });

  it('finds a robot that is registered while strangers flood it, within the time it promises', async () => {
    for (let index = 0; index < 100; index++) await directory.find(`made-up-${index}`);
    await add('r7');
    assert.equal(await directory.find('r7'), undefined);
    nowMs += 2_001;
    for (let index = 0; index < 100; index++) await directory.find(`made-up-${index}`);
    assert.equal((await directory.find('r7'))?.robotId, 'r7');
  });

  it('finds a robot at once that was just registered, when nobody floods it', async () => {
    await add('r8');
    assert.equal((await directory.find('r8'))?.robotId, 'r8');
  });

  it('looks again at a robot that changed as soon as it is told', async () => {
    await add('r1');
    await directory.find('r1');
    await changeRobot({ store, clock: () => 0 }, { robotId: 'r1', ...who }, () => ({ isQuarantined: true }));
    assert.equal((await directory.find('r1'))?.isQuarantined, false);
    directory.recheck('r1');
    assert.equal((await directory.find('r1'))?.isQuarantined, true);
  });
});
