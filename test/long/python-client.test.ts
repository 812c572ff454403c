import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { checkFile } from '../../activities/collection/check-file.ts';
import { segmentJudge } from '../../activities/collection/segment-judge.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { CollectionWorld } from '../activities/collection/collection-fixture.ts';
import { openTestFleet, type TestFleet } from '../support/gateway.ts';
import { agentCommand, pythonClient as client, succeeds, unittests } from '../support/python-client.ts';
import { toolForTest } from '../support/tool.ts';

describe('the Python client with a real gateway', function () {
  this.timeout(600_000);
  const env = { PYTHONPATH: path.join(client, 'src') };
  let fleet: TestFleet;
  let gatewayUrl: string;
  let rootFile: string;
  beforeEach(async () => {
    fleet = await openTestFleet();
    for (const seed of [1, 2]) await fleet.register(tinyPolicy(scitosG5Type, seed));
    ({ url: gatewayUrl } = await fleet.startGateway({
      FLYWHEEL_GATEWAY_HEARTBEAT_MS: '500',
      FLYWHEEL_GATEWAY_LOOK_MS: '100',
    }));
    rootFile = path.join(fleet.directory, 'root.json');
    await writeFile(rootFile, fleet.rootDocument);
  });
  afterEach(() => fleet.close());

  it('loses no acknowledged frame, whatever dies, and stops the robot for a rollback', async function () {
    const python = await toolForTest(this, 'python');
    const control = await serveOrders(fleet, 'r1');
    const world = {
      control: control.url,
      gateway: gatewayUrl,
      root: rootFile,
      robot: 'r1',
      token: await fleet.addRobot('r1'),
      store: path.join(fleet.directory, 'store'),
      command: agentCommand,
    };
    try {
      const said = await succeeds(python, unittests('real_*.py'), {
        env: { ...env, FLYWHEEL_TEST_WORLD: JSON.stringify(world) },
      });
      assert.match(said, /Ran 1 test/);
    } finally {
      control.server.close();
    }
  });

  it('is a wheel that installs without anything else, and from which the example drives a robot', async function () {
    const python = await toolForTest(this, 'python-package');
    const [source, wheels, target] = ['source', 'wheels', 'target'].map((name) => path.join(fleet.directory, name));
    // A build leaves files beside its sources.
    await cp(client, source!, { recursive: true, filter: (file) => !/__pycache__|egg-info|\/build$/.test(file) });
    await mkdir(wheels!);
    const pip = ['-I', '-m', 'pip', '--disable-pip-version-check', '--no-input'];
    const build = ['wheel', '--quiet', '--no-index', '--no-deps', '--no-build-isolation', '--wheel-dir', wheels!, '.'];
    await succeeds(python, [...pip, ...build], { cwd: source! });
    const [wheel, ...others] = await readdir(wheels!);
    assert.deepEqual([wheel, others], ['flywheel_client-0.1.0-py3-none-any.whl', []]);
    await succeeds(python, [
      ...pip,
      'install',
      '--quiet',
      '--no-index',
      '--target',
      target!,
      path.join(wheels!, wheel!),
    ]);
    const installed = await readdir(path.join(target!, 'flywheel_client'));
    const modules = (await readdir(path.join(client, 'src/flywheel_client'))).filter((name) => name !== '__pycache__');
    assert.deepEqual(installed.filter((name) => name !== '__pycache__').toSorted(), modules.toSorted());
    assert.ok(modules.includes('py.typed'));
    const where = ['--robot', 'r2', '--gateway', gatewayUrl, '--directory', path.join(fleet.directory, 'r2')];
    where.push('--root', rootFile, '--episodes', '1', '--frames', '5', '--decide-timeout-s', '120');
    const said = await succeeds(python, [path.join(client, 'examples/robot_loop.py'), ...where], {
      cwd: fleet.directory,
      env: {
        PYTHONPATH: target!,
        FLYWHEEL_AGENT_COMMAND: agentCommand.join(' '),
        FLYWHEEL_ROBOT_TOKEN: await fleet.addRobot('r2'),
      },
    });
    assert.match(said, /frames_offered=5, frames_recorded=5, frames_refused=0, frames_dropped=0/);
  });
});

/** What the Python tests may ask: `order` writes an order of the desk, `check` judges what has landed by every rule. */
async function serveOrders(fleet: TestFleet, robotId: string): Promise<{ server: Server; url: string }> {
  const answer = async (url: string | undefined, body: string): Promise<unknown> => {
    if (url === '/check') return checkLanded(fleet, robotId);
    const { seq, ...more } = JSON.parse(body) as {
      seq: number;
      defaultVersion: string;
      urgency: 'whenIdle' | 'safeStop';
    };
    await fleet.assign(seq, { ...more, championVersion: more.defaultVersion });
    return null;
  };
  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const piece of request) body += String(piece);
      try {
        response.end(JSON.stringify(await answer(request.url, body)));
      } catch (error) {
        response.writeHead(500).end(String(error));
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function checkLanded(fleet: TestFleet, robotId: string) {
  const world = await CollectionWorld.open();
  const session = await world.ports.engine.open();
  try {
    const found = [];
    for await (const { key } of fleet.store.list(`landing/${robotId}/`)) {
      if (!key.endsWith('.parquet')) continue;
      const ports = { ...world.ports, clock: Date.now, judge: segmentJudge(world.ports.engine), session };
      const filePath = path.join(fleet.directory, 'store', key);
      const { episodes, violations } = await checkFile(ports, { filePath, type: scitosG5Type });
      found.push({ episodes: episodes.accepted, violations });
    }
    return found;
  } finally {
    await session.close();
    await world.close();
  }
}
