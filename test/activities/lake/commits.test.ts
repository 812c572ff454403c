import assert from 'node:assert/strict';
import { join } from 'node:path';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { commitsPerCheckpoint, openTable } from '../../../activities/lake/table.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import type { AddFile } from '../../../datasets/delta/actions.ts';
import { frames, openLakeFixture, startMs, transaction, type LakeFixture } from './lake-fixture.ts';

/** A store that can be told to go wrong at one call, and that counts what is read. */
function trickyStore() {
  const store = memoryObjectStore();
  const tricks: { putIfAbsent?: ObjectStore['putIfAbsent']; read: string[] } = { read: [] };
  const tricky: ObjectStore = {
    ...store,
    get: (key, range) => {
      tricks.read.push(key);
      return store.get(key, range);
    },
    localPath: (key) => {
      tricks.read.push(key);
      return store.localPath(key);
    },
    putIfAbsent: (key, body) =>
      tricks.putIfAbsent === undefined ? store.putIfAbsent(key, body) : tricks.putIfAbsent(key, body),
  };
  return { store, tricky, tricks };
}

const keysOf = async (store: ObjectStore, prefix: string): Promise<readonly string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
};

const isConflict = (error: unknown): boolean => isFailure(error, 'Conflict');

describe('lake commits', () => {
  const { store, tricky, tricks } = { ...trickyStore() };
  let fixture: LakeFixture;

  beforeEach(async () => {
    for (const key of await keysOf(store, '')) await store.delete(key);
    delete tricks.putIfAbsent;
    tricks.read = [];
    fixture = await openLakeFixture(() => tricky);
  });
  afterEach(() => fixture.close());

  const append = (version: number, lake = fixture.lake) =>
    lake.append(fixture.session, 'frames', frames(version * 4, 4), transaction(version), 'WRITE');

  it('knows its own commit when the answer of the store was lost', async () => {
    tricks.putIfAbsent = async (key, body) => {
      await store.putIfAbsent(key, body);
      return store.putIfAbsent(key, body);
    };
    assert.deepEqual(await append(0), { version: 1, outcome: 'committed', rows: 40, files: 1 });
    assert.deepEqual(await fixture.rows('frames', 1, 'count(*) AS n'), [{ n: 40 }]);
  });

  it('is not committed twice when a retry races the first attempt, and takes its files back', async () => {
    const other = fixture.reopen();
    await fixture.lake.currentVersion();
    tricks.putIfAbsent = async (key, body) => {
      delete tricks.putIfAbsent;
      assert.equal((await append(0, other)).outcome, 'committed');
      return store.putIfAbsent(key, body);
    };
    assert.equal((await append(0)).outcome, 'alreadyCommitted');
    assert.deepEqual(await fixture.rows('frames', 1, 'count(*) AS n'), [{ n: 40 }]);
    assert.equal((await keysOf(store, 'lake/frames/recorded_on=')).length, 1);
  });

  it('leaves the table readable when a writer dies between its files and its commit', async () => {
    await append(0);
    tricks.putIfAbsent = () => Promise.reject(new Error('the process is gone'));
    await assert.rejects(append(1), /the process is gone/);
    delete tricks.putIfAbsent;
    assert.deepEqual(await fixture.lake.currentVersion(), { episodes: 0, frames: 1 });
    assert.deepEqual(await fixture.rows('frames', 1, 'count(*) AS n'), [{ n: 40 }]);
    assert.equal((await append(1)).version, 2);
    assert.deepEqual(await fixture.rows('frames', 2, 'count(*) AS n'), [{ n: 80 }]);
  });

  it('ends as conflict when another writer has removed a file first', async () => {
    await append(0);
    const other = fixture.reopen();
    tricks.putIfAbsent = async (key, body) => {
      delete tricks.putIfAbsent;
      await other.remove('frames', ['2026-11-22'], transaction(0, 'other'), 'DELETE');
      return store.putIfAbsent(key, body);
    };
    await assert.rejects(fixture.lake.remove('frames', ['2026-11-22'], transaction(0, 'mine'), 'DELETE'), isConflict);
    assert.deepEqual(await fixture.lake.currentVersion(), { episodes: 0, frames: 2 });
  });

  it('walks on when an append loses the race to a removal', async () => {
    await append(0);
    const other = fixture.reopen();
    tricks.putIfAbsent = async (key, body) => {
      delete tricks.putIfAbsent;
      await other.remove('frames', ['2026-11-22'], transaction(0, 'other'), 'DELETE');
      return store.putIfAbsent(key, body);
    };
    assert.equal((await append(1)).version, 3);
    assert.deepEqual(await fixture.rows('frames', 3, 'count(*) AS n, min(episode_id) AS first'), [
      { n: 40, first: 'E00004' },
    ]);
  });

  it('says which file is gone when the table was vacuumed', async () => {
    await append(0);
    const [file = ''] = await keysOf(store, 'lake/frames/recorded_on=');
    await store.delete(file);
    await assert.rejects(fixture.lake.scan('frames', 1), (error: unknown) => {
      assert.ok(isFailure(error, 'NotFound'));
      assert.ok(error.message.includes(file));
      return true;
    });
  });

  it('says where the log is torn', async () => {
    await append(0);
    await store.put('lake/frames/_delta_log/00000000000000000002.json', new TextEncoder().encode('{"add":{"pa'));
    await assert.rejects(fixture.reopen().currentVersion(), (error: unknown) => {
      assert.ok(isFailure(error, 'CorruptData'));
      assert.match(
        error.message,
        /\[table=lake\/frames, version=2, object=lake\/frames\/_delta_log\/0+2\.json, line=1\]$/,
      );
      return true;
    });
  });

  it('refuses a table that another engine has upgraded beyond what is known', async () => {
    await append(0);
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
      writerFeatures: [],
    };
    const line = JSON.stringify({ protocol, somethingNew: { a: 1 } });
    await store.put('lake/frames/_delta_log/00000000000000000002.json', new TextEncoder().encode(line));
    await assert.rejects(fixture.reopen().currentVersion(), (error: unknown) => {
      assert.ok(isFailure(error, 'InvalidInput'));
      assert.match(error.message, /reader version 3 with deletionVectors/);
      return true;
    });
  });

  it('adds a column that is new to the table, and reads older files without it', async () => {
    await append(0);
    const first = 'lake/frames/_delta_log/00000000000000000000.json';
    const text = new TextDecoder().decode(await store.get(first));
    const without = text.replace(/,?\{\\"name\\":\\"expert_action\\".*?\\"metadata\\":\{\}\}/, '');
    assert.notEqual(text, without);
    await store.put(first, new TextEncoder().encode(without));
    const lake = fixture.reopen();
    const lines = frames(4, 4);
    await lake.append(fixture.session, 'frames', lines, transaction(1), 'WRITE');
    const second = new TextDecoder().decode(await store.get('lake/frames/_delta_log/00000000000000000002.json'));
    assert.match(second, /metaData.*expert_action/);
    const scan = await fixture.reopen().scan('frames', 2);
    assert.deepEqual(await fixture.session.rows(`SELECT count(*) AS n FROM ${scan} AS t`), [{ n: 80 }]);
  });
});

