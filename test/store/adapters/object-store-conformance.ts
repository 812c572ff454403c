// Longer than a usual test file: one suite, so that every adapter is held to the same words.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';

import { isFailure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

const text = (words: string) => new TextEncoder().encode(words);

/** Of each kind of character that a path, a URL, a shell or XML could stumble over. */
const oddKeys = [
  'with space/and  two',
  ' leading and trailing ',
  'plus+plus/100%/%2F%25/eq=ual/amp&amp;',
  `quote'/double"/back\\slash/<xml>`,
  'día=2026-11-22/日本語/Ωmega',
  'emoji/🤖/👩‍🚀.bin',
  'semi;colon:comma,at@hash#question?dollar$star*',
  'tilde~/.hidden/-dash/(paren)[bracket]{brace}|pipe^caret`tick',
  'nfc/\u00e9 and nfd/e\u0301',
  `long/${'x'.repeat(255)}/${'y'.repeat(255)}`,
];

const refusedKeys = [
  '',
  '/',
  '/absolute',
  'trailing/',
  'empty//segment',
  '.',
  '..',
  '../outside',
  'a/../../outside',
  'a/./b',
  'nul\0byte',
  'new\nline',
  'delete\u007f',
  'lone surrogate \ud83e',
  'not a character \uffff',
  'x'.repeat(256),
  'long/'.repeat(205).concat('x'),
  '.flywheel-unfinished/x',
];

const isRefused = (error: unknown) =>
  isFailure(error, 'InvalidInput') && /expected .* got .*\[key=/.test(error.message);

/** What every adapter of the port promises; `open` gives an empty store. */
export function describeObjectStore(name: string, open: (context: Mocha.Context) => Promise<StoreUnderTest>): void {
  describe(`${name} (object store conformance)`, function () {
    let opened: StoreUnderTest;
    let store: ObjectStore;
    let folder: string;

    before(async function () {
      opened = await open(this);
      store = opened.store;
      folder = await mkdtemp(join(tmpdir(), 'flywheel-conformance-'));
    });

    after(async () => {
      await opened?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const keysUnder = async (prefix: string, after?: string) => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix, after === undefined ? {} : { after })) keys.push(key);
      return keys;
    };

    it('gives back what was put, whole, and undefined where nothing is', async () => {
      await store.put('round/trip', text('hello'));
      await store.put('round/empty', new Uint8Array());
      assert.deepEqual(await store.get('round/trip'), text('hello'));
      assert.deepEqual(await store.get('round/empty'), new Uint8Array());
      assert.equal(await store.get('round/nothing'), undefined);
      assert.equal(await store.get('nothing/at/all'), undefined);
      assert.equal(await store.get('round'), undefined);
      assert.equal(await store.get('round/trip/below'), undefined);
    });

    it('keeps its own copy of the bytes', async () => {
      const bytes = Buffer.from('mine');
      await store.put('own/copy', bytes);
      bytes.fill(0);
      const got = await store.get('own/copy');
      got?.fill(0);
      assert.deepEqual(await store.get('own/copy'), text('mine'));
    });

    it('replaces by put, and never by putIfAbsent', async () => {
      await store.put('replace', text('first, longer'));
      await store.put('replace', text('second'));
      assert.equal(await store.putIfAbsent('replace', text('third')), 'exists');
      assert.deepEqual(await store.get('replace'), text('second'));
      assert.equal(await store.putIfAbsent('replace/not', text('x')).catch(() => 'refused'), 'refused');
      assert.equal(await store.putIfAbsent('absent', text('x')), 'created');
    });

    it('takes a file as body and leaves it as it is', async () => {
      const filePath = join(folder, 'body.bin');
      const bytes = new Uint8Array(3_000_000).map((_, index) => index % 251);
      await writeFile(filePath, bytes);
      await store.put('from-file/put', { filePath });
      assert.equal(await store.putIfAbsent('from-file/absent', { filePath }), 'created');
      assert.equal(await store.putIfAbsent('from-file/absent', { filePath }), 'exists');
      assert.deepEqual(new Uint8Array(await readFile(filePath)), bytes);
      await rm(filePath);
      assert.deepEqual(await store.get('from-file/put'), bytes);
      assert.deepEqual(await store.get('from-file/absent'), bytes);
    });

    it('refuses a body that is no file', async () => {
      for (const filePath of [join(folder, 'missing'), folder]) {
        await assert.rejects(store.put('no-file', { filePath }), (error) => isFailure(error, 'InvalidInput'));
      }
      assert.equal(await store.get('no-file'), undefined);
    });

    it('reads half-open ranges, cut at the end of the object', async () => {
      await store.put('range', text('0123456789'));
      const cases: readonly [number, number, string][] = [
        [0, 10, '0123456789'],
        [0, 1, '0'],
        [3, 5, '34'],
        [9, 10, '9'],
        [8, 1_000, '89'],
        [4, Number.POSITIVE_INFINITY, '456789'],
        [4, 4, ''],
        [10, 12, ''],
        [50, 60, ''],
      ];
      for (const [start, end, expected] of cases) {
        assert.deepEqual(await store.get('range', { start, end }), text(expected), `[${start}, ${end})`);
      }
      assert.equal(await store.get('range/none', { start: 0, end: 1 }), undefined);
      assert.equal(await store.get('range/none', { start: 1, end: 1 }), undefined);
      await store.put('range-of-empty', new Uint8Array());
      assert.deepEqual(await store.get('range-of-empty', { start: 0, end: 5 }), new Uint8Array());
    });

    it('refuses ranges that are none', async () => {
      for (const range of [
        { start: -1, end: 2 },
        { start: 3, end: 2 },
        { start: 0.5, end: 2 },
        { start: 0, end: Number.NaN },
      ]) {
        await assert.rejects(store.get('range', range), (error) => isFailure(error, 'InvalidInput'));
      }
    });

    it('never shows a reader half an object', async function () {
      this.timeout(60_000);
      const bodies = [new Uint8Array(700_000).fill(1), new Uint8Array(400_000).fill(2)] as const;
      await store.put('atomic', bodies[0]);
      const writer = { isWriting: true };
      const readers = [1, 2, 3].map(async () => {
        let reads = 0;
        for (; writer.isWriting; reads++) {
          const got = await store.get('atomic');
          const expected = got?.[0] === 1 ? bodies[0] : bodies[1];
          assert.ok(got !== undefined && Buffer.compare(got, expected) === 0, 'a mixed or cut object was read');
        }
        return reads;
      });
      for (let round = 0; round < 30; round++) await store.put('atomic', bodies[round % 2 === 0 ? 1 : 0]);
      writer.isWriting = false;
      const reads = await Promise.all(readers);
      assert.ok(reads.every((count) => count > 0));
    });

    it('has one winner among 50 writers of putIfAbsent', async () => {
      for (let round = 0; round < 3; round++) {
        const key = `race/${round}`;
        const bodies = Array.from({ length: 50 }, (_, writer) => text(`writer ${writer} `.repeat(100)));
        const results = await Promise.all(bodies.map((body) => store.putIfAbsent(key, body)));
        const winners = bodies.filter((_, writer) => results[writer] === 'created');
        assert.equal(winners.length, 1);
        assert.deepEqual(await store.get(key), winners[0]);
      }
    });

    it('lists past 1,000 keys in order, once each, with sizes', async function () {
      this.timeout(120_000);
      const expected = Array.from({ length: 1_050 }, (_, index) => `many/${String(index).padStart(6, '0')}.json`);
      for (let start = 0; start < expected.length; start += 25) {
        const batch = expected.slice(start, start + 25).toReversed();
        await Promise.all(batch.map((key, index) => store.put(key, new Uint8Array(index))));
      }
      assert.deepEqual(await keysUnder('many/'), expected);
      assert.deepEqual(await keysUnder('many/', 'many/000998.json'), expected.slice(999));
      assert.deepEqual(await keysUnder('many/00100'), expected.slice(1_000, 1_010));
      for await (const { key, sizeBytes, modifiedMs } of store.list('many/', { after: 'many/001024.json' })) {
        assert.equal(sizeBytes, 24 - (Number(key.slice(5, 11)) % 25));
        assert.ok(Number.isSafeInteger(modifiedMs) && modifiedMs > 0);
      }
    });

    it('orders by bytes of the whole key, folders included, from any start', async () => {
      const names = ['a', 'a-b', 'a.b', 'a0', 'aa', 'ab/c/d', 'ab-c', 'ab.c/d', 'Z', '_', '\uff5e', '\u{1f916}', 'a b'];
      const keys = names.flatMap((name) => (name.includes('/') ? [name] : [`${name}.x`, `${name}=/y`]));
      const expected = keys
        .map((key) => `order/${key}`)
        .toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
      for (const key of expected) await store.put(key, text(key));
      assert.deepEqual(await keysUnder('order/'), expected);
      for (const [index, key] of expected.entries()) {
        assert.deepEqual(await keysUnder('order/', key), expected.slice(index + 1), `after ${key}`);
      }
      for (const after of ['order/', 'order/a', 'order/ab/', 'order/ab/c/e', 'order/a0=/', 'zzz', '']) {
        const later = expected.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
        assert.deepEqual(await keysUnder('order/', after), later, `after ${after}`);
      }
      for (const prefix of ['order/a', 'order/ab/', 'order/ab/c/', 'order/ab/c/d', 'order/ab', 'order/none', 'orde']) {
        assert.deepEqual(
          await keysUnder(prefix),
          expected.filter((key) => key.startsWith(prefix)),
          prefix,
        );
      }
    });

    it('lists nothing where nothing is, and lets a caller stop early', async () => {
      assert.deepEqual(await keysUnder('no/such/'), []);
      assert.deepEqual(await keysUnder('no-such'), []);
      for (const key of ['stop/1', 'stop/2', 'stop/3']) await store.put(key, text(key));
      for await (const { key } of store.list('stop/')) {
        assert.equal(key, 'stop/1');
        break;
      }
    });

    for (const key of oddKeys) {
      it(`keeps the key ${JSON.stringify(key.length > 80 ? `${key.slice(0, 20)}…` : key)} as it is`, async () => {
        const full = `odd/${key}`;
        await store.put(full, text(key));
        assert.deepEqual(await store.get(full), text(key));
        assert.equal(await store.putIfAbsent(full, text('other')), 'exists');
        assert.deepEqual(await keysUnder(full), [full]);
        assert.ok((await keysUnder('odd/')).includes(full));
        const path = await store.localPath(full);
        assert.deepEqual(await readFile(path!), Buffer.from(key));
        await store.delete(full);
        assert.equal(await store.get(full), undefined);
        assert.deepEqual(await keysUnder(full), []);
      });
    }

    for (const key of refusedKeys) {
      it(`refuses the key ${JSON.stringify(key.length > 80 ? `${key.slice(0, 20)}…` : key)}`, async () => {
        await assert.rejects(store.get(key), isRefused);
        await assert.rejects(store.put(key, text('x')), isRefused);
        await assert.rejects(store.putIfAbsent(key, text('x')), isRefused);
        await assert.rejects(store.delete(key), isRefused);
        await assert.rejects(store.localPath(key), isRefused);
        if (!['', 'trailing/', '.', '..', 'x'.repeat(256)].includes(key))
          await assert.rejects(keysUnder(key), isRefused);
      });
    }

    it('deletes what is there, and does not mind when nothing is', async () => {
      await store.put('delete/deep/down', text('x'));
      await store.delete('delete/deep/down');
      await store.delete('delete/deep/down');
      await store.delete('delete');
      await store.delete('never/was');
      assert.deepEqual(await keysUnder('delete'), []);
      await store.put('delete', text('an object where a folder was'));
      await store.delete('delete/deep');
      assert.deepEqual(await store.get('delete'), text('an object where a folder was'));
    });

    it('gives a local file with the bytes of now and the ending of the key', async () => {
      await store.put('local/table.parquet', text('one'));
      const first = (await store.localPath('local/table.parquet'))!;
      assert.ok(first.endsWith('.parquet'));
      assert.equal(await readFile(first, 'utf8'), 'one');
      await store.put('local/table.parquet', text('two!'));
      const [second, again] = await Promise.all([
        store.localPath('local/table.parquet'),
        store.localPath('local/table.parquet'),
      ]);
      assert.equal(await readFile(second!, 'utf8'), 'two!');
      assert.equal(second, again);
      assert.equal(await store.localPath('local/none'), undefined);
      assert.equal(await store.localPath('local'), undefined);
    });

    it('does whatever a map would do, in any order', async () => {
      let runs = 0;
      const key = fc.constantFrom('a', 'b', 'c/d', 'c/e', 'f/g/h', 'é');
      const step = fc.record({
        kind: fc.constantFrom('put', 'putIfAbsent', 'delete'),
        key,
        bytes: fc.uint8Array({ maxLength: 40 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
          const prefix = `model/${runs++}/`;
          const expected = new Map<string, Uint8Array>();
          for (const { kind, key, bytes } of steps) {
            if (kind === 'put') await store.put(prefix + key, bytes);
            if (kind === 'delete') await store.delete(prefix + key);
            const before = expected.get(key);
            if (kind === 'putIfAbsent') {
              const result = await store.putIfAbsent(prefix + key, bytes);
              assert.equal(result, before === undefined ? 'created' : 'exists');
            }
            if (kind === 'delete') expected.delete(key);
            else if (kind === 'put' || before === undefined) expected.set(key, bytes);
          }
          for (const [name, bytes] of expected) assert.deepEqual(await store.get(prefix + name), bytes);
          const names = [...expected.keys()].toSorted();
          assert.deepEqual(
            await keysUnder(prefix),
            names.map((name) => prefix + name),
          );
        }),
        { numRuns: 20, seed: 11 },
      );
    });
  });
}
