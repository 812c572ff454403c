import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { ReadableStream } from 'node:stream/web';

import { changeRobot, newToken, readTelemetry, tokenHash } from '../../../fleet/desk/index.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import {
  bearer,
  handshakeAnswerSchema,
  segmentContentType,
  wireHeaders,
  wirePaths,
} from '../../../fleet/protocol/index.ts';
import {
  bootId,
  errorType,
  heartbeat,
  openTestFleet,
  policy,
  post,
  robotTypeReference,
  sha256,
  telemetry,
  who,
  type TestFleet,
} from '../../support/gateway.ts';

describe('a gateway', () => {
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;

  before(async function () {
    this.timeout(20_000);
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array(100_000).fill(7));
    token = await fleet.addRobot('r1');
    gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_ID: 'g1' });
  });
  after(() => fleet.close());

  const put = (body: Uint8Array, name = sha256(body), headers: Record<string, string> = {}, robotId = 'r1') =>
    fetch(gateway.url + wirePaths.segment(robotId, name), {
      method: 'PUT',
      headers: { authorization: bearer(token), 'content-type': segmentContentType, ...headers },
      body: body as Uint8Array<ArrayBuffer>,
    });
  const getModel = (
    headers: Record<string, string> = {},
    file: 'model.onnx' | 'manifest.json' | 'golden.json' = 'model.onnx',
  ) =>
    fetch(gateway.url + wirePaths.model(policy, '1.0.0', file), {
      headers: { authorization: bearer(token), ...headers },
    });
  const scratch = () => readdir(join(fleet.directory, 'scratch'));

  describe('upload', () => {
    it('stores a segment once: 201 first, 200 again', async () => {
      const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
      const first = await put(bytes);
      assert.equal(first.status, 201);
      assert.deepEqual(await first.json(), { sha256: sha256(bytes), sizeBytes: 300_000, outcome: 'stored' });
      const again = await put(bytes);
      assert.equal(again.status, 200);
      assert.equal(((await again.json()) as { outcome: string }).outcome, 'alreadyStored');
      assert.deepEqual(await fleet.store.get(`landing/r1/${sha256(bytes)}.parquet`), bytes);
      assert.deepEqual(await scratch(), []);
    });

    it('refuses other bytes than the name says (422) and leaves nothing behind', async () => {
      const bytes = new Uint8Array(200_000).fill(1);
      const name = sha256(new Uint8Array([9]));
      const response = await put(bytes, name);
      assert.equal(response.status, 422);
      assert.equal(await errorType(response), 'wrongDigest');
      assert.equal(await fleet.store.get(`landing/r1/${name}.parquet`), undefined);
      assert.deepEqual(await scratch(), []);
    });

    it('refuses more than 64 MiB (413) before it reads them', async () => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = httpRequest(gateway.url + wirePaths.segment('r1', 'a'.repeat(64)), {
          method: 'PUT',
          headers: {
            authorization: bearer(token),
            'content-type': segmentContentType,
            'content-length': 64 * 1024 * 1024 + 1,
          },
        });
        sent.on('response', (response) => {
          resolve(response.statusCode);
          sent.destroy();
        });
        sent.on('error', reject);
        sent.write('some');
      });
      assert.equal(status, 413);
    });

    it('leaves nothing behind of an upload that was cut', async () => {
      const bytes = new Uint8Array(1_000_000).fill(3);
      const sent = httpRequest(gateway.url + wirePaths.segment('r1', sha256(bytes)), {
        method: 'PUT',
        headers: { authorization: bearer(token), 'content-type': segmentContentType, 'content-length': 1_000_000 },
      });
      sent.on('error', () => undefined);
      sent.write(bytes.subarray(0, 500_000));
      await until(async () => (await scratch()).length === 1);
      sent.destroy();
      await until(async () => (await scratch()).length === 0);
      assert.equal(await fleet.store.get(`landing/r1/${sha256(bytes)}.parquet`), undefined);
    });

    it('refuses a body of unknown length (400)', async () => {
      const response = await fetch(gateway.url + wirePaths.segment('r1', 'a'.repeat(64)), {
        method: 'PUT',
        headers: { authorization: bearer(token), 'content-type': segmentContentType },
        body: ReadableStream.from([Buffer.from('some')]),
        duplex: 'half',
      });
      assert.equal(response.status, 400);
    });

    it('refuses names that are no sha256 and robot ids that are none (400)', async () => {
      assert.equal((await put(new Uint8Array([1]), 'A'.repeat(64))).status, 400);
      assert.equal((await put(new Uint8Array([1]), '..%2f..%2fetc')).status, 400);
      assert.equal((await put(new Uint8Array([1]), 'a'.repeat(64), {}, 'R%201')).status, 400);
    });
  });

  describe('tokens', () => {
    it('are needed (401)', async () => {
      const url = gateway.url + wirePaths.heartbeat('r1');
      const wrong = [
        '',
        'x',
        newToken('r1', (size) => new Uint8Array(size)),
        newToken('r9', (size) => new Uint8Array(size)),
      ];
      for (const given of wrong) {
        const response = await post(url, given, heartbeat());
        assert.equal(response.status, 401, given);
        assert.equal(await errorType(response), 'unauthorized');
      }
    });

    it('open nothing of another robot (403)', async () => {
      await fleet.addRobot('r2');
      for (const path of [wirePaths.heartbeat('r2'), wirePaths.telemetry('r2'), wirePaths.handshake('r2')])
        assert.equal((await post(gateway.url + path, token, heartbeat())).status, 403, path);
      assert.equal((await put(new Uint8Array([1]), undefined, {}, 'r2')).status, 403);
      const desired = await fetch(gateway.url + wirePaths.desired('r2', 0), {
        headers: { authorization: bearer(token) },
      });
      assert.equal(desired.status, 403);
      const model = await fetch(gateway.url + wirePaths.model('other', '1.0.0', 'model.onnx'), {
        headers: { authorization: bearer(token) },
      });
      assert.equal(model.status, 403);
    });

    it('are rotated and revoked within 5 s, without a restart', async function () {
      this.timeout(20_000);
      const old = await fleet.addRobot('r3');
      const url = gateway.url + wirePaths.heartbeat('r3');
      assert.equal((await post(url, old, heartbeat())).status, 200);
      const fresh = newToken('r3', (size) => new Uint8Array(size).fill(5));
      const ports = { store: fleet.store, clock: Date.now };
      const changed = performance.now();
      await changeRobot(ports, { robotId: 'r3', ...who }, () => ({ tokenHashes: [tokenHash(fresh)] }));
      await until(async () => (await post(url, old, heartbeat())).status === 401);
      assert.equal((await post(url, fresh, heartbeat())).status, 200);
      await changeRobot(ports, { robotId: 'r3', ...who }, () => ({ tokenHashes: [] }));
      await until(async () => (await post(url, fresh, heartbeat())).status === 401);
      assert.ok(performance.now() - changed < 10_000);
    });

    it('are stored as hashes only', async () => {
      for await (const { key } of fleet.store.list('robots/'))
        assert.ok(!Buffer.from((await fleet.store.get(key)) ?? []).includes(token.slice(-20)), key);
    });
  });

  describe('handshake', () => {
    const hello = { protocolVersion: 1, agentVersion: '0.1.0', bootId, clockMs: 5, installedVersion: null };

    it('tells the robot its policy, its site and the time', async () => {
      const response = await post(gateway.url + wirePaths.handshake('r1'), token, {
        ...hello,
        robotType: robotTypeReference,
      });
      const answer = handshakeAnswerSchema.parse(await response.json());
      assert.deepEqual([answer.policy, answer.site, answer.gatewayId], [policy, 'hall', 'g1']);
      assert.ok(Math.abs(answer.clockMs - Date.now()) < 60_000);
      assert.equal(response.headers.get(wireHeaders.gatewayId), 'g1');
    });

    it('refuses another robot type, another digest, another protocol (409)', async () => {
      const others = [
        { ...hello, robotType: { ...robotTypeReference, version: 2 } },
        { ...hello, robotType: { ...robotTypeReference, digest: '0'.repeat(64) } },
        { ...hello, robotType: robotTypeReference, protocolVersion: 2 },
      ];
      for (const body of others) {
        const response = await post(gateway.url + wirePaths.handshake('r1'), token, body);
        assert.equal(response.status, 409);
        assert.equal(await errorType(response), 'conflict');
      }
    });

    it('refuses what the schema does not know (400)', async () => {
      const response = await post(gateway.url + wirePaths.handshake('r1'), token, { ...hello, more: 1 });
      assert.equal(response.status, 400);
      assert.equal(await errorType(response), 'malformed');
    });
  });

  it('answers telemetry when it is stored, and counts a batch once that came twice', async () => {
    const url = gateway.url + wirePaths.telemetry('r1');
    const answers = await Promise.all([
      post(url, token, telemetry([0, 1, 2])),
      post(url, token, telemetry([0, 1, 2])),
      post(url, token, telemetry([2, 3])),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.deepEqual(await answers[2]?.json(), { storedEntries: 2, lastSeq: 3 });
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 60_000, Date.now() + 1))
      seqs.push(entry.seq);
    assert.deepEqual(
      seqs.toSorted((a, b) => a - b),
      [0, 1, 2, 3],
    );
  });

  it('keeps an install report once', async () => {
    const report = {
      reportId: bootId,
      bootId,
      atMs: 0,
      clockSkewMs: 0,
      outcome: 'installed',
      reason: 'ordered',
      version: '1.0.0',
      attempted: null,
      assignmentSeq: 0,
      trialId: null,
      detail: '',
    };
    const url = gateway.url + wirePaths.installReport('r1');
    assert.deepEqual(await (await post(url, token, report)).json(), { seq: 0 });
    assert.deepEqual(await (await post(url, token, report)).json(), { seq: 0 });
    const next = { ...report, reportId: '01J00000000000000000000001' };
    assert.deepEqual(await (await post(url, token, next)).json(), { seq: 1 });
  });

  describe('model files', () => {
    it('come whole, or not at all when the robot has them', async () => {
      const whole = await getModel();
      const bytes = new Uint8Array(await whole.arrayBuffer());
      assert.equal(whole.status, 200);
      assert.equal(whole.headers.get('etag'), `"${sha256(bytes)}"`);
      assert.equal(bytes.byteLength, 100_000);
      assert.equal((await getModel({ 'if-none-match': `"${sha256(bytes)}"` })).status, 304);
      assert.equal((await getModel({}, 'manifest.json')).status, 200);
      assert.equal((await getModel({}, 'golden.json')).status, 404);
    });

    it('go on where a download was cut, if they are still the same', async () => {
      const etag = (await getModel()).headers.get('etag') ?? '';
      const rest = await getModel({ range: 'bytes=99990-', 'if-range': etag });
      assert.equal(rest.status, 206);
      assert.equal(rest.headers.get('content-range'), 'bytes 99990-99999/100000');
      assert.equal((await rest.arrayBuffer()).byteLength, 10);
      const other = await getModel({ range: 'bytes=99990-', 'if-range': '"other"' });
      assert.equal(other.status, 200);
      assert.equal((await other.arrayBuffer()).byteLength, 100_000);
      assert.equal((await getModel({ range: 'bytes=-5' })).headers.get('content-range'), 'bytes 99995-99999/100000');
      assert.equal((await getModel({ range: 'bytes=0-0' })).headers.get('content-length'), '1');
      assert.equal((await getModel({ range: 'bytes=100000-' })).status, 416);
      assert.equal((await getModel({ range: 'bytes=0-1,4-5' })).status, 200);
    });
  });

  it('documents its API, away from the robots’ port', async () => {
    const document = (await (await fetch(`${gateway.operationsUrl}/documentation/json`)).json()) as { paths: object };
    const paths = Object.keys(document.paths);
    for (const path of ['handshake', 'heartbeat', 'telemetry', 'desired', 'install-report', 'segments/{sha256}'])
      assert.ok(paths.includes(`/v1/robots/{id}/${path}`), path);
    assert.equal((await fetch(`${gateway.operationsUrl}/documentation/`)).status, 200);
    for (const path of ['/documentation', '/documentation/json', '/documentation/static/index.html', '/metrics'])
      assert.equal((await fetch(gateway.url + path)).status, 404, path);
  });

  it('tells its health and readiness to whoever asks, and its metrics on an address of their own', async () => {
    await post(gateway.url + wirePaths.heartbeat('r1'), token, heartbeat());
    assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
    assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
    assert.equal((await fetch(`${gateway.operationsUrl}/readyz`)).status, 200);
    const text = await (await fetch(`${gateway.operationsUrl}/metrics`)).text();
    assert.match(text, /^flywheel_gateway_requests_total\{route="\/v1\/robots\/:id\/heartbeat",status="200"\} \d+$/m);
    assert.match(text, /^flywheel_gateway_request_duration_seconds_bucket\{.*le="0\.05"\} \d+$/m);
  });

  it('answers an unknown path in its own words (404)', async () => {
    const response = await fetch(`${gateway.url}/v2/else`);
    assert.equal(response.status, 404);
    assert.equal(await errorType(response), 'notFound');
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('waited for a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
