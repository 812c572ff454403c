import assert from 'node:assert/strict';
import path from 'node:path';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { KillPoint } from '../../fleet/agent/index.ts';
import { readTelemetry } from '../../fleet/desk/index.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { openTestFleet, policy, type TestFleet } from '../support/gateway.ts';
import { live, storedEpisodes } from '../fleet/agent/lives.ts';
import { temporaryDirectory } from '../fleet/agent/robot.ts';

/** Where each life ends, and how many times later. */
const deaths: readonly (readonly [KillPoint, number])[] = [
  ['end.synced', 3],
  ['upload.answered', 1],
  ['segment.named', 2],
  ['telemetry.answered', 1],
  ['spool.sealed', 1],
  ['state.switched', 1],
];

describe('sudden death of an agent on a real gateway, which is exchanged meanwhile', () => {
  let fleet: TestFleet;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    fleet = await openTestFleet();
    folder = await temporaryDirectory();
  });
  afterEach(async () => {
    await fleet.close();
    await folder.remove();
  });

  it('loses no ended episode, doubles none, and obeys the next order', async () => {
    for (const seed of [1, 2]) await fleet.register(tinyPolicy(scitosG5Type, seed));
    const token = await fleet.addRobot('r1');
    let gateway = await fleet.startGateway();
    const base = {
      robotId: 'r1',
      token,
      gatewayUrl: gateway.url,
      publicKeyPem: fleet.publicKeyPem,
      directory: path.join(folder.directory),
      quotaBytes: 1e9,
      episodes: 8,
    };
    const ended: string[] = [];
    for (const [life, [point, nth]] of deaths.entries()) {
      if (point === 'state.switched') await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
      const result = await live({ ...base, life, death: { point, nth }, leastMs: 15_000 });
      assert.equal(result.signal, 'SIGKILL', `${point} was not reached`);
      ended.push(...result.ended);
      const { port } = new URL(gateway.url);
      await gateway.stop();
      gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_PORT: port });
    }
    // The last death may have been in the middle of whatever switch; after an orderly life the order is obeyed.
    for (const wanted of [undefined, '1.1.0']) {
      const last = await live({ ...base, life: deaths.length, episodes: 2, death: null, leastMs: 4_000 });
      assert.equal(last.signal, null);
      assert.ok(last.policy !== null && (wanted === undefined || last.policy === wanted), `got ${last.policy}`);
      ended.push(...last.ended);
    }

    const segments = new Map<string, Uint8Array>();
    for await (const { key } of fleet.store.list('landing/r1/'))
      segments.set(path.basename(key, '.parquet'), (await fleet.store.get(key)) ?? new Uint8Array());
    const stored = await storedEpisodes({ segments }, folder.directory);
    assert.deepEqual(
      stored.filter(({ frames, frameCount, files }) => frames !== frameCount || files !== 1),
      [],
    );
    const told: string[] = [];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 3_600_000, Date.now() + 60_000))
      if (entry.kind === 'episode') told.push(entry.episodeId);
    const ids = new Set(stored.map(({ id }) => id));
    assert.deepEqual(
      ended.filter((id) => !ids.has(id)),
      [],
      'ended episodes that were lost',
    );
    assert.equal(new Set(told).size, told.length);
    assert.deepEqual([...ids].toSorted(), told.toSorted());
  }).timeout(120_000);
});
