import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { s3ObjectStore } from '../../../store/adapters/s3-object-store.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { openDesk, openFleetReader, readTelemetry } from '../../../fleet/desk/index.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { bearer, segmentContentType, wirePaths } from '../../../fleet/protocol/index.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { openTestFleet, policy, post, sha256, telemetry, type TestFleet } from '../../support/gateway.ts';
import { addSeeingRobots, ClipClient, clipSettings, clipsIn, statusOf, TestClip } from '../../support/clips.ts';
import { startS3Server, type S3Server } from '../../support/s3-server.ts';
import { openRobot, recordEpisode, temporaryDirectory, until } from '../agent/robot.ts';

describe('a gateway on an S3 store', function () {
  this.timeout(90_000);
  let server: S3Server;
  let folder: string;
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;
  const stores: { close(): void }[] = [];
  const openStore = (name: string) => {
    const store = s3ObjectStore({ ...server.connection, bucket: 'fleet', cacheFolder: join(folder, name) });
    stores.push(store);
    return store;
  };

  before(async function () {
    server = await startS3Server(this);
    folder = await mkdtemp(join(tmpdir(), 'flywheel-gateway-s3-'));
    await server.makeBucket('fleet');
    fleet = await openTestFleet(openStore('gateway'));
    token = await fleet.addRobot('r1');
    await fleet.register(tinyPolicy(scitosG5Type, 1));
    await fleet.register(tinyPolicy(scitosG5Type, 2));
    gateway = await fleet.startGateway({ ...clipSettings, FLYWHEEL_GATEWAY_PRESENCE_MS: '500' });
  });
  after(async () => {
    await fleet?.close();
    for (const store of stores) store.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const landed = async (robotId: string): Promise<number> => {
    let segments = 0;
    for await (const { key } of fleet.store.list(`landing/${robotId}/`)) segments += key.length > 0 ? 1 : 0;
    return segments;
  };
  const authorization = () => bearer(token);

  it('stores a segment once, and nothing of one that is not what its name says', async () => {
    const bytes = new Uint8Array(200_000).fill(7);
    const put = (name: string) =>
      fetch(gateway.url + wirePaths.segment('r1', name), {
        method: 'PUT',
        headers: { authorization: authorization(), 'content-type': segmentContentType },
        body: bytes,
      });
    assert.deepEqual([(await put(sha256(bytes))).status, (await put(sha256(bytes))).status], [201, 200]);
    assert.equal((await put('a'.repeat(64))).status, 422);
    assert.equal(await landed('r1'), 1);
  });

  it('takes a clip in parts, through two gateways at once, and has it once, whole', async () => {
    const [seer = ''] = await addSeeingRobots(fleet, 'seer');
    const [robot, clip] = [new ClipClient('seer', seer), new TestClip()];
    const other = await fleet.startGateway(clipSettings, openStore('second'));
    assert.equal(await statusOf(await robot.put(other.url, clip.sha256, 1, Buffer.from(clip.part(1)))), 201);
    const answers = await Promise.all([robot.upload(gateway.url, clip), robot.upload(other.url, clip)]);
    assert.ok(answers.includes(201), `got ${answers.join()}`);
    assert.equal(await robot.upload(other.url, clip), 200);
    const { clips, uses, parts, isSound } = await clipsIn(fleet.store);
    assert.deepEqual([clips.length, uses.length, parts.length, isSound], [1, 1, 0, true]);
    await other.stop();
  });

  it('answers telemetry when it is stored, and counts once what came twice', async () => {
    for (let time = 0; time < 2; time += 1)
      assert.equal((await post(gateway.url + wirePaths.telemetry('r1'), token, telemetry([1, 2]))).status, 200);
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 600_000, Date.now() + 1))
      seqs.push(entry.seq);
    assert.deepEqual(new Set(seqs), new Set([1, 2]));
    assert.equal(seqs.length, 2);
  });

  it('ends a long poll when another process writes an assignment; a real agent follows it and uploads', async () => {
    const other = openStore('other');
    const directory = await temporaryDirectory();
    const robotToken = await fleet.addRobot('r2');
    const { publicKeyPem } = fleet;
    const gatewayUrl = gateway.url;
    const options = { robotId: 'r2', token: robotToken, gatewayUrl, directory: directory.directory, publicKeyPem };
    const agent = await openRobot(options);
    try {
      await until('champion', async () => agent.policy()?.version === '1.0.0', 20_000);
      const desired = gateway.url + wirePaths.desired('r1', 0);
      const first = await fetch(desired, { headers: { authorization: authorization() } });
      await first.arrayBuffer();
      const etag = first.headers.get('etag') ?? '';
      const poll = fetch(gateway.url + wirePaths.desired('r1', 30_000), {
        headers: { authorization: authorization(), 'if-none-match': etag },
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const startMs = performance.now();
      const version = '1.1.0';
      const record = { defaultVersion: version, championVersion: version, trialId: null, urgency: 'whenIdle' } as const;
      const origin = { operationId: 'test', who: 'tester', why: 'test', atMs: 0 };
      const desk = openDesk({ store: other, sealing: fleet.sealing });
      await desk.write({ policy, seq: 0, record: { kind: 'assign', overrides: [], ...record, ...origin } });
      assert.equal((await poll).status, 200);
      // 2 s on a machine that has time for it; the poll would end after 30 s.
      assert.ok(performance.now() - startMs < 15_000, `${performance.now() - startMs} ms`);
      await until('the new champion', async () => agent.policy()?.version === version, 20_000);
      await recordEpisode(agent);
      await agent.settle();
      await until('uploaded', () => agent.status().waitingSegments === 0, 20_000);
      assert.equal(await landed('r2'), 1);
      const reader = openFleetReader({ store: other, clock: Date.now });
      await until(
        'confirmed',
        async () => (await reader.readConfirmations(policy))?.confirmed.includes('r2') === true,
        20_000,
      );
    } finally {
      await agent.close();
      await directory.remove();
    }
  });
});
