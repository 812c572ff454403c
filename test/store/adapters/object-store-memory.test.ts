import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { describeObjectStore } from './object-store-conformance.ts';

describeObjectStore('memory', async () => ({ store: memoryObjectStore(), close: async () => {} }));

describe('memory object store', () => {
  it('tells by its clock when an object became visible', async () => {
    const store = memoryObjectStore(() => 1_234);
    await store.put('a', new Uint8Array(3));
    for await (const entry of store.list('')) assert.deepEqual(entry, { key: 'a', sizeBytes: 3, modifiedMs: 1_234 });
  });

  it('refuses, as a folder of files must, a key that would be an object and a folder', async () => {
    const store = memoryObjectStore();
    await store.put('a/b', new Uint8Array());
    for (const key of ['a', 'a/b/c']) {
      await assert.rejects(store.put(key, new Uint8Array()), (error) => isFailure(error, 'InvalidInput'));
    }
    await store.delete('a/b');
    assert.equal(await store.putIfAbsent('a', new Uint8Array()), 'created');
  });

  it('gives local files of many stores without a listener on the process for each', async () => {
    const before = process.listenerCount('exit');
    for (let count = 0; count < 20; count += 1) {
      const store = memoryObjectStore();
      await store.put('a.bin', new Uint8Array([count]));
      const file = (await store.localPath('a.bin')) ?? 'none';
      assert.deepEqual([...(await readFile(file))], [count]);
    }
    assert.ok(process.listenerCount('exit') <= before + 1);
  });
});
