import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { buildAgentPackage } from '../../tools/agent-package/build.ts';
import { temporaryDirectory } from '../fleet/agent/robot.ts';

const run = promisify(execFile);
const mostBytes = 250e6;

async function sizeOf(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const facts = await stat(path.join(folder, name));
    if (facts.isFile()) sizeBytes += facts.size;
  }
  return sizeBytes;
}

/** Needs the registry of npm. */
describe('the package of the robot’s agent, installed by npm from its tarball', function () {
  for (const cpu of ['x64', 'arm64'])
    it(`has at most 250 MB for ${cpu}, and runs no script`, async () => {
      const folder = await temporaryDirectory();
      try {
        const at = (name: string): string => path.join(folder.directory, name);
        await buildAgentPackage(at('package'));
        const { stdout } = await run('npm', ['pack', at('package'), '--pack-destination', folder.directory, '--json']);
        const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
        await mkdir(at('robot'));
        await writeFile(at('robot/package.json'), '{"private":true}');
        const platform = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc', '--ignore-scripts', '--no-audit', '--no-fund'];
        await run('npm', ['install', at(filename), ...platform], { cwd: at('robot') });
        const sizeBytes = await sizeOf(at('robot/node_modules'));
        process.stdout.write(`      ${cpu}: ${(sizeBytes / 1e6).toFixed(0)} MB\n`);
        assert.ok(sizeBytes <= mostBytes, `${sizeBytes} bytes`);
        const images = await readdir(at('robot/node_modules/@img'));
        assert.ok(images.includes(`sharp-linux-${cpu}`), images.join(', '));
        if (cpu !== process.arch) return;
        const program = at('robot/node_modules/.bin/flywheel-agent');
        const bench = await run(program, ['bench', '--runs', '20', '--json'], { cwd: at('robot') });
        const { legs } = JSON.parse(bench.stdout) as { legs: readonly { decision: { p50Ms: number } }[] };
        assert.ok(legs[0]!.decision.p50Ms > 0);
      } finally {
        await folder.remove();
      }
    });
});
