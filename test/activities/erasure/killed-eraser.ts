import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { reservedSegment } from '../../../store/object-key.ts';
import { pythonJson } from '../../support/python-json.ts';
import { toolForTest } from '../../support/tool.ts';
import { CollectionWorld, nowMs, portsOf } from '../collection/collection-fixture.ts';
import { lakeRows, request } from './erasure-world.ts';
import { expectState, fill, state } from './filled-world.ts';

const children = new URL('../../support/children/', import.meta.url);
const [preload, child] = ['die-at-change.ts', 'erase.ts'].map((name) => new URL(name, children));

interface Told {
  readonly changes: number;
  readonly leftovers: readonly string[];
  readonly certificate: { readonly erased: Readonly<Record<string, number>>; readonly distinctEpisodes: number } | null;
}

async function run(root: string, scratch: string, diesAt: number): Promise<Told> {
  const args = ['--import', String(preload), fileURLToPath(child ?? ''), root, scratch, 'e1'];
  const env = { ...process.env, TEST_DIE_ROOT: root, TEST_DIE_AT: String(diesAt) };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Told;
}

/** Kills processes that erase at these places of all their changes of the store, 0–1, each in a copy of one store, and lets others end it. */
export function killedWhileErasing(places: readonly number[]): void {
  let directory: string;
  let python: string;
  let world: CollectionWorld;
  const rootOf = (name: string) => join(directory, name, 'store');
  const scratchOf = (name: string) => join(directory, name, 'scratch');
  const opened = (name: string) =>
    new CollectionWorld(
      directory,
      portsOf(fileObjectStore({ root: rootOf(name), nowMs: () => nowMs }), world.ports.engine, scratchOf(name)),
    );
  const copy = async (name: string): Promise<void> => {
    await cp(rootOf('filled'), rootOf(name), { recursive: true, preserveTimestamps: true });
    await mkdir(scratchOf(name), { recursive: true });
  };

  before(async function () {
    python = await toolForTest(this, 'python');
    directory = await mkdtemp(join(tmpdir(), 'flywheel-killed-'));
    await mkdir(scratchOf('filled'), { recursive: true });
    world = await fill(fileObjectStore({ root: rootOf('filled'), nowMs: () => nowMs }));
  });
  after(async () => {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is followed by one that ends it: the same certificate, nothing left for another Parquet reader, nothing of others lost', async () => {
    const before = await lakeRows(world);
    const ids = before.episodes
      .filter((row) => row.includes('"r1"'))
      .map((row) => (JSON.parse(row) as { episode_id: string }).episode_id);
    assert.equal(ids.length, 6);
    const idFile = join(directory, 'ids.json');
    await writeFile(idFile, JSON.stringify(ids));
    await request(world.ports, 'e1', { kind: 'robot', robotId: 'r1' });
    await copy('whole');
    const whole = await run(rootOf('whole'), scratchOf('whole'), 0);
    assert.deepEqual(whole.leftovers, []);
    assert.ok(whole.changes > 30, `${whole.changes} changes`);
    const expected = await state(opened('whole'));
    const names: string[] = ['whole'];
    for (const place of places) {
      const diesAt = Math.ceil(place * whole.changes);
      const name = `killed-at-${diesAt}`;
      names.push(name);
      await copy(name);
      await assert.rejects(run(rootOf(name), scratchOf(name), diesAt), { signal: 'SIGKILL' });
      const told = await run(rootOf(name), scratchOf(name), 0);
      assert.deepEqual(told.leftovers, [], name);
      assert.deepEqual(
        { ...told.certificate?.erased, segments: 0 },
        { ...whole.certificate?.erased, segments: 0 },
        name,
      );
      assert.equal(told.certificate?.distinctEpisodes, whole.certificate?.distinctEpisodes, name);
      expectState(await state(opened(name)), expected, name);
      await rm(join(rootOf(name), reservedSegment), { recursive: true, force: true });
    }
    const folders = names.map(rootOf);
    const { found, read } = (await pythonJson(python, 'find_erased.py', [idFile, 'r1', ...folders])) as {
      found: readonly string[];
      read: number;
    };
    assert.deepEqual(found, []);
    assert.ok(read > 4 * names.length, `${read} files`);
    const asBefore = (await pythonJson(python, 'find_erased.py', [idFile, 'r1', rootOf('filled')])) as {
      found: readonly string[];
    };
    assert.ok(asBefore.found.length > 3, 'the reader finds what is there');
  });
}
