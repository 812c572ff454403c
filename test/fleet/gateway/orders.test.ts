import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import {
  desiredAnswerSchema,
  bearer,
  wireHeaders,
  wirePaths,
  type DesiredAnswer,
} from '../../../fleet/protocol/index.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { openFleetReader } from '../../../fleet/desk/index.ts';
import { errorType, heartbeat, openTestFleet, policy, post, type TestFleet } from '../../support/gateway.ts';

describe('orders through a gateway', () => {
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;

  beforeEach(async () => {
    fleet = await openTestFleet();
    token = await fleet.addRobot('r1');
    await fleet.register(new Uint8Array([1]));
    await fleet.register(new Uint8Array([2]));
    gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_PRESENCE_MS: '200' });
  });
  afterEach(() => fleet.close());

  async function ask(etag?: string, waitMs = 0, url = gateway.url) {
    const response = await fetch(url + wirePaths.desired('r1', waitMs), {
      headers: { authorization: bearer(token), ...(etag === undefined ? {} : { 'if-none-match': etag }) },
    });
    const answer: DesiredAnswer | undefined =
      response.status === 200 ? desiredAnswerSchema.parse(await response.json()) : undefined;
    const lease = response.headers.get(wireHeaders.leaseRemainingMs);
    return {
      status: response.status,
      etag: response.headers.get('etag') ?? '',
      leaseMs: lease === null ? undefined : Number(lease),
      answer,
    };
  }

  const expose = (seq: number) =>
    fleet.assign(seq, { overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }] });

  it('are the registry’s champion before the first assignment', async () => {
    const { answer } = await ask();
    assert.equal(answer?.seq, -1);
    assert.equal(answer?.model.version, '1.0.0');
    assert.equal(answer?.baseline?.version, '1.0.0');
  });

  it('end their wait in time though garbage was collected meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { etag } = await ask();
    const startedMs = performance.now();
    const waiting = ask(etag, 1_000);
    for (let turn = 0; turn < 3; turn += 1) {
      await sleep(150);
      collectGarbage();
    }
    const answer = await Promise.race([waiting, sleep(5_000)]);
    assert.equal(answer?.status, 304, 'the long poll went on after its time');
    assert.ok(performance.now() - startedMs >= 900);
  });

  it('name what the model’s bytes must be, and who signed them', async () => {
    const { answer } = await ask();
    const manifest = JSON.parse(
      Buffer.from((await fleet.store.get('models/wall/1.0.0/manifest.json')) ?? []).toString('utf8'),
    ) as { manifest: { files: Record<string, { sha256: string }> }; signature: { value: string; publicKeyId: string } };
    assert.equal(answer?.model.sha256, manifest.manifest.files['model.onnx']?.sha256);
    assert.equal(answer?.model.signature, manifest.signature.value);
    assert.equal(answer?.model.publicKeyId, manifest.signature.publicKeyId);
  });

  it('end a long poll when any process assigns anew', async () => {
    const { etag } = await ask();
    const waiting = ask(etag, 20_000);
    await fleet.assign(0, { urgency: 'safeStop' });
    const { status, answer } = await waiting;
    assert.equal(status, 200);
    assert.deepEqual([answer?.seq, answer?.urgency], [0, 'safeStop']);
  });

  it('answer 304 when a long poll ends without anything new', async () => {
    const { etag } = await ask();
    assert.equal((await ask(etag, 100)).status, 304);
    assert.equal((await ask(etag)).status, 304);
  });

  it('give every gateway the same ETag', async () => {
    const other = await fleet.startGateway({ FLYWHEEL_GATEWAY_ID: 'g2' });
    assert.equal((await ask(undefined, 0, other.url)).etag, (await ask()).etag);
  });

  it('hold a candidate while its lease lives, tell what remains of it, and end the long poll when it is over', async () => {
    await expose(0);
    let leased = await ask();
    while (leased.answer?.seq !== 0) leased = await ask(leased.etag, 5_000);
    // On a machine without time a lease may be over before it is seen.
    while (leased.answer?.isLeased !== true) {
      await fleet.desk.renewLease({ policy, trialId: 't1', atMs: Date.now(), leaseMs: 3_000 });
      leased = await ask(leased.etag, 5_000);
      if (leased.answer === undefined) leased = await ask();
    }
    assert.equal(leased.answer?.model.version, '1.1.0');
    assert.ok(leased.leaseMs !== undefined && leased.leaseMs > 0 && leased.leaseMs <= 3_000);
    let next = await ask(leased.etag, 20_000);
    while (next.status === 304) {
      assert.ok(next.leaseMs !== undefined && next.leaseMs <= 3_000);
      next = await ask(leased.etag, 20_000);
    }
    assert.deepEqual([next.answer?.model.version, next.answer?.isLeased, next.answer?.trialId], ['1.0.0', false, null]);
  });

  it('leave a robot on the champion when the version it is put on was never registered', async () => {
    const overrides = [{ version: '9.9.9', trialId: 't1', urgency: 'whenIdle' as const, robotIds: ['r1'] }];
    await fleet.assign(0, { overrides });
    await fleet.desk.renewLease({ policy, trialId: 't1', atMs: Date.now() });
    const { etag } = await ask();
    const { answer } = await ask(etag, 5_000);
    assert.deepEqual([answer?.seq, answer?.model.version], [0, '1.0.0']);
  });

  it('are confirmed when the robot runs the version and holds the order', async () => {
    await fleet.assign(0);
    const reader = openFleetReader({ store: fleet.store, clock: Date.now });
    await post(gateway.url + wirePaths.heartbeat('r1'), token, heartbeat());
    let held = await ask();
    while (held.answer?.seq !== 0) held = await ask(held.etag, 5_000);
    await until(async () => (await reader.readConfirmations(policy))?.waiting[0] === 'r1');
    await ask(held.etag, 10);
    await until(async () => (await reader.readConfirmations(policy))?.confirmed[0] === 'r1');
    const { presence, robots } = await reader.readFleet(policy);
    assert.deepEqual([presence, robots[0]?.contact, robots[0]?.version], ['known', 'online', '1.0.0']);
  });

  it('are missing (404) while a policy has no champion', async () => {
    const bare = await openTestFleet();
    try {
      const bareToken = await bare.addRobot('r1');
      const { url } = await bare.startGateway();
      const response = await fetch(url + wirePaths.desired('r1', 0), { headers: { authorization: bearer(bareToken) } });
      assert.equal(response.status, 404);
      assert.equal(await errorType(response), 'notFound');
      assert.ok(Number(response.headers.get('retry-after')) > 0);
    } finally {
      await bare.close();
    }
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('waited for a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