const ports = (store: ObjectStore) => ({
  store,
  engine: { open: () => Promise.reject(new Error('no engine')) },
  clock: () => startMs,
  stagingDirectory: '',
  newFileId: () => 'id',
});
const add = (index: number): AddFile => ({
  path: `recorded_on=2026-11-22/part-${index}.parquet`,
  partitionValues: { recorded_on: '2026-11-22' },
  size: 1,
  modificationTime: startMs,
  dataChange: true,
});

describe('opening a long log', () => {
  it('reads little more than a checkpoint after thousands of commits', async function () {
    this.timeout(120_000);
    const { tricky, tricks } = trickyStore();
    const fixture = await openLakeFixture(() => tricky);
    const commits = 2_345;
    const writer = openTable(
      { ...ports(tricky), engine: fixture.engine, stagingDirectory: fixture.directory },
      'frames',
    );
    let state = await writer.latest();
    for (let index = 0; index < commits; index++) {
      state = (await writer.commit(state, { adds: [add(index)], removes: [], operation: 'WRITE' })).snapshot;
    }
    tricks.read = [];
    const reader = openTable(
      { ...ports(tricky), engine: fixture.engine, stagingDirectory: fixture.directory },
      'frames',
    );
    const found = await reader.latest();
    assert.equal(found.version, commits);
    assert.equal(found.files.size, commits);
    assert.ok(tricks.read.length <= commitsPerCheckpoint + 2, `read ${tricks.read.length} objects`);
    assert.equal(tricks.read.length, 2 + (commits % commitsPerCheckpoint));

    tricks.read = [];
    const old = await reader.at(1_234);
    assert.equal(old.files.size, 1_234);
    assert.equal(tricks.read.length, 1 + 34);

    tricks.read = [];
    await writer.latest();
    assert.deepEqual(tricks.read, []);
    await fixture.close();
  });

  it('reads a checkpoint in several parts, and finds it without the note', async () => {
    const store = memoryObjectStore();
    const fixture = await openLakeFixture(() => store);
    const { engine, directory, session } = fixture;
    const open = () => openTable({ ...ports(store), engine, stagingDirectory: directory }, 'frames');
    let state = await open().latest();
    const writer = open();
    for (let index = 0; index < commitsPerCheckpoint + 2; index++) {
      state = (await writer.commit(state, { adds: [add(index)], removes: [], operation: 'WRITE' })).snapshot;
    }
    const log = 'lake/frames/_delta_log';
    const single = `${log}/00000000000000000100.checkpoint.parquet`;
    const path = await store.localPath(single);
    assert.ok(path);
    for (const part of [1, 2]) {
      const filePath = join(directory, `part-${part}.parquet`);
      const where = part === 1 ? 'add IS NULL' : 'add IS NOT NULL';
      await session.run(`COPY (FROM '${path}' WHERE ${where}) TO '${filePath}' (FORMAT parquet)`);
      await store.put(`${log}/00000000000000000100.checkpoint.000000000${part}.0000000002.parquet`, { filePath });
    }
    await store.delete(single);
    for (let version = 0; version <= 100; version++) {
      await store.delete(`${log}/${String(version).padStart(20, '0')}.json`);
    }
    const note = { version: 100, size: 103, parts: 2 };
    await store.put(`${log}/_last_checkpoint`, new TextEncoder().encode(JSON.stringify(note)));
    assert.equal((await open().latest()).files.size, 102);
    await store.put(`${log}/_last_checkpoint`, new TextEncoder().encode('not JSON'));
    assert.equal((await open().latest()).files.size, 102);
    assert.equal((await open().at(100)).files.size, 100);
    await assert.rejects(open().at(99), /NotFound|no version at all/);
    await store.delete(`${log}/00000000000000000100.checkpoint.0000000002.0000000002.parquet`);
    await assert.rejects(open().latest(), /got commits from 101 on: the log was cleaned up/);
    await fixture.close();
  });

  it('works without checkpoints when the engine cannot write them', async () => {
    const store = memoryObjectStore();
    const writer = openTable({ ...ports(store), stagingDirectory: '/dev/null/no-folder' }, 'frames');
    let state = await writer.latest();
    for (let index = 0; index < 205; index++) {
      state = (await writer.commit(state, { adds: [add(index)], removes: [], operation: 'WRITE' })).snapshot;
    }
    assert.equal((await openTable(ports(store), 'frames').latest()).files.size, 205);
  });
});
