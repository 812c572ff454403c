import assert from 'node:assert/strict';

import { addOperator, readOperators } from '../../../fleet/desk/operators.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';

describe('operators', () => {
  const operator = { name: 'ada', role: 'viewer', tokenHash: 'a'.repeat(64), who: 'bo', why: 'y'.repeat(500) } as const;

  it('are written down with who added them and why, in words that a person can read', async () => {
    const store = memoryObjectStore();
    await addOperator({ store, clock: () => 7 }, operator);
    assert.deepEqual([...(await readOperators(store)).values()], [{ ...operator, atMs: 7 }]);
    for (const wrong of [{ why: '' }, { why: 'y'.repeat(501) }, { who: '' }, { who: 'w'.repeat(201) }])
      await assert.rejects(addOperator({ store, clock: () => 8 }, { ...operator, name: 'cy', ...wrong }));
    assert.deepEqual([...(await readOperators(store)).keys()], ['ada']);
  });
});
