import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { defaultKeysDirectory, readSettings } from '../../workers/config.ts';

const start = fileURLToPath(new URL('../../cli/start.mjs', import.meta.url));

describe('flywheel keys', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'flywheel-keys-cli-'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const flywheel = (...words: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: process.env['PATH'], HOME: home, FLYWHEEL_STORE: path.join(home, 'store') };
      const child = execFile(process.execPath, [start, ...words], { env, cwd: home }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });

  it('makes keys in the user’s data folder only when it is told to, shows, rotates and revokes them', async function () {
    this.timeout(300_000);
    const directory = readSettings({ HOME: home, FLYWHEEL_STORE: path.join(home, 'store') }).keysDirectory;
    assert.ok(directory.startsWith(path.join(home, '.local', 'share', 'flywheel')), directory);
    const init = await flywheel('keys', 'init');
    assert.equal(init.code, 0, init.stderr);
    assert.match(init.stdout, /root 1: 1 of 1 root keys/);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const again = await flywheel('keys', 'init');
    assert.notEqual(again.code, 0);
    assert.match(again.stderr, /keys show/);
    const root = JSON.parse((await flywheel('keys', 'show', '--root')).stdout) as {
      signed: { version: number; releaseKeys: { keyId: string }[] };
    };
    assert.equal(root.signed.version, 1);
    assert.equal((await flywheel('keys', 'rotate', 'order')).code, 0);
    const revoked = await flywheel('keys', 'revoke', root.signed.releaseKeys[0]!.keyId, '--reason', 'a test');
    assert.match(revoked.stdout, /root 3[^]*revoked[^]*keys resign/);
    const published = await readdir(path.join(home, 'store', 'trust', 'roots'));
    assert.equal(published.filter((name) => name.endsWith('.json')).length, 3);
    assert.notEqual((await flywheel('keys', 'rotate', 'everything')).code, 0);
  });

  it('of different stores lie in different folders, and not where programs work', () => {
    const at = (directory: string) => defaultKeysDirectory({ kind: 'file', directory }, { HOME: '/home/ada' });
    assert.notEqual(at('/srv/one/store'), at('/srv/two/store'));
    assert.ok(at('/srv/one/store').startsWith('/home/ada/.local/share/flywheel/'));
    const data = { HOME: '/home/ada', XDG_DATA_HOME: '/var/data' };
    assert.ok(
      defaultKeysDirectory({ kind: 'file', directory: '/srv/one/store' }, data).startsWith('/var/data/flywheel/'),
    );
  });
});
