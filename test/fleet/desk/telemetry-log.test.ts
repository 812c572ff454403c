import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { memoryObjectStore } from '../../../activities/adapters/memory-object-store.ts';
import { readTelemetry } from '../../../fleet/desk/index.ts';
import { SeqSet } from '../../../fleet/desk/seq-set.ts';

const batch = (seqs: readonly number[], more: Record<string, unknown> = {}) => ({
  robotId: 'r1',
  bootId: '01J00000000000000000000000',
  receivedMs: 3_600_000,
  clockSkewMs: 500,
  entries: seqs.map((seq) => ({
    kind: 'safetyEvent',
    seq,
    atMs: 1_000 + seq,
    policyVersion: null,
    trialId: null,
    event: 'bump',
  })),
  ...more,
});

const linesOf = (...batches: readonly unknown[]): Uint8Array =>
  new TextEncoder().encode(batches.map((line) => `${JSON.stringify(line)}\n`).join(''));

describe('the telemetry reader', () => {
  it('gives an entry once, whatever came twice through whatever gateway', async () => {
    const store = memoryObjectStore();
    await store.put('telemetry/wall/1970-01-01/01/a', linesOf(batch([0, 1, 2]), batch([0, 1, 2])));
    await store.put('telemetry/wall/1970-01-01/01/b', linesOf(batch([2, 3])));
    await store.put('telemetry/wall/1970-01-01/02/c', linesOf(batch([3, 4], { receivedMs: 7_200_000 })));
    const seqs: number[] = [];
    for await (const { entry, correctedAtMs } of readTelemetry(store, 'wall', 3_600_000, 9_000_000)) {
      seqs.push(entry.seq);
      assert.equal(correctedAtMs, 500 + entry.seq);
    }
    assert.deepEqual(seqs, [0, 1, 2, 3, 4]);
  });

  it('tells robots and boots apart', async () => {
    const store = memoryObjectStore();
    const other = batch([0], { robotId: 'r2' });
    const rebooted = batch([0], { bootId: '01J00000000000000000000001' });
    await store.put('telemetry/wall/1970-01-01/01/a', linesOf(batch([0]), other, rebooted));
    let count = 0;
    for await (const { entry } of readTelemetry(store, 'wall', 0, 9_000_000)) count += entry.seq + 1;
    assert.equal(count, 3);
  });

  it('says where a broken line is', async () => {
    const store = memoryObjectStore();
    await store.put('telemetry/wall/1970-01-01/01/a', new TextEncoder().encode('{"robotId":'));
    await assert.rejects(readTelemetry(store, 'wall', 0, 9_000_000).next(), { type: 'CorruptData' });
  });
});

describe('a set of sequence numbers', () => {
  it('is a set, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 80 }), (numbers) => {
        const runs = new SeqSet();
        const reference = new Set<number>();
        for (const seq of numbers) {
          assert.equal(runs.add(seq), !reference.has(seq));
          reference.add(seq);
        }
        const starts = [...reference].filter((seq) => !reference.has(seq - 1));
        assert.equal(runs.runs, starts.length);
      }),
    );
  });
});
