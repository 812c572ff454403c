import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { reservedSegment } from '../../../store/object-key.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { describeObjectStore } from './object-store-conformance.ts';

const text = (words: string) => new TextEncoder().encode(words);
const childScript = (name: string) => join(import.meta.dirname, '..', '..', 'support', 'children', name);
const isInvalid = (error: unknown) => isFailure(error, 'InvalidInput') && /\[.*key=/.test(error.message);

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

describeObjectStore('file', async () => {
  const root = await mkdtemp(join(tmpdir(), 'flywheel-file-store-'));
  return { store: fileObjectStore({ root }), close: () => rm(root, { recursive: true, force: true }) };
});

describe('file object store', () => {
  let folder: string;
  let root: string;
  let store: ObjectStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-file-store-'));
    root = join(folder, 'root');
    store = fileObjectStore({ root });
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const unfinished = () => readdir(join(root, reservedSegment));

  it('refuses to follow a symbolic link out of its root, or anywhere', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await store.put('inside/object', text('x'));
    await symlink(outside, join(root, 'linked'));
    await symlink(join(outside, 'secret'), join(root, 'inside', 'link'));
    await symlink(join(outside, 'nowhere'), join(root, 'dangling'));
    for (const key of ['linked/secret', 'linked/new', 'linked/deep/new', 'inside/link', 'dangling', 'dangling/new']) {
      await assert.rejects(store.put(key, text('x')), isInvalid, `put ${key}`);
      await assert.rejects(store.putIfAbsent(key, text('x')), isInvalid, `putIfAbsent ${key}`);
      await assert.rejects(store.get(key), isInvalid, `get ${key}`);
      await assert.rejects(store.localPath(key), isInvalid, `localPath ${key}`);
      await assert.rejects(store.delete(key), isInvalid, `delete ${key}`);
    }
    await assert.rejects(keysOf(store, 'linked/'), isInvalid);
    assert.deepEqual(await keysOf(store), ['inside/object']);
    assert.deepEqual(await readdir(outside), ['secret']);
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
    assert.deepEqual(await unfinished(), []);
  });

  it('makes folders and files that nobody else reads, whatever the umask says', async () => {
    const before = process.umask(0);
    try {
      const source = join(folder, 'source');
      await writeFile(source, 'linked', { mode: 0o600 });
      await store.put('a/b/bytes', text('x'));
      await store.putIfAbsent('a/c/once', text('x'));
      await store.putIfAbsent('a/d/linked', { filePath: source });
    } finally {
      process.umask(before);
    }
    const modeOf = async (path: string) => ((await stat(join(root, path))).mode & 0o777).toString(8);
    for (const path of ['.', reservedSegment, 'a', 'a/b', 'a/c', 'a/d']) assert.equal(await modeOf(path), '700', path);
    for (const path of ['a/b/bytes', 'a/c/once', 'a/d/linked']) assert.equal(await modeOf(path), '600', path);
  });

  it('may itself be reached by a symbolic link', async () => {
    await mkdir(root);
    await symlink(root, join(folder, 'alias'));
    const alias = fileObjectStore({ root: join(folder, 'alias') });
    await alias.put('a/b', text('x'));
    assert.deepEqual(await store.get('a/b'), text('x'));
  });

  it('refuses a key that would be an object and a folder', async () => {
    await store.put('a/b', text('x'));
    for (const key of ['a', 'a/b/c', 'a/b/c/d']) {
      await assert.rejects(store.put(key, text('y')), isInvalid, `put ${key}`);
      await assert.rejects(store.putIfAbsent(key, text('y')), isInvalid, `putIfAbsent ${key}`);
    }
    assert.deepEqual(await keysOf(store), ['a/b']);
    assert.deepEqual(await unfinished(), []);
  });

  it('links a file on the same device and copies one of another', async () => {
    const filePath = join(folder, 'body');
    await writeFile(filePath, 'linked');
    await store.put('linked', { filePath });
    assert.equal((await stat(join(root, 'linked'))).ino, (await stat(filePath)).ino);

    const own = (await stat(root)).dev;
    const candidates = ['/dev/shm', '/run', '/var/tmp', homedir(), process.cwd()];
    const devices = await Promise.all(candidates.map((path) => stat(path).catch(() => undefined)));
    const other = candidates.find((_, index) => devices[index] !== undefined && devices[index]?.dev !== own);
    if (other === undefined)
      return process.stdout.write('      (copying from another device not tried: there is none)\n');
    const away = await mkdtemp(join(other, 'flywheel-file-store-'));
    try {
      await writeFile(join(away, 'body'), 'copied');
      assert.equal(await store.putIfAbsent('copied', { filePath: join(away, 'body') }), 'created');
    } finally {
      await rm(away, { recursive: true, force: true });
    }
    assert.deepEqual(await store.get('copied'), text('copied'));
    return undefined;
  });

  it('stores the file that a link names, not the link', async () => {
    await writeFile(join(folder, 'body'), 'body');
    await symlink(join(folder, 'body'), join(folder, 'link'));
    await store.put('a', { filePath: join(folder, 'link') });
    await unlink(join(folder, 'body'));
    assert.deepEqual(await store.get('a'), text('body'));
  });

  it('tells by its clock when an object became visible, for linked files too', async () => {
    const clocked = fileObjectStore({ root, nowMs: () => 1_700_000_000_123 });
    await writeFile(join(folder, 'body'), 'x');
    await clocked.put('bytes', text('x'));
    await clocked.put('file', { filePath: join(folder, 'body') });
    for await (const { modifiedMs } of clocked.list('')) assert.equal(modifiedMs, 1_700_000_000_123);
  });

  it('leaves the old object whole and nothing new visible when a writer is killed', async function () {
    this.timeout(120_000);
    await store.put('big/replaced', text('old'));
    let killedInTheMiddle = 0;
    for (const key of ['big/new', 'big/replaced']) {
      const sizeBytes = 256 * 1024 ** 2;
      const child = spawn(process.execPath, [childScript('put-object.ts'), root, key, String(sizeBytes)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output = textOf(child.stdout);
      const exit = once(child, 'exit');
      const older = new Set(await unfinished());
      while (child.exitCode === null && !(await isBeingWritten(join(root, reservedSegment), older))) await sleep(1);
      child.kill('SIGKILL');
      await exit;
      if ((await output) === 'done\n') continue;
      killedInTheMiddle++;
      assert.deepEqual(await store.get(key), key === 'big/new' ? undefined : text('old'));
    }
    assert.ok(killedInTheMiddle > 0, 'no writer was killed while it wrote');
    assert.deepEqual(await keysOf(store, 'big/'), ['big/replaced']);

    assert.equal((await unfinished()).length, killedInTheMiddle);
    let laterMs = 0;
    const alive = fileObjectStore({ root, nowMs: () => Date.now() + laterMs });
    await alive.put('small', text('x'));
    assert.equal((await unfinished()).length, killedInTheMiddle);
    laterMs = 25 * 3_600_000;
    await alive.put('small', text('x'));
    assert.deepEqual(await unfinished(), [], 'a process that goes on removes what the killed left a day later');
  });

  it('has one winner a key among several processes', async function () {
    this.timeout(120_000);
    const keyCount = 60;
    const children = ['one', 'two', 'three', 'four'].map((name) =>
      spawn(process.execPath, [childScript('race-object.ts'), root, name, String(keyCount)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const outputs = children.map((child) => textOf(child.stdout));
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    for (const child of children) child.stdin.end();
    const won = (await Promise.all(outputs)).map((output) => output.trim().split('\n').at(-1) ?? '');
    const winners: string[] = won.flatMap((line) => JSON.parse(line) as string[]);
    assert.equal(winners.length, keyCount);
    assert.deepEqual(winners.toSorted(), (await keysOf(store)).toSorted());
    for (const key of winners) {
      const words = new Set(
        Buffer.from((await store.get(key)) ?? [])
          .toString()
          .trim()
          .split(' '),
      );
      assert.equal(words.size, 1, `${key} holds the bytes of one writer`);
    }
  });

  it('fails as retryable when the disk takes no more, and leaves nothing behind', async function () {
    this.timeout(60_000);
    await store.put('full', text('old'));
    const command = `ulimit -f 64; trap '' XFSZ; exec "$@"`;
    const node = [process.execPath, childScript('put-object.ts'), root, 'full', '1000000'];
    const { stdout } = await promisify(execFile)('bash', ['-c', command, 'bash', ...node]);
    assert.match(stdout, /^StoreUnavailable nonRetryable=false expected .* got .*EFBIG.* \[root=.*, key=full\]\n$/);
    assert.deepEqual(await store.get('full'), text('old'));
    assert.deepEqual(await unfinished(), []);
    await store.put('full', text('new'));
    assert.deepEqual(await store.get('full'), text('new'));
  });

  it('fails as retryable when its root cannot be made, and works once it can', async () => {
    await writeFile(root, 'a file where the root should be');
    await assert.rejects(
      store.get('a'),
      (error) => isFailure(error, 'StoreUnavailable') && error.cause instanceof Error,
    );
    await unlink(root);
    await store.put('a', text('x'));
    assert.deepEqual(await store.get('a'), text('x'));
  });

  it('keeps no empty folders, whatever else is written there at the same time', async () => {
    const rounds = Array.from({ length: 40 }, (_, index) => index);
    await Promise.all(
      rounds.map(async (index) => {
        await store.put(`busy/folder/${index}`, text('x'));
        await store.delete(`busy/folder/${index}`);
      }),
    );
    assert.deepEqual(await readdir(root), [reservedSegment]);
  });

  it('lists neither unfinished files nor what is no file', async () => {
    await store.put('a', text('x'));
    await writeFile(join(root, reservedSegment, 'half'), 'half');
    await promisify(execFile)('mkfifo', [join(root, 'pipe')]);
    assert.deepEqual(await keysOf(store), ['a']);
    await assert.rejects(store.get('pipe'), isInvalid);
  });
});

async function isBeingWritten(unfinishedFolder: string, older: ReadonlySet<string>): Promise<boolean> {
  const names = (await readdir(unfinishedFolder)).filter((name) => !older.has(name));
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(unfinishedFolder, name)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.some((size) => size > 0 && size < 256 * 1024 ** 2);
}
