import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { failure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { modelFile } from '../../../policies/model-manifest.ts';
import { bearer, errorAnswerSchema, wirePaths } from '../../../fleet/protocol/index.ts';
import { heartbeat, openTestFleet, policy, post, sha256, type TestFleet } from '../../support/gateway.ts';

describe('a model that is damaged in the store', () => {
  let fleet: TestFleet;
  let token: string;
  const bytes = randomBytes(20_000_000);
  const key = modelFile(policy, '1.0.0', 'model.onnx');
  const path = wirePaths.model(policy, '1.0.0', 'model.onnx');

  beforeEach(async function () {
    this.timeout(30_000);
    fleet = await openTestFleet();
    await fleet.register(bytes);
    token = await fleet.addRobot('r1');
  });
  afterEach(() => fleet.close());

  const stored = () => join(fleet.directory, 'store', key);
  const ask = (url: string, headers: Record<string, string> = {}) =>
    fetch(url + path, { headers: { authorization: bearer(token), ...headers }, signal: AbortSignal.timeout(20_000) });

  async function assertDamaged(response: Response, what: RegExp): Promise<void> {
    const { error } = errorAnswerSchema.parse(await response.json());
    assert.equal(response.status, 500);
    assert.equal(error.type, 'damagedFile');
    assert.match(error.message, what);
    assert.ok(error.message.includes(key));
    assert.ok(Number(response.headers.get('retry-after')) >= 10);
  }

  it('is answered with an error at once, not with headers for bytes that never come, and nothing else suffers', async () => {
    const { url } = await fleet.startGateway();
    await truncate(stored(), 19_999_999);
    await assertDamaged(await ask(url), /expected 20000000 bytes.*got 19999999/);
    await assertDamaged(await ask(url, { range: 'bytes=10-20' }), /bytes/);
    const manifest = await fetch(url + wirePaths.model(policy, '1.0.0', 'manifest.json'), {
      headers: { authorization: bearer(token) },
    });
    assert.equal(manifest.status, 200);
    assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
    await fleet.store.put(key, bytes);
    assert.equal(sha256(new Uint8Array(await (await ask(url)).arrayBuffer())), sha256(bytes));
  });

  it('is refused when it is another file of the same size, also after it was proved once', async () => {
    const { url } = await fleet.startGateway();
    assert.equal((await (await ask(url)).arrayBuffer()).byteLength, bytes.byteLength);
    const other = Buffer.from(bytes);
    other[10_000_000] = (other[10_000_000] ?? 0) ^ 1;
    await writeFile(stored(), other);
    await assertDamaged(await ask(url), /expected sha256 [0-9a-f]{64}.*got [0-9a-f]{64}/);
  });

  it('is refused when it is gone', async () => {
    const { url } = await fleet.startGateway();
    await fleet.store.delete(key);
    await assertDamaged(await ask(url), /got none/);
  });

  it('ends the connection of a transfer under which it is cut', async function () {
    this.timeout(30_000);
    const { url } = await fleet.startGateway();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url + path, { headers: { authorization: bearer(token) }, agent: false }, resolve).on('error', reject);
    });
    let received = 0;
    response.once('data', () => response.pause());
    await new Promise((resolve) => setTimeout(resolve, 300));
    await truncate(stored(), 1_000_000);
    response.on('data', (chunk: Buffer) => (received += chunk.byteLength));
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.on('error', () => undefined);
    response.resume();
    await closed;
    assert.equal(response.complete, false);
    assert.ok(received < bytes.byteLength);
  });

  it('that the store does not give now is a 503 about that file only', async () => {
    const { store } = fleet;
    const flaky: ObjectStore = {
      ...store,
      localPath: async (asked) => {
        if (asked === key) throw failure('StoreUnavailable', 'expected the object store to read, got EIO at /secret');
        return store.localPath(asked);
      },
    };
    const { url } = await fleet.startGateway({}, flaky);
    const response = await ask(url);
    assert.equal(response.status, 503);
    const { error } = errorAnswerSchema.parse(await response.json());
    assert.ok(error.message.includes(key) && !error.message.includes('secret'), error.message);
    assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
  });

  it('has robots ordered the champion when a candidate’s manifest is no manifest', async () => {
    const { url } = await fleet.startGateway();
    const version = await fleet.register(new Uint8Array([2]));
    await fleet.store.put(modelFile(policy, version, 'manifest.json'), Buffer.from('{"half":'));
    await fleet.desk.renewLease({ policy, trialId: 't1', atMs: Date.now(), leaseMs: 600_000 });
    await fleet.assign(0, { overrides: [{ version, trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }] });
    const desired = await fetch(url + wirePaths.desired('r1', 0), { headers: { authorization: bearer(token) } });
    assert.equal(desired.status, 200);
    assert.equal(((await desired.json()) as { model: { version: string } }).model.version, '1.0.0');
    const file = await fetch(url + wirePaths.model(policy, version, 'model.onnx'), {
      headers: { authorization: bearer(token) },
    });
    assert.equal(file.status, 500);
    assert.match(await file.text(), /damagedFile/);
  });
});
