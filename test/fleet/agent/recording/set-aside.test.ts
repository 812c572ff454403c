import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { openSetAside } from '../../../../fleet/agent/recording/set-aside.ts';

const mebibyte = 1024 * 1024;

describe('what no gateway takes', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'flywheel-set-aside-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function added(sizeBefore: number): Promise<number> {
    const file = path.join(folder, 'set-aside.ndjson');
    await writeFile(file, Buffer.alloc(sizeBefore));
    const aside = await openSetAside(file, path.join(folder, 'set-aside.json'), () => undefined);
    aside.add('why', { entry: 1 });
    await aside.written();
    return (await stat(file)).size;
  }

  it('is appended to a file of up to 1 MiB, and begins a larger one anew', async () => {
    const line = Buffer.byteLength(`${JSON.stringify({ why: 'why', what: '{"entry":1}' })}\n`);
    assert.equal(await added(mebibyte), mebibyte + line);
    assert.equal(await added(mebibyte + 1), line);
  });

  it('is counted over restarts, and each text is at most 2,000 characters', async () => {
    await added(0);
    await added(0);
    const aside = await openSetAside(
      path.join(folder, 'set-aside.ndjson'),
      path.join(folder, 'set-aside.json'),
      () => undefined,
    );
    assert.equal(aside.count(), 2);
    aside.add('w'.repeat(5_000), 'x'.repeat(5_000));
    await aside.written();
    const [, last = ''] = (await readFile(path.join(folder, 'set-aside.ndjson'), 'utf8')).trimEnd().split('\n');
    const { why, what } = JSON.parse(last) as Record<string, string>;
    assert.deepEqual([why, what], [`${'w'.repeat(2_000)}…`, `"${'x'.repeat(1_999)}…`]);
    assert.equal(aside.count(), 3);
  });
});
