import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { watched } from '../../../activities/mix/watched.ts';
import type { SqlSession } from '../../../activities/ports/sql.ts';

describe('watched statements', () => {
  let session: SqlSession;
  before(async () => {
    session = await duckDbEngine({ temporaryDirectory: join(tmpdir(), 'flywheel-watched-spill') }).open();
  });
  after(() => session.close());

  it('end a long statement when the activity is cancelled, with the error of the cancellation', async () => {
    let calls = 0;
    const progress = (): void => {
      if (calls++ > 0) throw new Error('cancelled');
    };
    const endless = () => session.run('SELECT count(*) FROM range(100000000000) AS t(i) WHERE i % 7 = 3');
    await assert.rejects(watched(session, progress, 'counting', endless), /^Error: cancelled$/);
    assert.equal(calls, 2);
  });

  it('pass on what the work returns, and its own error', async () => {
    assert.equal(
      await watched(
        session,
        () => {},
        'one',
        async () => 7,
      ),
      7,
    );
    await assert.rejects(
      watched(
        session,
        () => {},
        'two',
        () => session.run('SELECT nonsense'),
      ),
      /nonsense/,
    );
  });
});
