import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { readTelemetry, telemetryKeys } from '../../../fleet/desk/index.ts';

const hourMs = 3_600_000;

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

  /** Each hour has two objects of one batch each, in the order of the hours. */
  async function filled(hours: readonly number[]) {
    const store = memoryObjectStore();
    for (const [index, hour] of hours.entries())
      for (const [digest, seq] of [['a', 2 * index] as const, ['b', 2 * index + 1] as const])
        await store.put(keyOf(hour, digest), linesOf(batch([seq], { receivedMs: hour * hourMs })));
    const asked = { lists: 0, gets: 0 };
    const counted: ObjectStore = {
      ...store,
      get: (...given) => {
        asked.gets += 1;
        return store.get(...given);
      },
      list: (...given) => {
        asked.lists += 1;
        return store.list(...given);
      },
    };
    return { store: counted, asked };
  }
  const keyOf = (hour: number, digest: string) => {
    const text = new Date(hour * hourMs).toISOString();
    return `telemetry/wall/${text.slice(0, 10)}/${text.slice(11, 13)}/${digest}`;
  };
  const june = Date.UTC(2026, 5, 1) / hourMs;

  it('begins with the first hour there is, asked from time 0: few questions, in order', async () => {
    const { store, asked } = await filled([june, june + 1, june + 700, june + 9_000]);
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(store, 'wall', 0, (june + 701) * hourMs)) seqs.push(entry.seq);
    assert.deepEqual(seqs, [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(asked, { lists: 1, gets: 6 });
  });

  it('reads no further than its reader', async () => {
    const { store, asked } = await filled([june, june + 1, june + 2]);
    for await (const { entry } of readTelemetry(store, 'wall', 0, Infinity)) if (entry.seq === 2) break;
    assert.deepEqual(asked, { lists: 1, gets: 3 });
  });

  it('passes over other policies and what is no hour of telemetry', async () => {
    const { store } = await filled([june]);
    for (const key of ['2026-06-01/.x', '2026-06-01/.unfinished', '.x', '9'])
      await store.put(`telemetry/wall/${key}`, linesOf(batch([9])));
    for (const other of ['wal', 'wall-2', 'walls'])
      await store.put(keyOf(june, 'a').replace('wall', other), linesOf(batch([9])));
    const keys: string[] = [];
    for await (const key of telemetryKeys(store, 'wall', 0, (june + 1) * hourMs)) keys.push(key);
    assert.deepEqual(keys, [keyOf(june, 'a'), keyOf(june, 'b')]);
  });

  it('gives the keys of every hour in which a batch of the span may have been written, and of no other', async () => {
    const minutes = fc.integer({ min: 0, max: 72 * 60 });
    const hours = fc.uniqueArray(fc.integer({ min: 0, max: 73 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(hours, minutes, minutes, async (present, startMinute, endMinute) => {
        const { store } = await filled(present.map((hour) => june + hour));
        const minuteMs = (minute: number) => june * hourMs + minute * 60_000;
        const expected = present
          .toSorted((a, b) => a - b)
          .filter((hour) => hour >= Math.floor(startMinute / 60) && hour * 60 < endMinute + 1)
          .flatMap((hour) => [keyOf(june + hour, 'a'), keyOf(june + hour, 'b')]);
        const keys: string[] = [];
        for await (const key of telemetryKeys(store, 'wall', minuteMs(startMinute), minuteMs(endMinute)))
          keys.push(key);
        assert.deepEqual(keys, expected);
      }),
    );
  });

  it('says where a broken line is', async () => {
    const store = memoryObjectStore();
    await store.put('telemetry/wall/1970-01-01/01/a', new TextEncoder().encode('{"robotId":'));
    await assert.rejects(readTelemetry(store, 'wall', 0, 9_000_000).next(), { type: 'CorruptData' });
  });
});
