import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';

import { numberedEntries } from '../../../fleet/agent/kept-entries.ts';
import { openTelemetryQueue } from '../../../fleet/agent/telemetry-queue.ts';
import { temporaryDirectory } from './robot.ts';

const online = { kind: 'online', atMs: 10_000, policyVersion: null, trialId: null, durationMs: 1 } as const;

describe('telemetry that waits', () => {
  let folder: { directory: string; remove: () => Promise<void> };
  beforeEach(async () => {
    folder = await temporaryDirectory();
  });
  afterEach(() => folder.remove());

  const three = () => {
    const newEntry = numberedEntries('01J00000000000000000000000');
    return [newEntry(0, online), newEntry(100, online), newEntry(null, online)];
  };

  it('goes in batches of one boot, corrected to one skew', async () => {
    const queue = await openTelemetryQueue(folder.directory);
    queue.add(three());
    const batch = queue.next(50);
    assert.equal(batch?.clockSkewMs, 0);
    assert.deepEqual(
      batch?.entries.map(({ seq, atMs }) => [seq, atMs]),
      [
        [0, 10_000],
        [1, 9_900],
        [2, 10_000],
      ],
    );
  });

  it('survives a restart until it is acknowledged', async () => {
    const queue = await openTelemetryQueue(folder.directory);
    const entries = three();
    queue.add(entries);
    await queue.carry('000000000001', entries);
    const next = await openTelemetryQueue(folder.directory);
    assert.equal(next.count(), 3);
    const batch = next.next(0);
    assert.ok(batch !== undefined);
    await next.acknowledge(batch);
    assert.equal(next.count(), 0);
    assert.deepEqual(await readdir(folder.directory), []);
  });

  it('does not come back when it is acknowledged while it is written', async () => {
    const queue = await openTelemetryQueue(folder.directory);
    const entries = three();
    queue.add(entries);
    const batch = queue.next(0);
    assert.ok(batch !== undefined);
    const carrying = queue.carry('000000000001', entries);
    await queue.acknowledge(batch);
    await carrying;
    assert.equal(queue.count(), 0);
    assert.deepEqual(await readdir(folder.directory), []);
  });
});
