import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { giveBody, registerSimulatedRobots, robotIdsFor } from '../../demo/robots.ts';
import { scitosG5RecordingType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { splitOf } from '../../datasets/split.ts';
import { readRobots, tokenHash } from '../../fleet/desk/index.ts';

const dayMs = 86_400_000;
const splitsOf = (ids: readonly string[], day: string): readonly string[] =>
  ids.map((robotId) => splitOf({ robotId, recordedOn: day, startedAtUs: 0 }, scitosG5Type.split));
/** Some robots in every split, and at least four of thirty held out. */
const isEnough = (ids: readonly string[], day: string): boolean => {
  const splits = splitsOf(ids, day);
  return new Set(splits).size === 3 && splits.filter((split) => split === 'heldout').length >= 4;
};

describe('the simulated robots of temporal-dev.sh', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'flywheel-dev-robots-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('are as many as wanted, and more only on days that would have too few to hold out or validate on', () => {
    let daysWithMore = 0;
    for (let day = 0; day < 1_000; day += 1) {
      const date = new Date(Date.UTC(2026, 0, 1) + day * dayMs).toISOString().slice(0, 10);
      const ids = robotIdsFor(30, date, scitosG5Type.split);
      assert.ok(isEnough(ids, date), date);
      if (ids.length === 30) continue;
      daysWithMore += 1;
      assert.ok(!isEnough(ids.slice(0, -1), date), date);
    }
    assert.ok(daysWithMore > 50 && daysWithMore < 250, `${daysWithMore}`);
    assert.equal(robotIdsFor(5, '2026-01-01', scitosG5RecordingType.split).length, 5);
  });

  it('are registered once, with tokens that only their owner can read and a later start goes on with', async () => {
    const store = memoryObjectStore();
    const [tokensFile, robotsFile] = [join(directory, 'robot-tokens.json'), join(directory, 'robots.json')];
    const register = (count: number) =>
      registerSimulatedRobots(
        { store, clock: Date.now },
        { policy: 'wall', robotType: scitosG5Type, count, site: 'rooms', tokensFile, robotsFile },
      );
    const inFile = async (): Promise<{ robotId: string; token: string }[]> =>
      JSON.parse(await readFile(robotsFile, 'utf8')) as { robotId: string; token: string }[];
    const ids = await register(8);
    const first = await inFile();
    assert.deepEqual(
      first.map(({ robotId }) => robotId),
      ids,
    );
    for (const file of [tokensFile, robotsFile]) assert.equal((await stat(file)).mode & 0o777, 0o600);
    const robots = await readRobots(store);
    for (const { robotId, token } of first) assert.deepEqual(robots.get(robotId)?.tokenHashes, [tokenHash(token)]);
    assert.equal(robots.get('sim-001')?.site, 'rooms');

    await register(6);
    assert.ok((await inFile()).length <= ids.length);
    await register(8);
    assert.deepEqual(await inFile(), first);

    await writeFile(tokensFile, '[]');
    await register(8);
    const [renewed] = await inFile();
    assert.notEqual(renewed?.token, first[0]?.token);
    assert.deepEqual((await readRobots(store)).get('sim-001')?.tokenHashes, [tokenHash(renewed?.token ?? '')]);
  });

  it('have another body from their next life on, those that are named only', async () => {
    const robotsFile = join(directory, 'robots.json');
    const robots = ['sim-1', 'sim-2', 'sim-3'].map((robotId) => ({ robotId, token: 'secret' }));
    await writeFile(robotsFile, JSON.stringify(robots));
    giveBody(robotsFile, ['sim-2', 'sim-9'], 'two.json');
    const [first, second, third] = JSON.parse(await readFile(robotsFile, 'utf8')) as unknown[];
    assert.deepEqual([first, third], [robots[0], robots[2]]);
    assert.deepEqual(second, { ...robots[1], robotType: 'two.json' });
    assert.equal((await stat(robotsFile)).mode & 0o777, 0o600);
  });
});
