import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { openLakeFixture, type LakeFixture } from './lake-fixture.ts';

interface Writer {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: AsyncIterator<string>;
}

describe('lake shared by processes', function () {
  this.timeout(120_000);
  let fixture: LakeFixture;
  const writers: Writer[] = [];

  beforeEach(async () => {
    fixture = await openLakeFixture((directory) => fileObjectStore({ root: join(directory, 'store') }));
  });
  afterEach(async () => {
    for (const { child } of writers.splice(0)) child.kill('SIGKILL');
    await fixture.close();
  });

  const startWriter = async (name: number, commits: number): Promise<Writer> => {
    const script = join(import.meta.dirname, '..', '..', 'support', 'children', 'append-frames.ts');
    const { directory } = fixture;
    const args = [join(directory, 'store'), join(directory, `staging-${name}`), String(name), String(commits)];
    const child = spawn(process.execPath, [script, ...args]);
    child.stderr.pipe(process.stderr);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const writer = { child, lines };
    writers.push(writer);
    assert.equal((await lines.next()).value, 'ready');
    return writer;
  };
  const count = async () => {
    const { frames: version } = await fixture.reopen().currentVersion();
    const [row] = await fixture.rows('frames', version, 'count(*) AS n, count(DISTINCT observation[1]) AS d');
    return { version, ...(row as { n: number; d: number }) };
  };

  it('loses nothing when two commit fifty times each at once', async () => {
    const both = await Promise.all([startWriter(0, 50), startWriter(1, 50)]);
    const exits = both.map(({ child }) => once(child, 'exit'));
    for (const { child } of both) child.stdin.end();
    assert.deepEqual(await Promise.all(exits), [
      [0, null],
      [0, null],
    ]);
    assert.deepEqual(await count(), { version: 100, n: 2_000, d: 2_000 });
  });

  it('stays readable when a writer is killed, and takes up its work again', async () => {
    const killed = await startWriter(0, 1_000);
    killed.child.stdin.end();
    let last = 0;
    while (last < 5) last = Number((await killed.lines.next()).value);
    const exit = once(killed.child, 'exit');
    killed.child.kill('SIGKILL');
    await exit;
    const after = await count();
    assert.ok(after.version >= last);
    assert.deepEqual(after, { version: after.version, n: after.version * 20, d: after.version * 20 });

    const again = await startWriter(0, after.version + 3);
    const finished = once(again.child, 'exit');
    again.child.stdin.end();
    await finished;
    const { version } = after;
    assert.deepEqual(await count(), { version: version + 3, n: (version + 3) * 20, d: (version + 3) * 20 });
  });
});
