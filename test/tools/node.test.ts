import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const oldNode = 'if [ "$1" = --version ]; then echo v20.20.2; else exit 1; fi';
const newNode = 'if [ "$1" = --version ]; then echo v22.18.0; fi';
const machine = process.arch === 'arm64' ? 'arm64' : 'x64';
/** An npm whose `ci` puts a node of the lock file into the folder it is called in. */
const npmThatBrings = (node: string) =>
  `d=node_modules/node-linux-${machine}/bin; mkdir -p $d; printf '#!/bin/sh\\n${node.replaceAll('"', '\\"')}\\n' > $d/node; chmod +x $d/node`;

describe('tools/node.sh', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-node-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const use = async (programs: Readonly<Record<string, string>>, system = 'Linux') => {
    const bin = join(folder, 'bin');
    await mkdir(bin, { recursive: true });
    for (const [name, script] of Object.entries({
      ...programs,
      uname: `case "$1" in -s) echo ${system};; *) echo ${machine === 'x64' ? 'x86_64' : 'aarch64'};; esac`,
    })) {
      await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, name), 0o755);
    }
    const cache = join(folder, 'cache');
    const result = spawnSync(
      '/bin/bash',
      ['-c', 'set -euo pipefail; source tools/node.sh; use_fitting_node; command -v node'],
      {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, XDG_CACHE_HOME: cache },
      },
    );
    return { ...result, bin, made: await readdir(join(cache, 'flywheel', 'tools')).catch(() => []) };
  };

  it('takes the node of the machine when it is new enough, and brings nothing', async () => {
    const result = await use({ node: newNode, npm: 'exit 9' });
    assert.equal(result.stdout.trim(), join(result.bin, 'node'), result.stderr);
    assert.deepEqual(result.made, []);
  });

  it('brings one by npm where there is only an older one, once', async () => {
    const first = await use({ node: oldNode, npm: npmThatBrings(newNode) });
    assert.match(first.stdout, new RegExp(`/tools/node-24\\.[0-9.]+-linux-${machine}/bin/node\n$`), first.stderr);
    assert.match(first.stderr, /Node\.js here is v20\.20\.2, expected 22\.18 or newer: bringing 24\./);
    assert.equal(first.made.length, 1);
    const second = await use({ node: oldNode, npm: 'exit 9' });
    assert.equal(second.stdout, first.stdout, second.stderr);
    assert.equal(second.stderr, '');
  });

  it('says what to do where npm fails, brings something else, or cannot help', async () => {
    for (const npm of ['exit 9', npmThatBrings(oldNode)]) {
      const result = await use({ node: oldNode, npm });
      assert.equal(result.status, 1);
      assert.match(result.stderr, /cannot be had by npm: .* install Node\.js 24/);
      assert.deepEqual(result.made, [], 'nothing half made is left');
    }
    const mac = await use({ node: oldNode, npm: npmThatBrings(newNode) }, 'Darwin');
    assert.equal(mac.status, 1);
    assert.match(mac.stderr, /expected Node\.js 22\.18 or newer, got v20\.20\.2: install Node\.js 24/);
  });
});
