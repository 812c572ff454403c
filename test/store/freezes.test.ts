import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { liftFreeze, readFreeze, setFreeze } from '../../store/records/freezes.ts';

const policy = 'wall';
const startMs = Date.UTC(2026, 10, 27, 12);
const hourMs = 3_600_000;
const ada = { policy, who: 'ada', why: 'holidays' };
const keyOf = (seq: number): string => `freezes/${policy}/${String(seq).padStart(20, '0')}.json`;

describe('the log of freezes', () => {
  let store: ObjectStore;
  let nowMs: number;
  const clock = (): number => nowMs;
  const set = (until: string, more: Partial<Parameters<typeof setFreeze>[1]> = {}) =>
    setFreeze({ store, clock }, { ...ada, until, mayShorten: false, ...more });
  const lift = (more: Partial<Parameters<typeof liftFreeze>[1]> = {}) =>
    liftFreeze({ store, clock }, { ...ada, sinceMs: nowMs, ...more });
  const state = async (atMs = nowMs) => (await readFreeze(store, policy, atMs)).kind;
  const lines = async (): Promise<number> => {
    let count = 0;
    for await (const _ of store.list('freezes/')) count += 1;
    return count;
  };

  beforeEach(() => {
    store = memoryObjectStore();
    nowMs = startMs;
  });

  it('freezes one policy until its time and no longer, and is lifted before', async () => {
    assert.equal(await state(), 'none');
    const { untilMs } = await set('2026-11-28');
    assert.deepEqual([await state(), await state(untilMs - 1), await state(untilMs)], ['frozen', 'frozen', 'none']);
    assert.equal((await readFreeze(store, 'wall-2', nowMs)).kind, 'none');
    await lift({ who: 'bo' });
    assert.equal(await state(), 'none');
    await assert.rejects(lift(), /there is none/);
    await set('2026-11-29');
    assert.equal(await state(), 'frozen');
    nowMs += 48 * hourMs;
    await assert.rejects(lift(), /there is none/);
  });

  it('says the same once, and lifts once by the same word', async () => {
    for (const _ of [1, 2, 3]) await set('2026-11-28');
    assert.equal(await lines(), 1);
    const sinceMs = nowMs;
    await lift();
    nowMs += 10;
    await lift({ sinceMs });
    await assert.rejects(lift({ sinceMs: nowMs }), /there is none/);
    assert.equal(await lines(), 2);
    // Of two at once both are kept, and one holds.
    await Promise.all([set('2026-11-28'), set('2026-11-28', { who: 'bo' })]);
    assert.deepEqual([await lines(), await state()], [4, 'frozen']);
  });

  it('is made longer by anybody, and shorter only by who may', async () => {
    await set('2026-12-01');
    await set('2026-12-02', { who: 'bo' });
    await assert.rejects(set('2026-11-28', { who: 'bo' }), /only an approver may shorten or lift the freeze of bo/);
    assert.equal((await set('2026-11-28', { mayShorten: true })).untilMs, Date.UTC(2026, 10, 28));
    assert.equal(await state(Date.UTC(2026, 10, 28)), 'none');
  });

  it('counts as frozen where its last line cannot be read, until somebody says anew', async () => {
    for (const text of [
      '{',
      '{}',
      '{"kind":"thawed"}',
      '{"kind":"frozen","untilMs":1e300,"who":"a","why":"b","atMs":1}',
    ]) {
      await store.put(keyOf(0), new TextEncoder().encode(text));
      assert.equal(await state(), 'unreadable', text);
    }
    await lift();
    assert.equal(await state(), 'none');
    await store.put(keyOf(2), new TextEncoder().encode('{'));
    assert.equal(await state(), 'unreadable');
    await set('2026-11-28');
    assert.equal(await state(), 'frozen');
  });

  it('takes no time that is none, and no word without who and why', async () => {
    for (const until of ['soon', '2026-11-27', '2030-01-01', 'x'.repeat(10_000)])
      await assert.rejects(set(until), /expected a UTC day or time that is to come/);
    await assert.rejects(set('2026-11-28', { why: '  ' }), /a reason of 1 to 500/);
    await assert.rejects(set('2026-11-28', { who: '' }), /expected who/);
    assert.equal(await lines(), 0);
  });
});
