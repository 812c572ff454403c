import assert from 'node:assert/strict';

import { inSteps } from '../../../activities/collection/in-steps.ts';

async function* upTo(count: number): AsyncGenerator<number> {
  for (let item = 0; item < count; item += 1) yield item;
}

describe('items in steps', () => {
  it('are all there, in order, never more than a step at once', async () => {
    for (const count of [0, 1, 2, 3, 4, 6, 7]) {
      const steps: (readonly number[])[] = [];
      for await (const step of inSteps(upTo(count), 3)) steps.push(step);
      assert.deepEqual(
        steps.map((step) => step.length),
        [...Array.from({ length: Math.floor(count / 3) }, () => 3), ...(count % 3 === 0 ? [] : [count % 3])],
      );
      assert.deepEqual(
        steps.flat(),
        Array.from({ length: count }, (_, item) => item),
      );
    }
  });
});
