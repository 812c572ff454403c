import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import type { SqlSession } from '../../../activities/ports/sql.ts';
import {
  episodeHashSql,
  hashBound,
  largestHash,
  orderHashSql,
  sampleHashSql,
} from '../../../datasets/mix/sampling-key.ts';

describe('sampling keys', () => {
  let session: SqlSession;
  before(async () => {
    session = await duckDbEngine({ temporaryDirectory: join(tmpdir(), 'flywheel-keys-spill') }).open();
  });
  after(() => session.close());

  it('keep their values, so that an upgrade of the engine cannot change training sets unseen', async () => {
    const [row] = await session.rows(
      `SELECT ${sampleHashSql(1, "'01JEXAMPLE'", '7')}::VARCHAR AS sample, ${orderHashSql(1, "'01JEXAMPLE'", '7')}::VARCHAR AS "order",
         ${episodeHashSql(1, "'01JEXAMPLE'")}::VARCHAR AS episode`,
    );
    assert.deepEqual(row, {
      sample: '16037190981683251848',
      order: '11921457500024093207',
      episode: '10891530640817358298',
    });
  });

  it('are uniform, and independent between seeds and of the order of rows', async () => {
    const [row] = await session.rows(
      `WITH keys AS (
         SELECT ${sampleHashSql(42, "'E' || i // 20", 'i % 20')}::DOUBLE AS a, ${sampleHashSql(43, "'E' || i // 20", 'i % 20')}::DOUBLE AS b,
           ${orderHashSql(42, "'E' || i // 20", 'i % 20')}::DOUBLE AS o
         FROM range(200000) AS t(i)
       )
       SELECT avg(a) / 18446744073709551616.0 AS mean, corr(a, b) AS seeds, corr(a, o) AS "order" FROM keys`,
    );
    const of = (name: string): number => Number(row?.[name]);
    // Standard errors: 0.29/√200,000 = 0.00065 of the mean, 1/√200,000 = 0.0022 of a correlation; limits are five of each.
    assert.ok(Math.abs(of('mean') - 0.5) < 0.0033);
    assert.ok(Math.abs(of('seeds')) < 0.0112);
    assert.ok(Math.abs(of('order')) < 0.0112);
  });

  it('bound a sample with little to spare, and never below it', () => {
    assert.equal(hashBound(10, 10), largestHash);
    assert.equal(hashBound(5, 0), largestHash);
    const bound = Number(hashBound(1_000_000, 20_000_000)) / 2 ** 64;
    assert.ok(bound > 0.05 && bound < 0.051);
  });
});
