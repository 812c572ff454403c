import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { writeContextFile, type ContextFile } from '../../cli/context-file.ts';
import { environmentWithContext, findSettings } from '../../cli/find-settings.ts';

const start = fileURLToPath(new URL('../../cli/start.mjs', import.meta.url));
const run = promisify(execFile);

describe('which installation a command speaks of', () => {
  let home: string;
  let deep: string;
  beforeEach(async () => {
    home = await realpath(await mkdtemp(path.join(tmpdir(), 'flywheel-context-')));
    deep = path.join(home, 'a', 'b');
    await mkdir(path.join(home, '.flywheel'));
    await mkdir(path.join(home, '.config', 'flywheel'), { recursive: true });
    await mkdir(deep, { recursive: true });
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const store = (name: string): string => path.join(home, name);
  const contextOf = (name: string): ContextFile => ({
    version: 1,
    writtenBy: 'a test',
    settings: {
      FLYWHEEL_STORE: store(name),
      FLYWHEEL_KEYS: store(`${name}-keys`),
      FLYWHEEL_TEMPORAL_ADDRESS: '127.0.0.1:1',
      FLYWHEEL_TRIAL_PROFILE: 'compressed',
    },
  });
  const nearFile = (): string => path.join(home, '.flywheel', 'context.json');
  const userFile = (): string => path.join(home, '.config', 'flywheel', 'context.json');
  const environment = (more: Readonly<Record<string, string>> = {}) => ({ HOME: home, ...more });

  it('is that of the nearest context file above the working folder, then of the user’s', () => {
    writeContextFile(userFile(), contextOf('user'));
    const far = findSettings(environment(), deep);
    assert.deepEqual([far.file, far.settings.keysDirectory], [userFile(), store('user-keys')]);
    writeContextFile(nearFile(), contextOf('near'));
    const near = findSettings(environment(), deep);
    assert.deepEqual([near.file, near.settings.store], [nearFile(), { kind: 'file', directory: store('near') }]);
    assert.equal(near.settings.trialProfile, 'compressed');
    assert.equal(near.origins.FLYWHEEL_STORE, 'context file');
    assert.equal(near.origins.FLYWHEEL_SCRATCH, 'default');
    const named = findSettings(environment({ FLYWHEEL_CONTEXT: userFile() }), deep);
    assert.equal(named.file, userFile());
    assert.throws(() => findSettings(environment({ FLYWHEEL_CONTEXT: store('no') }), deep), /got nothing at .*no/);
  });

  it('is what the environment says before what the file says, setting by setting', () => {
    writeContextFile(nearFile(), contextOf('near'));
    const { settings, origins } = findSettings(environment({ FLYWHEEL_TEMPORAL_ADDRESS: '10.0.0.1:2' }), deep);
    assert.equal(settings.temporal.address, '10.0.0.1:2');
    assert.equal(origins.FLYWHEEL_TEMPORAL_ADDRESS, 'environment');
    assert.deepEqual(settings.store, { kind: 'file', directory: store('near') });
  });

  it('is not mixed from two: an environment that names another store leaves the file aside, keys and server too', () => {
    writeContextFile(nearFile(), contextOf('near'));
    const other = findSettings(environment({ FLYWHEEL_STORE: store('other') }), deep);
    assert.equal(other.settings.temporal.address, '127.0.0.1:7233');
    assert.notEqual(other.settings.keysDirectory, store('near-keys'));
    assert.match(other.leftAside ?? '', /belongs to the store .*near, the environment names .*other/);
    assert.equal(
      environmentWithContext(environment({ FLYWHEEL_STORE: store('other') }), deep)['FLYWHEEL_KEYS'],
      undefined,
    );
    const same = findSettings(environment({ FLYWHEEL_STORE: `file:${store('near')}/` }), deep);
    assert.equal(same.settings.keysDirectory, store('near-keys'));
  });

  for (const [what, text, expected] of [
    ['no JSON', '{', /expected JSON/],
    ['an unknown setting', '{"version":1,"writtenBy":"x","settings":{"FLYWHEEL_TRAINER_PROGRAMS":"sh"}}', /settings/],
    ['a later version', '{"version":2,"writtenBy":"x","settings":{}}', /version/],
  ] as const)
    it(`refuses a context file with ${what}`, async () => {
      await writeFile(nearFile(), text, { mode: 0o600 });
      assert.throws(() => findSettings(environment(), deep), expected);
    });

  it('refuses a context file that others can write', async () => {
    writeContextFile(nearFile(), contextOf('near'));
    await chmod(nearFile(), 0o666);
    assert.throws(() => findSettings(environment(), deep), /nobody else can write/);
  });

  async function flywheel(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const { PATH = '' } = process.env;
    const options = { cwd: deep, env: { PATH, ...environment(more) }, timeout: 50_000 };
    return run(process.execPath, [start, ...args], options).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: unknown; stdout: string; stderr: string }) => error,
    );
  }

  it('is shown with the origin of every setting', async () => {
    writeContextFile(nearFile(), contextOf('near'));
    const { stdout } = await flywheel(['context', '--json'], { FLYWHEEL_SCRATCH: '/elsewhere' });
    const shown = JSON.parse(stdout) as { file: string; settings: { name: string; value: string; origin: string }[] };
    assert.equal(shown.file, nearFile());
    const [theStore, scratch] = ['FLYWHEEL_STORE', 'FLYWHEEL_SCRATCH'].map((wanted) =>
      shown.settings.find(({ name }) => name === wanted),
    );
    assert.deepEqual(theStore, { name: 'FLYWHEEL_STORE', value: store('near'), origin: 'context file' });
    assert.deepEqual(scratch, { name: 'FLYWHEEL_SCRATCH', value: '/elsewhere', origin: 'environment' });
  });

  it('does not matter to a word that is no command: it is refused without loading any', async () => {
    const { code, stderr } = await flywheel(['modls', 'list']);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /unknown command 'modls'\n\(Did you mean models\?\)/);
  });

  it('that is none is said, and nothing is made by asking', async () => {
    for (const more of [{}, { FLYWHEEL_STORE: '/proc/nope' }, { FLYWHEEL_STORE: store('typo') }] as const) {
      const { code, stderr } = await flywheel(['robots', 'list'], more);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /expected a store in .*, there is none/);
    }
    // Node.js keeps compiled code in the cache, wherever a command is given.
    const made = (await readdir(home)).filter((name) => name !== '.cache');
    assert.deepEqual(made.toSorted(), ['.config', '.flywheel', 'a']);
    assert.deepEqual(await readdir(deep), []);
  });
});
