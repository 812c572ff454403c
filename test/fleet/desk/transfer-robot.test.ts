import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { addRobot, openFleetReader, readRobots, retireRobot, transferRobot } from '../../../fleet/desk/index.ts';
import { changeRobot } from '../../../fleet/desk/robots.ts';
import { transferSchema, type Transfer } from '../../../fleet/protocol/index.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { openTestKeys, type TestKeys } from '../../support/keys.ts';

describe('a transfer to another policy', () => {
  let store: ReturnType<typeof memoryObjectStore>;
  let directory: string;
  let keys: TestKeys;
  let nowMs: number;
  const clock = () => nowMs;
  const act = { robotId: 'r1', who: 'ada', why: 'needed there' };
  const robotType = { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) };
  const ports = () => ({ store, clock, orders: keys.orders ?? assert.fail() });
  const move = (to: string, more: Partial<typeof robotType> = {}) =>
    transferRobot(ports(), { ...act, to, robotType: { ...robotType, ...more } });
  const wordOf = ({ transfer }: Awaited<ReturnType<typeof move>>): Transfer => transferSchema.parse(transfer?.signed);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-transfer-'));
    nowMs = Date.now();
    keys = await openTestKeys(directory);
    store = memoryObjectStore();
    const place = { policy: 'wall', site: 'hall', stratum: 'hall' };
    const { id, version } = robotType;
    await addRobot({ store, clock }, { ...act, ...place, robotType: { id, version }, tokenHashes: ['0'.repeat(64)] });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is one signed word, with a number above every earlier one, also where the clock stands still', async () => {
    const [first, second, third] = [await move('pick'), await move('wall'), await move('pick')].map(wordOf);
    assert.ok(first && second && third);
    assert.ok(first.seq < second.seq && second.seq < third.seq);
    assert.deepEqual([first.from, second.from, third.from], [['wall'], ['pick'], ['wall']]);
    assert.deepEqual(
      (await readRobots(store)).get('r1')?.moves?.map(({ to }) => to),
      ['pick', 'wall', 'pick'],
    );
  });

  it('names every policy that the robot may still follow, should it have missed one', async () => {
    await move('pick');
    nowMs += 1_000;
    assert.deepEqual(wordOf(await move('sweep')).from, ['wall', 'pick']);
  });

  it('is signed anew for a robot that is there already, and refused for one that never had another', async () => {
    await assert.rejects(move('wall'), { type: 'Conflict', message: /another policy/ });
    const first = wordOf(await move('pick'));
    nowMs += 40 * 24 * 3_600_000;
    const again = await move('pick');
    assert.deepEqual([wordOf(again).from, wordOf(again).issuedAtMs, again.moves?.length], [['wall'], nowMs, 1]);
    assert.ok(wordOf(again).seq > first.seq);
  });

  it('believes no word that the store alone vouches for', async () => {
    const forged = { ...wordOf(await move('pick')), seq: 2 ** 47, from: ['evil'] };
    await changeRobot({ store, clock }, act, () => ({ transfer: { signed: forged, signatures: [] } }));
    const next = wordOf(await move('sweep'));
    assert.deepEqual(next.from, ['pick']);
    assert.ok(next.seq < 2 ** 47);
  });

  it('is refused for another body and for a robot that is retired; without an order key nothing changes', async () => {
    await assert.rejects(move('pick', { version: 2 }), {
      type: 'Conflict',
      message: /scitos-g5@1, got pick for scitos-g5@2/,
    });
    const orders = { ...ports().orders, epoch: 1, rootVersion: 1, sign: () => assert.fail('no key') };
    await assert.rejects(transferRobot({ ...ports(), orders }, { ...act, to: 'pick', robotType }), /no key/);
    assert.equal((await readRobots(store)).get('r1')?.policy, 'wall');
    await retireRobot({ store, clock }, act);
    await assert.rejects(move('pick'), { type: 'Conflict', message: /got a retired one/ });
  });

  it('shows in the fleet that was left, and for as long as there is anybody to ask', async () => {
    await move('pick');
    const reader = openFleetReader({ store, clock });
    assert.deepEqual((await reader.readFleet('wall')).moved, [{ robotId: 'r1', atMs: nowMs }]);
    assert.deepEqual((await reader.readFleet('wall')).robots, []);
    assert.deepEqual(
      (await reader.readFleet('pick')).robots.map(({ robotId }) => robotId),
      ['r1'],
    );
  });
});
