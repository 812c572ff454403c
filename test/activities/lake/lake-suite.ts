import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure } from '../../../store/failures.ts';
import type { ScanOptions } from '../../../activities/lake/lake.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { frames, openLakeFixture, startUs, transaction, type LakeFixture } from './lake-fixture.ts';

/** What the lake promises on every object store. */
export function lakeBehaves(makeStore: (directory: string) => Promise<ObjectStore> | ObjectStore): void {
  let fixture: LakeFixture & { readonly store: ObjectStore };
  const append = (first: number, episodes: number, version: number) =>
    fixture.lake.append(fixture.session, 'frames', frames(first, episodes), transaction(version), 'WRITE');
  const countWith = async (options: ScanOptions) => {
    const scan = await fixture.lake.scan('frames', 2, options);
    const [row] = await fixture.session.rows(`SELECT count(*) AS n, min(episode_id) AS first FROM ${scan} AS t`);
    return row;
  };
  const count = async (version: number) => fixture.rows('frames', version, 'count(*) AS n');

  beforeEach(async () => {
    fixture = await openLakeFixture(makeStore);
  });
  afterEach(() => fixture.close());

  it('starts with two empty tables of the right columns', async () => {
    assert.deepEqual(await fixture.lake.currentVersion(), { episodes: 0, frames: 0 });
    assert.deepEqual(await fixture.reopen().currentVersion(), { episodes: 0, frames: 0 });
    const described = await fixture.session.rows(
      `DESCRIBE SELECT * FROM ${await fixture.lake.scan('episodes', 0)} AS t`,
    );
    const types = new Map(described.map((row) => [row['column_name'], row['column_type']]));
    assert.equal(types.get('started_at'), 'TIMESTAMP WITH TIME ZONE');
    assert.equal(types.get('recorded_on'), 'DATE');
    assert.match(types.get('media') as string, /sha256.*\[\]$/);
    assert.deepEqual(await count(0), [{ n: 0 }]);
  });

  it('gives back what was appended, with the day of the partition', async () => {
    const result = await append(0, 8, 0);
    assert.deepEqual(result, { version: 1, outcome: 'committed', rows: 80, files: 2 });
    const [first] = await fixture.session.rows(
      `SELECT * FROM ${await fixture.lake.scan('frames', 1)} AS t WHERE episode_id = 'E00004' AND frame_index = 2`,
    );
    assert.deepEqual(first, {
      episode_id: 'E00004',
      frame_index: 2,
      timestamp: BigInt(startUs + 42 * 100_000),
      observation: [42, 2.5],
      action: [2],
      expert_action: [1],
      is_correction: true,
      recorded_on: '2026-11-23',
    });
    assert.deepEqual(await fixture.lake.days('frames', 1), ['2026-11-22', '2026-11-23']);
  });

  it('reads every older version, from here and from a fresh start', async () => {
    for (let version = 0; version < 4; version++) await append(version * 4, 4, version);
    for (let version = 0; version <= 4; version++) {
      assert.deepEqual(await count(version), [{ n: version * 40 }]);
      const scan = await fixture.reopen().scan('frames', version);
      assert.deepEqual(await fixture.session.rows(`SELECT count(*) AS n FROM ${scan} AS t`), [{ n: version * 40 }]);
    }
    await assert.rejects(fixture.lake.scan('frames', 9), (error: unknown) => {
      assert.ok(isFailure(error, 'NotFound'));
      assert.match(error.message, /version 9 .* none after 4 \[table=lake\/frames\]/);
      return true;
    });
  });

  it('writes a transaction once, whoever asks again', async () => {
    await append(0, 4, 7);
    const again = { version: 1, outcome: 'alreadyCommitted', rows: 0, files: 0 };
    assert.deepEqual(await append(0, 4, 7), again);
    assert.deepEqual(await append(0, 4, 6), again);
    const other = fixture.reopen();
    assert.deepEqual(await other.append(fixture.session, 'frames', frames(0, 4), transaction(7), 'WRITE'), again);
    assert.equal(await other.transactionVersion('frames', 'test'), 7);
    assert.equal(await other.transactionVersion('frames', 'somebody else'), undefined);
    assert.deepEqual(await count(1), [{ n: 40 }]);
  });

  it('remembers a transaction that had nothing to write', async () => {
    const result = await append(0, 0, 0);
    assert.deepEqual(result, { version: 1, outcome: 'committed', rows: 0, files: 0 });
    assert.equal((await append(0, 4, 0)).outcome, 'alreadyCommitted');
  });

  it('reads only the days asked for, and only the files another version lacks or has', async () => {
    await append(0, 8, 0);
    await append(8, 8, 1);
    assert.deepEqual(await countWith({ recordedOn: ['2026-11-24'] }), { n: 40, first: 'E00008' });
    assert.deepEqual(await countWith({ recordedOn: [] }), { n: 0, first: null });
    assert.deepEqual(await countWith({ absentFrom: 1 }), { n: 80, first: 'E00008' });
    assert.deepEqual(await countWith({ presentIn: 1 }), { n: 80, first: 'E00000' });
  });

  it('removes days, keeps them readable at older versions, and appends on top', async () => {
    await append(0, 8, 0);
    const removed = await fixture.lake.remove('frames', ['2026-11-22'], transaction(0, 'retention'), 'DELETE');
    assert.deepEqual(removed, { version: 2, outcome: 'committed', rows: 0, files: 1 });
    const repeated = await fixture.lake.remove('frames', ['2026-11-22'], transaction(0, 'retention'), 'DELETE');
    assert.equal(repeated.outcome, 'alreadyCommitted');
    await append(20, 4, 1);
    assert.deepEqual(await count(1), [{ n: 80 }]);
    assert.deepEqual(await count(2), [{ n: 40 }]);
    assert.deepEqual(await count(3), [{ n: 80 }]);
  });

  it('refuses missing values, and leaves the table and the staging folder as they were', async () => {
    const good = frames(0, 4);
    const cases = [
      [good.replace("printf('E%05d', row // 10)", 'NULL'), 'InvalidInput', /episode_id \(40\)/],
      [good.replace('[row, 2.5]::FLOAT[]', 'NULL'), 'EngineFailed', /observation is NULL/],
      [good.replace(/DATE '2026-11-22' \+ \(row .*::INTEGER/, 'NULL'), 'InvalidInput', /a day .* in recorded_on/],
      [good.replace('row % 3 = 0 AS is_correction,', ''), 'EngineFailed', /is_correction/],
    ] as const;
    for (const [relation, type, message] of cases) {
      await assert.rejects(
        fixture.lake.append(fixture.session, 'frames', relation, transaction(0), 'WRITE'),
        (error: unknown) => {
          assert.ok(isFailure(error, type), String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    }
    assert.deepEqual(await fixture.lake.currentVersion(), { episodes: 0, frames: 0 });
    assert.deepEqual(await readdir(join(fixture.directory, 'staging')), []);
  });

  it('loses no row when many append at once', async () => {
    const lakes = Array.from({ length: 4 }, () => fixture.reopen());
    const sessions = await Promise.all(lakes.map(() => fixture.engine.open()));
    await Promise.all(
      lakes.map(async (lake, writer) => {
        const session = sessions[writer];
        assert.ok(session);
        for (let turn = 0; turn < 5; turn++) {
          const relation = frames((writer * 5 + turn) * 4, 4);
          const result = await lake.append(session, 'frames', relation, transaction(turn, `writer-${writer}`), 'WRITE');
          assert.equal(result.outcome, 'committed');
        }
      }),
    );
    await Promise.all(sessions.map((session) => session.close()));
    const { frames: version } = await fixture.lake.currentVersion();
    assert.equal(version, 20);
    assert.deepEqual(await fixture.rows('frames', version, 'count(*) AS n, count(DISTINCT observation[1]) AS d'), [
      { n: 800, d: 800 },
    ]);
  });
}
