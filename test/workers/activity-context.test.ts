import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { cancellableEngine, heartbeatProgress } from '../../workers/activity-context.ts';

const mockEnvironment = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });

describe('inside an activity', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-context-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('reports progress as heartbeat details', async () => {
    const environment = mockEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => beats.push(details));
    await environment.run(async () => heartbeatProgress({ rows: 3 }));
    assert.deepEqual(beats, [{ rows: 3 }]);
  });

  it('stops at the next progress after a cancellation', async () => {
    const environment = mockEnvironment();
    environment.cancel('CANCELLED');
    await assert.rejects(
      environment.run(async () => heartbeatProgress({ rows: 3 })),
      CancelledFailure,
    );
  });

  it('interrupts the statement that runs when it is cancelled, and ends as cancelled', async () => {
    const environment = mockEnvironment();
    const engine = cancellableEngine(duckDbEngine({ temporaryDirectory: directory, threads: 1 }));
    const endless = 'SELECT sum(hash(a.range, b.range)) FROM range(10000000) a, range(10000000) b';
    setTimeout(() => environment.cancel('CANCELLED'), 100);
    await assert.rejects(
      environment.run(async () => {
        const session = await engine.open();
        try {
          return await session.rows(endless);
        } finally {
          await session.close();
        }
      }),
      CancelledFailure,
    );
  });

  it('leaves a statement alone that fails for another reason', async () => {
    const environment = mockEnvironment();
    const engine = cancellableEngine(duckDbEngine({ temporaryDirectory: directory }));
    await assert.rejects(
      environment.run(async () => (await engine.open()).rows('SELECT nonsense')),
      /nonsense/,
    );
  });
});
