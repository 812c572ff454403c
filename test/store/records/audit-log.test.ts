import assert from 'node:assert/strict';

import { assert as holds, asyncProperty, string } from 'fast-check';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { verifyAudit } from '../../../store/records/audit-chain.ts';
import { auditKeys, type AuditEntry, type AuditWord } from '../../../store/records/audit-entry.ts';
import { auditTail, readAct, readAuditPage, recordAct } from '../../../store/records/audit-log.ts';

const word = (actId: string, changes: Partial<AuditWord> = {}): AuditWord => ({
  actId,
  outcome: 'done',
  who: 'ada',
  role: 'operator',
  via: 'page',
  act: 'trial.pause',
  policy: 'wall-follower',
  subject: '1.3.0',
  reason: 'lunch',
  answer: 'paused',
  ...changes,
});

async function chain(count: number) {
  const store = memoryObjectStore();
  const ports = { store, clock: () => 1_700_000_000_000 };
  for (let place = 1; place <= count; place += 1) await recordAct(ports, word(`a${place}`));
  return { store, ports };
}
const change = async (store: ObjectStore, seq: number, to: (entry: AuditEntry) => unknown): Promise<void> => {
  const bytes = await store.get(auditKeys.entry(seq));
  await store.put(auditKeys.entry(seq), jsonBytes(to(JSON.parse(new TextDecoder().decode(bytes)) as AuditEntry)));
};
const all = { limit: 1_000, isWanted: () => true };
const page = async (store: ObjectStore) => (await readAuditPage(store, all, () => undefined)).entries;
const brokenAt = async (store: ObjectStore) => {
  const { verifiedSeq, broken } = await verifyAudit(store);
  return [verifiedSeq, broken?.kind, broken?.seq];
};

