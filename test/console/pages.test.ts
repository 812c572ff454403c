import assert from 'node:assert/strict';
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { FastifyInstance } from 'fastify';

import { safeHeaders } from '../../console/access.ts';
import { requestText, sendRaw, spellingsOf } from '../support/raw-http.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const page = '<!doctype html><title>built</title>';

describe('the console’s pages', () => {
  let world: ConsoleWorld;
  let directory: string;
  let app: FastifyInstance;

  beforeEach(async () => {
    world = await openConsoleWorld();
    directory = path.join(world.facts.directory, 'dist');
    app = await world.on({ pagesDirectory: directory });
  });
  afterEach(() => world.close());

  async function build(text = page): Promise<void> {
    await mkdir(path.join(directory, 'assets'), { recursive: true });
    await writeFile(path.join(directory, 'index.html'), text);
    await writeFile(path.join(directory, 'assets', 'index-abc.js'), 'export {};');
    await writeFile(path.join(directory, 'assets', 'index-abc.css'), 'p{}');
  }
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

  it('say how to build them where nobody did, and are there without a new start once somebody has', async () => {
    const before = await get('/');
    assert.equal(before.statusCode, 503);
    assert.match(String(before.headers['content-type']), /^text\/html/);
    assert.match(before.body, /npm run dashboard/);
    assert.equal(before.headers['cache-control'], 'no-store');
    assert.equal((await get('/healthz')).statusCode, 200);
    assert.equal((await get('/assets/index-abc.js')).statusCode, 404);
    await build();
    const after = await get('/');
    assert.deepEqual([after.statusCode, after.body], [200, page]);
  });

  it('come to whoever asks, with their types, what they may do, and how long they are kept', async () => {
    await build();
    const kept = 'public, max-age=31536000, immutable';
    for (const [url, type, cache] of [
      ['/', 'text/html; charset=utf-8', 'no-cache'],
      ['/assets/index-abc.js', 'text/javascript; charset=utf-8', kept],
      ['/assets/index-abc.css', 'text/css; charset=utf-8', kept],
    ] as const) {
      const { statusCode, headers } = await get(url);
      assert.deepEqual([statusCode, headers['content-type'], headers['cache-control']], [200, type, cache], url);
      for (const [name, value] of Object.entries(safeHeaders)) assert.equal(headers[name], value, `${url} ${name}`);
      const head = await app.inject({ method: 'HEAD', url });
      assert.deepEqual([head.statusCode, head.headers['content-type'], head.body], [200, type, ''], url);
    }
  });

  it('are sent once, and anew after another build', async () => {
    await build();
    const etag = String((await get('/')).headers.etag);
    assert.equal((await get('/', { 'if-none-match': etag })).statusCode, 304);
    await build('<!doctype html><title>newer</title>');
    await utimes(path.join(directory, 'index.html'), 2_000_000_000, 2_000_000_000);
    const newer = await get('/', { 'if-none-match': etag });
    assert.deepEqual([newer.statusCode, newer.body.includes('newer')], [200, true]);
  });

  it('are nothing but what was built, whatever a path says', async () => {
    await build();
    const secret = 'a secret beside the build';
    await writeFile(path.join(world.facts.directory, 'secret.js'), secret);
    await writeFile(path.join(directory, 'assets', 'notes.txt'), secret);
    await symlink(path.join(world.facts.directory, 'secret.js'), path.join(directory, 'assets', 'link.js'));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const paths = [
      '/assets/../../secret.js',
      '/assets/..%2f..%2fsecret.js',
      '/assets/%2e%2e/%2e%2e/secret.js',
      '/assets/..\\..\\secret.js',
      '/assets/%2e%2e%5c%2e%2e%5csecret.js',
      '/assets//secret.js',
      '/assets/%00index-abc.js',
      '/../secret.js',
      '/assets/link.js',
      '/assets/notes.txt',
      '/assets/',
      '/assets/__proto__',
      '/assets/index.html',
      `/assets/${'a'.repeat(5_000)}`,
      ...spellingsOf('/assets/../../secret.js'),
    ];
    for (const one of paths.slice(0, 14))
      assert.match((await sendRaw(url, requestText('GET', one))).text, /^HTTP\/1\.1 4\d\d /, one);
    for (const one of paths) {
      const { text } = await sendRaw(url, requestText('GET', one));
      assert.ok(!text.includes(secret), one);
    }
  });

  it('of a build that goes away are said to be gone', async () => {
    await build();
    assert.equal((await get('/')).statusCode, 200);
    await rm(directory, { recursive: true });
    assert.equal((await get('/')).statusCode, 503);
    assert.equal((await get('/assets/index-abc.js')).statusCode, 404);
  });
});
