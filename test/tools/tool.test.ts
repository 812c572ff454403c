import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cacheName, makeOnce, toolCacheFolder } from '../../tools/tool-cache.ts';

const toolScript = join(import.meta.dirname, '..', '..', 'tools', 'tool.ts');
const versitygwFolder = join(import.meta.dirname, '..', '..', 'tools', 'versitygw');
const versitygwName = () =>
  cacheName('versitygw', '1.8.0', [join(versitygwFolder, 'go.mod'), join(versitygwFolder, 'go.sum')]);

const writeProgram = async (path: string, script: string) => {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
};

const failHalfway = async (temporary: string) => {
  await writeFile(temporary, 'half');
  throw new Error('no luck');
};

describe('tools', function () {
  this.timeout(60_000);
  let folder: string;
  let cache: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-tools-'));
    cache = await toolCacheFolder({ XDG_CACHE_HOME: folder });
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A folder of programs that stands for the whole PATH. */
  const pathOf = async (programs: Readonly<Record<string, string>>) => {
    const bin = await mkdtemp(join(folder, 'bin-'));
    await symlink('/bin/sh', join(bin, 'sh'));
    for (const [name, script] of Object.entries(programs)) await writeProgram(join(bin, name), script);
    return bin;
  };
  const runTool = (name: string, path: string) =>
    spawnSync(process.execPath, ['--import', 'tsx', toolScript, name], {
      encoding: 'utf8',
      env: { PATH: path, XDG_CACHE_HOME: folder, HOME: folder },
    });

  it('prints the path of a tool in the cache, and nothing else, on standard output', async () => {
    const cached = await writeProgram(join(cache, await versitygwName()), 'exit 1');
    const result = runTool('versitygw', await pathOf({}));
    assert.equal(result.stdout, `${cached}\n`);
    assert.equal(result.status, 0);
  });

  it('prefers a program of the pinned version on PATH, and says which it does not use', async () => {
    const wanted = await pathOf({ versitygw: 'echo "Version  : 1.8.0"' });
    const other = await pathOf({ versitygw: 'echo "Version  : 1.8.0.1"' });
    const result = runTool('versitygw', `${other}:${wanted}`);
    assert.equal(result.stdout, `${join(wanted, 'versitygw')}\n`);
    assert.match(result.stderr, /bin-.*versitygw is not versitygw 1\.8\.0: not used/);
  });

  it('builds with Go what is nowhere, says why it takes long, and keeps it for the next time', async () => {
    const go = `while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho 1.8.0\\n' > "$2"`;
    const result = runTool('versitygw', await pathOf({ go }));
    assert.equal(result.stdout, `${join(cache, await versitygwName())}\n`, result.stderr);
    assert.match(result.stderr, /once per machine, about 3 minutes .* because /);
    assert.deepEqual(await readdir(cache), [await versitygwName()]);
    assert.equal(runTool('versitygw', await pathOf({})).status, 0);
  });

  it('says what to do when Go is missing, fails, or builds something else', async () => {
    const cases: readonly [Record<string, string>, RegExp][] = [
      [{}, /"go" is not on PATH.*install Go 1\.26\.8 or newer/],
      [{ go: 'echo no space left; exit 3' }, /exited with 3 and said:\nno space left[^]*install Go/],
      [{ go: `while [ "$1" != -o ]; do shift; done; echo nonsense > "$2"` }, /names another version/],
    ];
    for (const [programs, message] of cases) {
      const result = runTool('versitygw', await pathOf(programs));
      assert.equal(result.status, 1);
      assert.equal(result.stdout, '');
      assert.match(result.stderr, message);
      assert.deepEqual(await readdir(cache), [], 'nothing half made is left');
    }
  });

  it('says what to do when Python is missing or too old', async () => {
    assert.match(runTool('python', await pathOf({})).stderr, /python3 is not on PATH: install Python 3\.11/);
    const old = await pathOf({ python3: 'echo 3.9.2; exit 1' });
    assert.match(runTool('python', old).stderr, /python3 is 3\.9\.2: install Python 3\.11/);
  });

  it('refuses a name it does not know', async () => {
    const result = runTool('nonsense', await pathOf({}));
    assert.equal(result.status, 2);
    assert.match(result.stderr, /expected one of temporal, versitygw, python, got nonsense/);
  });

  it('makes a tool once when several ask at the same time', async () => {
    let made = 0;
    const reports: string[] = [];
    const final = join(cache, 'tool');
    const make = async (temporary: string) => {
      made++;
      await writeFile(temporary, 'whole');
    };
    const ask = () => makeOnce(final, (line) => reports.push(line), make);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [final, final, final]);
    assert.equal(made, 1);
    assert.ok(reports.every((line) => line.includes('another process is making')));
    assert.deepEqual(await readdir(cache), ['tool']);
  });

  it('goes on where a killed process left its lock and its half', async () => {
    const final = join(cache, 'tool');
    const dead = spawn('true');
    await once(dead, 'exit');
    await writeFile(`${final}.lock`, String(dead.pid));
    await mkdir(`${final}.${dead.pid}.tmp`);
    await makeOnce(
      final,
      () => {},
      (temporary) => writeFile(temporary, 'whole'),
    );
    assert.equal(await readFile(final, 'utf8'), 'whole');
    assert.deepEqual(await readdir(cache), ['tool']);
  });

  it('lets the next one try when making failed', async () => {
    const final = join(cache, 'tool');
    await assert.rejects(
      makeOnce(final, () => {}, failHalfway),
      /no luck/,
    );
    assert.deepEqual(await readdir(cache), []);
    await makeOnce(
      final,
      () => {},
      (temporary) => writeFile(temporary, 'whole'),
    );
    assert.equal(await readFile(final, 'utf8'), 'whole');
  });
});
