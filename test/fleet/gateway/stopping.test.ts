import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bearer, segmentContentType, wirePaths } from '../../../fleet/protocol/index.ts';
import { openTestFleet, sha256, type TestFleet } from '../../support/gateway.ts';

const main = fileURLToPath(new URL('../../../workers/gateway.ts', import.meta.url));

/** The gateway says when it takes the request on: then an upload is under way, however busy the machine is. */
const asking = { expect: '100-continue' };

describe('a gateway that stops', () => {
  let fleet: TestFleet;
  let token: string;
  const agent = new Agent({ keepAlive: true });
  const sockets: Socket[] = [];

  beforeEach(async () => {
    fleet = await openTestFleet();
    token = await fleet.addRobot('r1');
    await fleet.register(new Uint8Array([1]));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    agent.destroy();
    await fleet.close();
  });

  const send = (url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    httpRequest(url, { method, agent, headers: { authorization: bearer(token), ...headers } }).on(
      'error',
      () => undefined,
    );

  it('ends with an error when its port is taken', async () => {
    const { url } = await fleet.startGateway();
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        FLYWHEEL_STORE: join(fleet.directory, 'store'),
        FLYWHEEL_SCRATCH: join(fleet.directory, 'other'),
        FLYWHEEL_GATEWAY_PORT: new URL(url).port,
        FLYWHEEL_GATEWAY_OPERATIONS_PORT: '0',
      },
    });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const killer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(killer);
    assert.equal(code, 1, said);
    assert.match(said, /EADDRINUSE/);
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux(
    'has more threads that wait for disks than slow writes of clips can hold (counted in /proc of Linux)',
    async () => {
      const child = spawn(process.execPath, [main], {
        env: {
          PATH: process.env['PATH'],
          FLYWHEEL_STORE: join(fleet.directory, 'store'),
          FLYWHEEL_SCRATCH: join(fleet.directory, 'other'),
          FLYWHEEL_GATEWAY_PORT: '0',
          FLYWHEEL_GATEWAY_OPERATIONS_PORT: '0',
        },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      try {
        await once(child, 'message');
        const tasks = `/proc/${child.pid}/task`;
        const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, 'utf8').trim());
        assert.equal(names.filter((name) => name === 'libuv-worker').length, 16, names.join());
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  async function answered(request: ReturnType<typeof send>): Promise<IncomingMessage> {
    const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response;
  }

  async function stopped(stop: () => Promise<void>): Promise<number> {
    const startMs = performance.now();
    await stop();
    return performance.now() - startMs;
  }

  it('closes idle connections at once, those that never asked anything too, and answers long polls', async () => {
    const gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_STOP_MS: '20000' });
    const { port, hostname } = new URL(gateway.url);
    const silent = connect(Number(port), hostname);
    sockets.push(silent);
    await once(silent, 'connect');
    const halfAsked = connect(Number(port), hostname);
    sockets.push(halfAsked);
    halfAsked.write('GET /healthz HTTP/1.1\r\nHost: gateway\r\n');
    const first = await answered(send(gateway.url + wirePaths.desired('r1', 0)));
    const poll = answered(
      send(gateway.url + wirePaths.desired('r1', 30_000), { 'if-none-match': first.headers.etag ?? '' }),
    );
    await answered(send(`${gateway.url}/healthz`));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const tookMs = await stopped(() => gateway.stop());
    assert.equal((await poll).statusCode, 304);
    assert.ok(tookMs < 15_000, `took ${tookMs} ms`);
  }).timeout(40_000);

  it('finishes the upload that is under way, and waits for nothing else', async () => {
    const gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_STOP_MS: '20000' });
    const bytes = Buffer.alloc(300_000, 7);
    const upload = send(
      gateway.url + wirePaths.segment('r1', sha256(bytes)),
      { ...asking, 'content-type': segmentContentType, 'content-length': String(bytes.length) },
      'PUT',
    );
    await once(upload, 'continue');
    upload.write(bytes.subarray(0, 1_000));
    const response = once(upload, 'response') as Promise<[IncomingMessage]>;
    const stopping = stopped(() => gateway.stop());
    await new Promise((resolve) => setTimeout(resolve, 500));
    upload.end(bytes.subarray(1_000));
    const [answer] = await response;
    answer.resume();
    assert.equal(answer.statusCode, 201);
    const tookMs = await stopping;
    assert.ok(tookMs >= 450 && tookMs < 15_000, `took ${tookMs} ms`);
  }).timeout(40_000);

  it('cuts an upload that sends nothing when its time is up, and leaves nothing of it', async () => {
    const gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_STOP_MS: '500' });
    const upload = send(
      gateway.url + wirePaths.segment('r1', 'a'.repeat(64)),
      { ...asking, 'content-type': segmentContentType, 'content-length': '1000' },
      'PUT',
    );
    await once(upload, 'continue');
    upload.write('some');
    const tookMs = await stopped(() => gateway.stop());
    assert.ok(tookMs >= 450, `took ${tookMs} ms`);
    for await (const { key } of fleet.store.list('landing/')) assert.fail(key);
  }).timeout(40_000);

  it('that runs cuts the connection of an upload that sends nothing for a while', async () => {
    const gateway = await fleet.startGateway({
      FLYWHEEL_GATEWAY_STALL_MS: '500',
      FLYWHEEL_GATEWAY_LONG_POLL_MS: '100',
    });
    const upload = send(
      gateway.url + wirePaths.segment('r1', 'a'.repeat(64)),
      { 'content-type': segmentContentType, 'content-length': '1000' },
      'PUT',
    );
    const startMs = performance.now();
    upload.write('some');
    await new Promise((resolve) => upload.once('close', resolve));
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 400, `took ${tookMs} ms`);
    const { statusCode } = await answered(send(`${gateway.url}/healthz`));
    assert.equal(statusCode, 200);
  }).timeout(40_000);
});
