import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { httpsFetch } from '../../../fleet/agent/adapters/https-fetch.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { openTestFleet, type TestFleet } from '../../support/gateway.ts';
import { frameAt, openRobot, recordEpisode, temporaryDirectory, until } from './robot.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pem = (name: string): string => path.join(root, 'test/fixtures/tls', name);

describe('a robot’s agent and a real gateway', function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    fleet = await openTestFleet();
    folder = await temporaryDirectory();
    await fleet.register(tinyPolicy(scitosG5Type, 1));
  });
  afterEach(async () => {
    await fleet.close();
    await folder.remove();
  });

  const landed = async (robotId: string): Promise<number> => {
    let count = 0;
    for await (const { key } of fleet.store.list(`landing/${robotId}/`)) if (key.endsWith('.parquet')) count += 1;
    return count;
  };

  it('talk over mutual TLS', async () => {
    const gateway = await fleet.startGateway({
      FLYWHEEL_GATEWAY_TLS_CERT: pem('server.pem'),
      FLYWHEEL_GATEWAY_TLS_KEY: pem('server-key.pem'),
      FLYWHEEL_GATEWAY_TLS_CLIENT_CA: pem('authority.pem'),
    });
    const read = (name: string): string => readFileSync(pem(name), 'utf8');
    const agent = await openRobot({
      robotId: 'r1',
      token: await fleet.addRobot('r1'),
      gatewayUrl: gateway.url,
      directory: folder.directory,
      publicKeyPem: fleet.publicKeyPem,
      fetch: httpsFetch({ ca: read('authority.pem'), cert: read('robot.pem'), key: read('robot-key.pem') }),
    });
    try {
      await until('installed', () => agent.policy()?.version === '1.0.0', 20_000);
      await recordEpisode(agent);
      await agent.settle();
      await until('landed', async () => (await landed('r1')) === 1, 20_000);
    } finally {
      await agent.close();
    }
  });

  it('work for a program that speaks lines of JSON to the command', async () => {
    const gateway = await fleet.startGateway();
    const token = await fleet.addRobot('r1');
    const key = path.join(folder.directory, 'fleet.pem');
    await writeFile(key, fleet.publicKeyPem);
    const where = ['--robot', 'r1', '--gateway', gateway.url, '--dir', path.join(folder.directory, 'robot')];
    const child = spawn(process.execPath, ['cli/main.ts', 'agent', ...where, '--public-key', key], {
      cwd: root,
      env: { ...process.env, FLYWHEEL_ROBOT_TOKEN: token },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    let complained = '';
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString('utf8')));
    const closed = once(child, 'close');
    const say = (line: object): void => void child.stdin.write(`${JSON.stringify(line)}\n`);
    const answers = () =>
      said
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map(
          (line) =>
            JSON.parse(line) as {
              id?: number;
              result?: { version?: string; installedVersion?: string };
              error?: string;
            },
        );
    try {
      await until('ready', () => said.includes('"ready"') || child.exitCode !== null, 30_000).catch(() => undefined);
      assert.ok(said.includes('"ready"'), complained);
      let asked = 0;
      await until(
        'installed',
        () => {
          say({ do: 'status', id: (asked += 1) });
          return answers().some(({ result }) => result?.installedVersion === '1.0.0');
        },
        20_000,
      );
      say({ do: 'decide', id: 9_001, observation: frameAt(0).observation });
      const startUs = Date.now() * 1000;
      for (let index = 0; index < 12; index++)
        say({ do: 'record', ...frameAt(index), atUs: startUs + index * 111_111 });
      say({ do: 'record', id: 9_002, observation: [1], action: [0] });
      say({ do: 'endEpisode', id: 9_003, outcome: 'success' });
      await until('ended', () => answers().some(({ id }) => id === 9_003));
      assert.equal(answers().find(({ id }) => id === 9_001)?.result?.version, '1.0.0');
      assert.match(answers().find(({ id }) => id === 9_002)?.error ?? '', /expected observation of 24 numbers, got 1/);
      child.kill('SIGTERM');
      assert.deepEqual((await closed)[0], 0);
    } finally {
      child.kill('SIGKILL');
    }
    const next = await openRobot({
      robotId: 'r1',
      token,
      gatewayUrl: gateway.url,
      directory: path.join(folder.directory, 'robot'),
      publicKeyPem: fleet.publicKeyPem,
    });
    assert.equal(next.policy()?.version, '1.0.0');
    await until('landed', async () => (await landed('r1')) === 1, 20_000);
    await next.close();
  });
});
