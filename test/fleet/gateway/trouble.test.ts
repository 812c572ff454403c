import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { failure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { readTelemetry } from '../../../fleet/desk/index.ts';
import { readGatewaySettings } from '../../../fleet/gateway/settings.ts';
import { bearer, segmentContentType, wirePaths } from '../../../fleet/protocol/index.ts';
import { addSeeingRobots, ClipClient, clipsIn, TestClip } from '../../support/clips.ts';
import {
  errorType,
  heartbeat,
  openTestFleet,
  policy,
  post,
  sha256,
  telemetry,
  type TestFleet,
} from '../../support/gateway.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const child = fileURLToPath(new URL('../../support/children/run-gateway.ts', import.meta.url));

describe('a gateway in trouble', () => {
  let fleet: TestFleet;
  let token: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    fleet = await openTestFleet();
    token = await fleet.addRobot('r1');
    await fleet.register(new Uint8Array([1]));
  });
  afterEach(async () => {
    for (const process of children.splice(0)) await kill(process, 'SIGKILL');
    await fleet.close();
  });

  async function spawnGateway(id: string): Promise<{ url: string; process: ChildProcess }> {
    const gateway = spawn(process.execPath, [child], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        FLYWHEEL_STORE: join(fleet.directory, 'store'),
        FLYWHEEL_SCRATCH: join(fleet.directory, `scratch-${id}`),
        FLYWHEEL_LOG_LEVEL: 'error',
        FLYWHEEL_GATEWAY_ID: id,
        FLYWHEEL_GATEWAY_PORT: '0',
        FLYWHEEL_GATEWAY_COMMIT_MS: '300',
        FLYWHEEL_GATEWAY_CLIP_FREE_MIB: '0',
        FLYWHEEL_GATEWAY_CLIP_SLOW_WRITE_MS: '600000',
      },
    });
    children.push(gateway);
    const [message] = (await once(gateway, 'message')) as [{ url: string }];
    return { url: message.url, process: gateway };
  }

  it('is replaced by another on the same store: what was answered is there once, what was not is sent again', async function () {
    this.timeout(60_000);
    const [first, second] = await Promise.all([spawnGateway('g1'), spawnGateway('g2')]);
    const answered: number[] = [];
    const segments = Array.from({ length: 6 }, (_, index) => new Uint8Array(100_000).fill(index));
    const [seer = ''] = await addSeeingRobots(fleet, 'seer');
    const [robot, clip] = [new ClipClient('seer', seer), new TestClip()];
    const putPart = (url: string, part: number) => robot.put(url, clip.sha256, part, Buffer.from(clip.part(part)));
    assert.equal((await putPart(first.url, 1)).status, 201);
    const unanswered = Promise.allSettled([putPart(first.url, 0), robot.complete(first.url, clip)]);
    for (const [index, bytes] of segments.entries()) {
      if (index === 3) void kill(first.process, 'SIGKILL');
      const sent = await Promise.allSettled([put(first.url, bytes), send(first.url, index)]);
      const isDone = sent.map((result) => result.status === 'fulfilled' && result.value.ok);
      if (isDone[0] !== true) assert.ok((await put(second.url, bytes)).ok);
      // An answer may have been lost on its way: the robot cannot know, and sends what was stored once more.
      if (isDone[1] !== true || index === 1) assert.ok((await send(second.url, index)).ok);
      answered.push(index);
    }
    await unanswered;
    assert.ok((await robot.upload(second.url, clip)) < 300);
    const { clips, uses, parts, isSound } = await clipsIn(fleet.store);
    assert.deepEqual([clips.length, uses.length, parts.length, isSound], [1, 1, 0, true]);
    const keys: string[] = [];
    for await (const { key } of fleet.store.list('landing/r1/')) keys.push(key);
    assert.equal(keys.length, segments.length);
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 600_000, Date.now() + 1))
      seqs.push(entry.seq);
    assert.deepEqual(
      seqs.toSorted((a, b) => a - b),
      answered,
    );
  });

  it('stores what it was given before it stops, ends long polls, and goes', async function () {
    this.timeout(60_000);
    const { url, process: running } = await spawnGateway('g1');
    const desired = await fetch(url + wirePaths.desired('r1', 0), { headers: { authorization: bearer(token) } });
    const etag = desired.headers.get('etag') ?? '';
    await desired.arrayBuffer();
    const poll = fetch(url + wirePaths.desired('r1', 30_000), {
      headers: { authorization: bearer(token), 'if-none-match': etag },
    });
    const sent = send(url, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kill(running, 'SIGTERM');
    assert.equal((await sent).status, 200);
    assert.equal((await poll).status, 304);
    assert.equal(running.exitCode, 0);
  });

  it('answers 503 with Retry-After while the store does not work, and tells nothing of why', async () => {
    let isBroken = false;
    const refuse = (): void => {
      if (isBroken) throw failure('StoreUnavailable', 'disk full at /secret/place');
    };
    const { store } = fleet;
    const flaky: ObjectStore = {
      ...store,
      get: async (key, range) => (refuse(), store.get(key, range)),
      putIfAbsent: async (key, body) => (refuse(), store.putIfAbsent(key, body)),
    };
    const { url } = await fleet.startGateway({}, flaky);
    assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
    isBroken = true;
    for (const response of [await send(url, 0), await put(url, new Uint8Array([1]))]) {
      assert.equal(response.status, 503);
      assert.ok(Number(response.headers.get('retry-after')) >= 1);
      const text = await response.text();
      assert.match(text, /"overloaded"/);
      assert.doesNotMatch(text, /secret/);
    }
    isBroken = false;
    assert.equal((await send(url, 0)).status, 200);
  });

  it('says that there is no room with an error of its own (507), and is not ready; heartbeats and orders go on', async () => {
    let isFull = false;
    const { store } = fleet;
    const full = async (): Promise<never> => {
      const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      throw failure('StoreUnavailable', 'expected the object store to write, got ENOSPC at /secret', { cause });
    };
    const small: ObjectStore = {
      ...store,
      put: async (key, body) => (isFull ? full() : store.put(key, body)),
      putIfAbsent: async (key, body) => (isFull ? full() : store.putIfAbsent(key, body)),
    };
    const { url } = await fleet.startGateway({}, small);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    isFull = true;
    for (const response of [await send(url, 0), await put(url, new Uint8Array([1]))]) {
      assert.equal(response.status, 507);
      assert.ok(Number(response.headers.get('retry-after')) >= 30);
      const text = await response.text();
      assert.match(text, /"storeFull"/);
      assert.doesNotMatch(text, /secret/);
    }
    const ready = await fetch(`${url}/readyz`);
    assert.equal(ready.status, 503);
    assert.deepEqual(await ready.json(), { status: 'store-full' });
    assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
    const desired = await fetch(url + wirePaths.desired('r1', 0), { headers: { authorization: bearer(token) } });
    assert.equal(desired.status, 200);
    isFull = false;
    assert.equal((await send(url, 0)).status, 200);
  });

  it('refuses more of one robot than its share (429), and goes on serving others', async () => {
    const { url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: '1' });
    const other = await fleet.addRobot('r2');
    const statuses: number[] = [];
    for (let index = 0; index < 4; index++) {
      const response = await post(url + wirePaths.heartbeat('r1'), token, heartbeat());
      statuses.push(response.status);
      if (response.status === 429) {
        assert.ok(Number(response.headers.get('retry-after')) >= 1);
        assert.equal(await errorType(response), 'tooManyRequests');
      }
    }
    assert.equal(statuses[0], 200);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await post(url + wirePaths.heartbeat('r2'), other, heartbeat())).status, 200);
  });

  it('refuses connections of one robot beyond its share (429)', async () => {
    const { url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_CONNECTIONS_PER_ROBOT: '2' });
    const answers = await Promise.all([0, 1, 2, 3].map((index) => send(url, index)));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 200, 429, 429],
    );
  });

  it('counts of unfinished uploads what came, not what was declared: one robot takes nothing from the others', async function () {
    this.timeout(30_000);
    const { url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_UPLOAD_MIB: '64' });
    const other = await fleet.addRobot('r2');
    const declared = 64 * 1024 * 1024;
    const begin = (sha: string) => {
      const sent = httpRequest(url + wirePaths.segment('r1', sha), {
        method: 'PUT',
        headers: { authorization: bearer(token), 'content-type': segmentContentType, 'content-length': declared },
      });
      sent.on('error', () => undefined);
      sent.write('some');
      return sent;
    };
    const pending = begin('a'.repeat(64));
    await until(async () => (await put(url, new Uint8Array([1]))).ok);
    const ofOther = await fetch(url + wirePaths.segment('r2', sha256(new Uint8Array([2]))), {
      method: 'PUT',
      headers: { authorization: bearer(other), 'content-type': segmentContentType },
      body: new Uint8Array([2]),
    });
    assert.equal(ofOther.status, 201);
    // Whole, it would not fit beside what came already.
    const refused = begin('b'.repeat(64));
    const [response] = (await once(refused, 'response')) as [{ statusCode: number }];
    assert.equal(response.statusCode, 503);
    refused.destroy();
    pending.destroy();
  });

  it('refuses work beyond what it may do at once (503)', async () => {
    const { url } = await fleet.startGateway({
      FLYWHEEL_GATEWAY_WORK_AT_ONCE: '1',
      FLYWHEEL_GATEWAY_COMMIT_MS: '1000',
    });
    const busy = send(url, 0);
    await until(async () => {
      const response = await post(url + wirePaths.heartbeat('r1'), token, heartbeat());
      return response.status === 503 && response.headers.get('retry-after') !== null;
    });
    assert.equal((await busy).status, 200);
  });

  it('refuses settings it does not know or that are out of range', () => {
    assert.throws(() => readGatewaySettings({ FLYWHEEL_GATEWAY_PROT: '1' }), /FLYWHEEL_GATEWAY_PROT/);
    assert.throws(() => readGatewaySettings({ FLYWHEEL_GATEWAY_PORT: '70000' }), /FLYWHEEL_GATEWAY_PORT/);
    assert.throws(() => readGatewaySettings({ FLYWHEEL_GATEWAY_TLS_CERT: 'a' }), /together/);
  });

  it('has an address for operations that neighbours on one machine do not take from each other', () => {
    const portOf = (port: string): number => readGatewaySettings({ FLYWHEEL_GATEWAY_PORT: port }).operations.port;
    assert.deepEqual([portOf('8460'), portOf('8461'), portOf('0'), portOf('65535')], [9460, 9461, 0, 0]);
    assert.equal(readGatewaySettings({}).operations.host, '127.0.0.1');
  });

  it('has every setting in its document, and no other', () => {
    const settings = readFileSync(join(root, 'fleet/gateway/settings.ts'), 'utf8');
    const document = readFileSync(join(root, 'docs/gateway.md'), 'utf8');
    const inCode = [...settings.matchAll(/^ {4}(FLYWHEEL_GATEWAY_\w+):/gm)].map((match) => match[1]);
    const inDocument = [...document.matchAll(/^\| `(FLYWHEEL_GATEWAY_\w+)`/gm)].map((match) => match[1]);
    assert.deepEqual(inDocument, inCode);
  });

  const put = (url: string, bytes: Uint8Array<ArrayBuffer>) =>
    fetch(url + wirePaths.segment('r1', sha256(bytes)), {
      method: 'PUT',
      headers: { authorization: bearer(token), 'content-type': segmentContentType },
      body: bytes,
    });
  const send = (url: string, seq: number) => post(url + wirePaths.telemetry('r1'), token, telemetry([seq]));
});

async function kill(running: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (running.exitCode !== null || running.signalCode !== null) return;
  const exited = once(running, 'exit');
  running.kill(signal);
  await exited;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error('waited for a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
