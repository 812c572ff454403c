import assert from 'node:assert/strict';

import type { KillPoint } from '../../../../fleet/agent/index.ts';
import { sufferImageDeaths } from './image-deaths.ts';

/** The most telling points; test/long goes through all of them, again and again. */
const points: readonly KillPoint[] = ['image.written', 'clip.named', 'clip.released', 'clip.answered'];

describe('sudden death of the agent of a robot with cameras', () => {
  it('loses no image that was recorded, doubles none, and names no clip that does not exist', async function () {
    this.timeout(180_000);
    const { kills, reached, images } = await sufferImageDeaths({ seed: 1, points, maker: 'inProcess' });
    assert.deepEqual([...reached].toSorted(), points.toSorted());
    assert.equal(kills, points.length);
    assert.ok(images > 60, `${images}`);
  });
});
