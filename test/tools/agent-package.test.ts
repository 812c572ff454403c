import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { buildAgentPackage } from '../../tools/agent-package/build.ts';
import { temporaryDirectory, until } from '../fleet/agent/robot.ts';
import { openTestFleet } from '../support/gateway.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface About {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; inBundle?: true }>
  >;
}

describe('the package of the robot’s agent', function () {
  this.timeout(180_000);
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let home: string;
  before(async () => {
    folder = await temporaryDirectory();
    home = path.join(folder.directory, 'node_modules', 'flywheel-agent');
    await buildAgentPackage(home);
  });
  after(() => folder.remove());

  const read = async (name: string): Promise<About> =>
    JSON.parse(await readFile(path.join(home, name), 'utf8')) as About;

  it('has only what a robot needs, as JavaScript, every package at the version and digest of this project', async () => {
    const files = (await readdir(home, { recursive: true })).filter((name) => /\.\w+$/.test(name));
    assert.deepEqual(
      files.filter((name) => /\.ts$|\.dll$|\.dylib$/.test(name)),
      [],
    );
    const rooms = new Set(files.flatMap((name) => /^lib\/(\w+\/\w+)/.exec(name)?.[1] ?? []));
    const server = ['fleet/gateway', 'fleet/desk', 'activities', 'workflows', 'store', 'console'];
    assert.deepEqual(
      [...rooms].filter((room) => server.some((each) => room.startsWith(each))),
      [],
    );
    const binaries = files.filter((name) => /\.node$|\.so/.test(name)).map((name) => path.dirname(name));
    const bundle = 'node_modules/onnxruntime-node/bin/napi-v6/linux';
    assert.deepEqual([...new Set(binaries)].toSorted(), [`${bundle}/arm64`, `${bundle}/x64`]);
    const { dependencies } = await read('package.json');
    for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.ok(!Object.keys(dependencies).some((name) => /temporal|aws|duckdb|fastify/.test(name)));
    const { packages } = await read('npm-shrinkwrap.json');
    for (const [place, { version, integrity, inBundle }] of Object.entries(packages))
      if (place !== '') assert.ok(version !== undefined && (integrity !== undefined || inBundle === true), place);
    const images = Object.keys(packages).filter((place) => /sharp-linux-(x64|arm64)$/.test(place));
    assert.equal(images.length, 2, 'the decoder of images for both');
    for (const script of ['onnxruntime-node', 'onnxruntime-common'])
      assert.equal(
        'scripts' in (await read(`node_modules/${script}/package.json`)),
        false,
        'nothing runs at the install',
      );
  });

  it('runs with nothing but what it declares: it installs a signed model from a gateway and decides', async () => {
    const { packages } = await read('npm-shrinkwrap.json');
    for (const [place, { inBundle }] of Object.entries(packages)) {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place)?.[1];
      if (name === undefined || inBundle === true) continue;
      const link = path.join(folder.directory, place);
      await mkdir(path.dirname(link), { recursive: true });
      await symlink(path.join(root, place), link);
    }
    const fleet = await openTestFleet();
    try {
      await fleet.register(tinyPolicy(scitosG5Type, 1));
      const gateway = await fleet.startGateway();
      const rootFile = path.join(folder.directory, 'root.json');
      await writeFile(rootFile, fleet.rootDocument);
      const where = ['--robot', 'r1', '--gateway', gateway.url, '--root', rootFile];
      const program = path.join(home, 'bin/flywheel-agent.js');
      const child = spawn(process.execPath, [program, ...where, '--dir', path.join(folder.directory, 'robot')], {
        cwd: folder.directory,
        env: { PATH: process.env['PATH'], FLYWHEEL_ROBOT_TOKEN: await fleet.addRobot('r1') },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let [said, complained] = ['', ''];
      child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
      child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString('utf8')));
      const closed = once(child, 'close');
      const say = (line: object): void => void child.stdin.write(`${JSON.stringify(line)}\n`);
      await until('ready', () => said.includes('"ready"') || child.exitCode !== null);
      assert.equal(child.exitCode, null, complained);
      await until('it decides', () => {
        say({ do: 'decide', id: 1, observation: scitosG5Type.observations.map(() => 1) });
        return said.includes('"version":"1.0.0"');
      });
      say({ do: 'status', id: 2 });
      await until('it has a gateway', () => /"id":2,.*"isConnected":true/.test(said));
      child.stdin.end();
      assert.deepEqual((await closed)[0], 0, complained);
    } finally {
      await fleet.close();
    }
  });
});
