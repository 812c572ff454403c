import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { waitUntil } from '../../demo/processes.ts';
import { writeCsv, writeLeRobot, writeMcap } from '../support/own-recordings.ts';
import { commandsOf, root } from '../support/tutorial.ts';

const run = promisify(execFile);
/** Enough for a fifth of them to be held out. */
const episodes = 110;
const start = './temporal-dev.sh --no-robots';
/** The commands of a reader run in the project; here in a folder of their own, so that npm starts the program of the project. */
const prelude = `npm() { shift 3; node '${path.join(root, 'cli/start.mjs')}' "$@"; }; export -f npm; export EDITOR=true; set -e;`;

/** Every command of docs/tutorials/own-data.md, as it stands there, from three recordings to three judged models. */
describe('the tutorial of own data', () => {
  let folder = '';
  let installation: ChildProcess | undefined;
  let output = '';

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'flywheel-own-data-'));
    await mkdir(path.join(folder, 'recordings'));
    const session = await duckDbEngine({ temporaryDirectory: folder, threads: 1 }).open();
    await writeCsv(path.join(folder, 'recordings/runs.csv'), episodes);
    await writeMcap(path.join(folder, 'recordings/bag.mcap'), episodes);
    await writeLeRobot(path.join(folder, 'recordings/lerobot'), episodes, session);
    await session.close();
  });
  after(async () => {
    if (installation?.exitCode === null) {
      installation.kill('SIGTERM');
      await once(installation, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });

  const environment = () => ({ ...process.env, XDG_CONFIG_HOME: folder });

  async function startInstallation(): Promise<void> {
    const args = ['--no-robots', '--state', path.join(folder, '.flywheel'), '--port', '17433', '--ui-port', '18433'];
    const child = spawn(path.join(root, 'temporal-dev.sh'), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
    });
    installation = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
    await waitUntil(
      async () => child.exitCode !== null || output.includes('Running, without robots'),
      () => `an installation, in:\n${output}`,
      300_000,
    );
    assert.equal(child.exitCode, null, output);
  }

  it('leads from a CSV, a LeRobot folder and an MCAP bag to models that passed the gates', async () => {
    const outs = new Map<string, string>();
    for (const command of commandsOf('own-data.md')) {
      if (command === start) {
        await startInstallation();
        continue;
      }
      const { stdout, stderr } = await run('bash', ['-c', `${prelude} ${command}`], {
        cwd: folder,
        env: environment(),
      }).catch((error: { stdout: string; stderr: string }) =>
        assert.fail(`${command}:\n${error.stdout}${error.stderr}`),
      );
      outs.set(command, stdout + stderr);
    }
    const saying = (part: string) => [...outs].filter(([command]) => command.includes(part)).map(([, out]) => out);
    assert.equal(saying('cycle start').length, 3);
    for (const out of saying('cycle start')) assert.match(out, /promoted: /);
    assert.match(saying('models list')[0] ?? '', /1\.1\.0 .*champion/);
    assert.match(saying('data quality')[0] ?? '', /new episodes of slide@1 were measured/);
    const restarted = installation;
    restarted?.kill('SIGINT');
    assert.deepEqual(restarted === undefined ? [] : await once(restarted, 'exit'), [0, null], output);
  });
});