describe('the audit log', () => {
  it('is a chain that holds, and an empty one is none that is broken', async () => {
    const { store } = await chain(40);
    const { verifiedSeq, digest, broken } = await verifyAudit(store);
    assert.deepEqual([verifiedSeq, broken], [40, null]);
    assert.deepEqual(await auditTail(store), { seq: 40, digest });
    const entries = await page(store);
    assert.deepEqual([entries.length, entries[0]?.actId, entries.at(-1)?.actId], [40, 'a40', 'a1']);
    assert.deepEqual(await verifyAudit(memoryObjectStore()), { verifiedSeq: 0, digest: null, broken: null });
  });

  it('names the entry that was changed, be it the first, one between or the last', async () => {
    for (const seq of [1, 20, 39, 40]) {
      const { store } = await chain(40);
      await change(store, seq, (entry) => ({ ...entry, who: 'eve' }));
      assert.deepEqual(await brokenAt(store), [seq - 1, 'changed', seq]);
    }
  });

  it('names the entry that was taken away, the last ones too, and shows the gap when more is written', async () => {
    for (const seq of [1, 17, 40]) {
      const { store, ports } = await chain(40);
      await store.delete(auditKeys.entry(seq));
      assert.deepEqual(await brokenAt(store), [seq - 1, 'missing', seq]);
      await recordAct(ports, word('later'));
      assert.deepEqual(await brokenAt(store), [seq - 1, 'missing', seq]);
    }
    const { store } = await chain(40);
    for (const seq of [38, 39, 40]) await store.delete(auditKeys.entry(seq));
    await store.delete(auditKeys.tail);
    // Act a40 was begun when 39 was the last.
    assert.deepEqual(await brokenAt(store), [37, 'missing', 38]);
  });

  it('names entries that were swapped, and what is no entry', async () => {
    const { store } = await chain(40);
    const [five, nine] = await Promise.all([store.get(auditKeys.entry(5)), store.get(auditKeys.entry(9))]);
    await store.put(auditKeys.entry(5), nine ?? new Uint8Array());
    await store.put(auditKeys.entry(9), five ?? new Uint8Array());
    assert.deepEqual(await brokenAt(store), [4, 'misplaced', 5]);
    for (const bytes of [new Uint8Array(), new Uint8Array([0xff, 0xfe]), jsonBytes([]), jsonBytes({ seq: 3 })]) {
      const { store: other, ports } = await chain(5);
      await other.put(auditKeys.entry(3), bytes);
      assert.deepEqual(await brokenAt(other), [2, 'damaged', 3]);
      // It is passed over with a word where it is read, and what comes after it is written all the same.
      await recordAct(ports, word('later'));
      const damaged: string[] = [];
      const { entries } = await readAuditPage(other, all, ({ key }) => void damaged.push(key));
      assert.deepEqual([entries.length, damaged], [5, [auditKeys.entry(3)]]);
    }
  });

  it('finds a chain that was written anew by the place that somebody noted elsewhere', async () => {
    const { store } = await chain(10);
    const { verifiedSeq: seq, digest } = await verifyAudit(store);
    const noted = { seq, digest: digest ?? '' };
    assert.equal((await verifyAudit(store, noted)).broken, null);
    const { store: forged, ports } = await chain(0);
    for (let place = 1; place <= 10; place += 1) await recordAct(ports, word(`a${place}`, { who: 'eve' }));
    assert.equal((await verifyAudit(forged)).broken, null);
    assert.deepEqual((await verifyAudit(forged, noted)).broken?.seq, 10);
    const { store: short } = await chain(3);
    assert.deepEqual((await verifyAudit(short, noted)).broken?.kind, 'missing');
  });

  it('gives each of many writers at once a place, and writes an act once however often it is told', async () => {
    const { store, ports } = await chain(0);
    await Promise.all(
      Array.from({ length: 32 }, (_, index) => recordAct(ports, word(`w${index % 8}`, { answer: `try ${index}` }))),
    );
    const entries = await page(store);
    assert.deepEqual(entries.map(({ actId }) => actId).toSorted(), ['w0', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7']);
    assert.deepEqual((await verifyAudit(store)).verifiedSeq, 8);
    await recordAct(ports, word('w3', { outcome: 'asked', answer: '' }));
    const again = await recordAct(ports, word('w3', { answer: 'another' }));
    assert.match(again.answer, /^try /);
    assert.deepEqual(
      (await readAct(store, 'w3')).map(({ outcome }) => outcome),
      ['done', 'asked'],
    );
    assert.deepEqual(await readAct(store, 'nobody'), []);
  });

  it('keeps what people write as bounded text, whatever they write', async () => {
    const texts = string({ unit: 'binary', maxLength: 3_000 });
    await holds(
      asyncProperty(texts, texts, texts, async (who, reason, answer) => {
        const { store, ports } = await chain(1);
        await recordAct(ports, word('b', { who, reason, answer, subject: reason }));
        await recordAct(ports, word('c'));
        assert.equal((await verifyAudit(store)).verifiedSeq, 3);
        const entry = (await page(store))[1];
        assert.ok(entry !== undefined && entry.reason.length <= 500 && entry.answer.length <= 1_000);
        // eslint-disable-next-line no-control-regex -- that there are none is the point
        assert.doesNotMatch(`${entry.who}${entry.reason}${entry.answer}`, /[\u0000-\u001f\u202e]/);
      }),
      { numRuns: 60 },
    );
    const { ports } = await chain(0);
    for (const wrong of [{ actId: '../x' }, { act: 'a/b' }, { policy: 'x'.repeat(80) }])
      await assert.rejects(recordAct(ports, word('d', wrong)), { type: 'InvalidInput' });
  });

  it('believes no tail that is not there', async () => {
    for (const seq of [1e15, Number.MAX_SAFE_INTEGER, -4, 0]) {
      const { store, ports } = await chain(4);
      await store.put(auditKeys.tail, jsonBytes({ seq, digest: 'f'.repeat(64) }));
      assert.equal((await recordAct(ports, word('e'))).seq, 5);
      await store.put(auditKeys.tail, jsonBytes('no'));
      assert.equal((await recordAct(ports, word('f'))).seq, 6);
    }
  });

  it('takes no planted key for a place behind which there is none', async () => {
    const { store, ports } = await chain(4);
    for (const seq of [Number.MAX_SAFE_INTEGER, 1e12, 1e19])
      await store.put(`audit/log/${BigInt(seq).toString().padStart(20, '0')}.json`, jsonBytes('x'));
    assert.equal((await recordAct(ports, word('e'))).seq, 5);
    assert.equal((await verifyAudit(store)).broken, null);
  });

  it('gives up where no place can be had, and does not ask for ever', async () => {
    const { store } = await chain(2);
    const taken: ObjectStore = {
      ...store,
      putIfAbsent: async (key, ...more) => (key.startsWith(auditKeys.log) ? 'exists' : store.putIfAbsent(key, ...more)),
    };
    await assert.rejects(recordAct({ store: taken, clock: () => 0 }, word('e')), { type: 'StoreUnavailable' });
  });

  it('is whole while people act, also where an act begins after its entries were listed', async () => {
    const { store, ports } = await chain(3);
    const list: ObjectStore['list'] = async function* (prefix, options) {
      yield* store.list(prefix, options);
      if (prefix !== auditKeys.log || options !== undefined) return;
      for (const act of ['x', 'y']) await recordAct(ports, word(act));
    };
    assert.deepEqual((({ verifiedSeq, broken }) => [verifiedSeq, broken])(await verifyAudit({ ...store, list })), [
      3,
      null,
    ]);
  });

  it('finds an act also where the note of its place is damaged, and writes it no second time', async () => {
    const { store, ports } = await chain(12);
    for (const bytes of [new Uint8Array([7]), jsonBytes({ afterSeq: -3 }), jsonBytes([])]) {
      await store.put(auditKeys.act('a5'), bytes);
      assert.equal((await recordAct(ports, word('a5'))).seq, 5);
    }
    assert.equal((await verifyAudit(store)).verifiedSeq, 12);
  });

  it('is read in pages, by what is wanted', async () => {
    const { store, ports } = await chain(30);
    await recordAct(ports, word('mine', { who: 'bo' }));
    await recordAct(ports, word('later'));
    const first = await readAuditPage(store, { limit: 20, isWanted: () => true }, () => undefined);
    assert.deepEqual([first.entries.length, first.next], [20, 13]);
    const rest = await readAuditPage(store, { ...all, before: first.next ?? 0 }, () => undefined);
    assert.deepEqual([rest.entries.length, rest.entries[0]?.seq, rest.next], [12, 12, null]);
    const bo = await readAuditPage(store, { limit: 5, isWanted: ({ who }) => who === 'bo' }, () => undefined);
    assert.deepEqual([bo.entries.map(({ actId }) => actId), bo.next], [['mine'], null]);
  });
});
