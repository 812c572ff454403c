import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { s3ObjectStore } from '../../../store/adapters/s3-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { startFaultyProxy, type Fate, type FaultyProxy } from '../../support/faulty-proxy.ts';
import { freePort, startS3Server, type S3Server } from '../../support/s3-server.ts';
import { describeObjectStore } from './object-store-conformance.ts';

const text = (words: string) => new TextEncoder().encode(words);
const internalError: Fate = { status: 500, code: 'InternalError' };

const isUnavailable = (key: string) => (error: unknown) =>
  isFailure(error, 'StoreUnavailable') &&
  error.nonRetryable === false &&
  error.cause instanceof Error &&
  error.message.endsWith(`[bucket=faults, key=${key}]`);

const isMissingBucket = (error: unknown) => isFailure(error, 'StoreUnavailable') && /NoSuchBucket/.test(error.message);

describe('S3 object store, against a real server', () => {
  let server: S3Server;
  let folder: string;
  const opened: { close(): void }[] = [];
  const proxies: FaultyProxy[] = [];

  before(async function () {
    server = await startS3Server(this);
    folder = await mkdtemp(join(tmpdir(), 'flywheel-s3-test-'));
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) store.close();
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });

  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const openStore = (overrides: Partial<Parameters<typeof s3ObjectStore>[0]> = {}) => {
    const cacheFolder = join(folder, 'cache');
    const store = s3ObjectStore({ ...server.connection, bucket: 'faults', cacheFolder, ...overrides });
    opened.push(store);
    return store;
  };
  const openBehind = async (fateOf: (line: string, index: number) => Fate, idleTimeoutMs = 60_000) => {
    await server.makeBucket('faults');
    const proxy = await startFaultyProxy(fateOf, server.port);
    proxies.push(proxy);
    return { proxy, store: openStore({ endpoint: proxy.endpoint, idleTimeoutMs }) };
  };
  describeObjectStore('S3', async () => {
    const bucket = await server.makeBucket('conformance');
    const store = s3ObjectStore({ ...server.connection, bucket, cacheFolder: join(folder, 'conformance-cache') });
    return { store, close: async () => store.close() };
  });

  it('tries a bounded number of times, then fails as retryable with bucket and key', async () => {
    const { proxy, store } = await openBehind(() => internalError);
    const filePath = join(folder, 'body');
    await writeFile(filePath, 'a file');
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.get('k/1'),
      () => store.put('k/1', text('x')),
      () => store.put('k/1', { filePath }),
      () => store.putIfAbsent('k/1', text('x')),
      () => store.delete('k/1'),
      () => store.localPath('k/1'),
      async () => {
        for await (const _ of store.list('k/1')) assert.fail('nothing to list');
      },
    ];
    for (const call of calls) {
      const before = proxy.requests.length;
      await assert.rejects(call(), isUnavailable('k/1'));
      assert.equal(proxy.requests.length - before, 3, String(call));
    }
  });

  it('gets over a 500 and a 503 in between, bodies from files included', async () => {
    const busy: Fate = { status: 503, code: 'SlowDown' };
    const { store } = await openBehind((_, index) => [internalError, busy, 'pass' as const][index % 3] ?? 'pass');
    const filePath = join(folder, 'again');
    await writeFile(filePath, 'whole '.repeat(100_000));
    await store.put('again/file', { filePath });
    await store.put('again/bytes', text('bytes'));
    assert.equal(Buffer.from((await store.get('again/file')) ?? []).toString(), 'whole '.repeat(100_000));
    assert.deepEqual(await store.get('again/bytes'), text('bytes'));
  });

  it('asks again after a 409 of two conditional writes at once', async () => {
    const conflict: Fate = { status: 409, code: 'ConditionalRequestConflict' };
    const { proxy, store } = await openBehind((_, index) => (index === 0 ? conflict : 'pass'));
    assert.equal(await store.putIfAbsent('conflict', text('x')), 'created');
    assert.equal(proxy.requests.length, 2);
  });

  it('knows its own object when the answer to the first try was lost', async () => {
    const { store } = await openBehind((_, index) => (index === 0 ? 'loseAnswer' : 'pass'));
    assert.equal(await store.putIfAbsent('lost/mine', text('mine')), 'created');
    assert.equal(await store.putIfAbsent('lost/mine', text('mine')), 'exists');
  });

  it("does not take another's object for its own when answers are lost", async () => {
    await server.makeBucket('faults');
    await openStore().put('lost/theirs', text('theirs'));
    const { store } = await openBehind((_, index) => (index === 0 ? 'loseAnswer' : 'pass'));
    assert.equal(await store.putIfAbsent('lost/theirs', text('mine')), 'exists');
    assert.deepEqual(await store.get('lost/theirs'), text('theirs'));
  });

  it('knows that a key is taken though the server hangs up on the body instead of saying so', async () => {
    await server.makeBucket('faults');
    await openStore().put('taken', text('theirs'));
    const filePath = join(folder, 'late');
    await writeFile(filePath, 'mine '.repeat(100_000));
    const { store } = await openBehind((line) => (line.startsWith('PUT') ? 'hangUp' : 'pass'));
    assert.equal(await store.putIfAbsent('taken', { filePath }), 'exists');
    assert.deepEqual(await store.get('taken'), text('theirs'));
    await assert.rejects(store.putIfAbsent('free', { filePath }), isUnavailable('free'));
  });

  it('gives up a server that accepts and then says nothing', async () => {
    const { proxy, store } = await openBehind(() => 'stall', 100);
    await assert.rejects(store.get('silent'), isUnavailable('silent'));
    assert.equal(proxy.requests.length, 3);
  });

  it('fails as retryable when nobody listens, and when the bucket is missing', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(openStore({ endpoint }).get('nobody'), isUnavailable('nobody'));
    await assert.rejects(openStore({ bucket: 'not-there' }).get('a'), isMissingBucket);
    await assert.rejects(openStore({ bucket: 'not-there' }).put('a', text('x')), isMissingBucket);
  });

  it('fails when a later page of a listing fails, after giving the first', async function () {
    this.timeout(60_000);
    await server.makeBucket('faults');
    const keys = Array.from({ length: 1_001 }, (_, index) => `pages/${10_000 + index}`);
    await server.makeEmpty('faults', keys);
    const { store } = await openBehind((line) => (line.includes('continuation-token') ? internalError : 'pass'));
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const { key } of store.list('pages/')) seen.push(key);
    }, isUnavailable('pages/'));
    assert.deepEqual(seen, keys.slice(0, 1_000));
  });

  it('downloads an object once per ETag and keeps the copies within their limit', async () => {
    await server.makeBucket('faults');
    let nowMs = 1_000_000;
    const cacheFolder = join(folder, 'bounded');
    const proxy = await startFaultyProxy(() => 'pass', server.port);
    proxies.push(proxy);
    const store = openStore({
      endpoint: proxy.endpoint,
      cacheFolder,
      cacheLimitBytes: 250,
      nowMs: () => (nowMs += 1_000),
    });
    const downloads = () => proxy.requests.filter((line) => line.startsWith('GET')).length;
    for (const name of ['a', 'b', 'c']) await store.put(`cache/${name}`, new Uint8Array(100).fill(name.charCodeAt(0)));

    const first = await store.localPath('cache/a');
    await store.localPath('cache/b');
    assert.equal(await store.localPath('cache/a'), first);
    assert.equal(downloads(), 2);

    await store.localPath('cache/c');
    assert.equal((await readdir(cacheFolder)).length, 2);
    assert.equal((await readFile(first!))[0], 'a'.charCodeAt(0), 'the least recently asked for goes first, not this');
    await store.localPath('cache/b');
    assert.equal(downloads(), 4);

    await store.put('cache/huge', new Uint8Array(1_000));
    const huge = await store.localPath('cache/huge');
    assert.equal((await stat(huge!)).size, 1_000, 'what was just asked for is there, whatever its size');
    assert.equal((await readdir(cacheFolder)).length, 1);
  });

  it('mends a local copy that was cut', async () => {
    await server.makeBucket('faults');
    const store = openStore();
    await store.put('cut', text('whole'));
    const path = (await store.localPath('cut')) ?? '';
    await writeFile(path, 'wh');
    assert.equal(await store.localPath('cut'), path);
    assert.equal(await readFile(path, 'utf8'), 'whole');
  });
});
