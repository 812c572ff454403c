import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';

import { numberedEntries } from '../../../../fleet/agent/recording/kept-entries.ts';
import { openTelemetryQueue } from '../../../../fleet/agent/recording/telemetry-queue.ts';
import type { Dating, Stamp } from '../../../../fleet/agent/local/dating.ts';
import type { TelemetryRequest } from '../../../../fleet/protocol/index.ts';
import { temporaryDirectory } from '../robot.ts';

const online = { kind: 'online', atMs: 10_000, policyVersion: null, trialId: null, durationMs: 1 } as const;

describe('telemetry that waits', () => {
  let folder: { directory: string; remove: () => Promise<void> };
  beforeEach(async () => {
    folder = await temporaryDirectory();
  });
  afterEach(() => folder.remove());

  const bootId = '01J00000000000000000000000';
  const stampOf = (machineBootId: string, clockOffsetMs: number) => ({
    skewMs: null,
    stamp: { machineBootId, clockOffsetMs },
  });
  /** Of an older agent. */
  const three = () => {
    const newEntry = numberedEntries(bootId);
    return [newEntry({ skewMs: 0 }, online), newEntry({ skewMs: 100 }, online), newEntry({ skewMs: null }, online)];
  };
  const aside: string[] = [];
  const open = (datingOf: (stamp: Stamp) => Dating = () => ({ kind: 'later' })) =>
    openTelemetryQueue({
      directory: folder.directory,
      datingOf,
      skewMs: () => 50,
      setAside: (why) => void aside.push(why),
    });

  it('goes in batches of one boot, by the gateway’s clock', async () => {
    const queue = await open();
    queue.add(three());
    const batch = queue.next();
    assert.equal(batch?.clockSkewMs, 0);
    assert.deepEqual(
      batch?.entries.map(({ seq, atMs }) => [seq, atMs]),
      [
        [0, 10_000],
        [1, 9_900],
        [2, 9_950],
      ],
    );
  });

  it('waits until its boot is dated, without holding up what is; what nobody can date says so', async () => {
    const newEntry = numberedEntries(bootId);
    const now = Date.UTC(2026, 0, 1);
    const datings: Record<string, Dating> = {
      known: { kind: 'known', gatewayOffsetMs: now },
      unknown: { kind: 'unknown', beforeMs: now },
      later: { kind: 'later' },
    };
    const queue = await open(({ machineBootId }) => datings[machineBootId] ?? { kind: 'later' });
    queue.add(['later', 'known', 'unknown', 'known'].map((boot) => newEntry(stampOf(boot, 9_000), online)));
    const seqs = (batch: TelemetryRequest | undefined) => batch?.entries.map(({ seq, atMs }) => [seq, atMs - now]);
    const first = queue.next()!;
    assert.deepEqual(
      [seqs(first), first.isTimeUnknown],
      [
        [
          [1, 1_000],
          [3, 1_000],
        ],
        undefined,
      ],
    );
    await queue.acknowledge(first);
    const second = queue.next()!;
    assert.deepEqual([seqs(second), second.isTimeUnknown], [[[2, 0]], true]);
    await queue.acknowledge(second);
    assert.equal(queue.next(), undefined);
    assert.equal(queue.count(), 1);
  });

  it('sets aside what no gateway could take, and goes on', async () => {
    aside.length = 0;
    const newEntry = numberedEntries(bootId);
    const bad = { kind: 'safetyEvent', atMs: 1, policyVersion: null, trialId: null } as const;
    const queue = await open();
    queue.add([
      newEntry({ skewMs: 0 }, { ...bad, event: '' }),
      newEntry({ skewMs: 0 }, { ...bad, event: 'x'.repeat(101) }),
      newEntry({ skewMs: 0 }, { ...bad, event: 7 as unknown as string }),
      newEntry({ skewMs: 0 }, { ...online, durationMs: Number.NaN }),
      newEntry({ skewMs: 0 }, { ...online, atMs: -1 }),
      newEntry({ skewMs: 0 }, online),
    ]);
    assert.equal(aside.length, 5);
    assert.deepEqual(
      queue.next()?.entries.map(({ seq }) => seq),
      [5],
    );
  });

  it('survives a restart until it is acknowledged', async () => {
    const queue = await open();
    const entries = three();
    queue.add(entries);
    await queue.carry('000000000001', entries);
    const next = await open();
    assert.equal(next.count(), 3);
    const batch = next.next();
    assert.ok(batch !== undefined);
    await next.acknowledge(batch);
    assert.equal(next.count(), 0);
    assert.deepEqual(await readdir(folder.directory), []);
  });

  it('does not come back when it is acknowledged while it is written', async () => {
    const queue = await open();
    const entries = three();
    queue.add(entries);
    const batch = queue.next();
    assert.ok(batch !== undefined);
    const carrying = queue.carry('000000000001', entries);
    await queue.acknowledge(batch);
    await carrying;
    assert.equal(queue.count(), 0);
    assert.deepEqual(await readdir(folder.directory), []);
  });
});
