import assert from 'node:assert/strict';

import type { KillPoint } from '../../../fleet/agent/index.ts';
import { sufferSuddenDeaths } from './sudden-death.ts';

/** The most telling points; test/long goes through all of them, again and again. */
const points: readonly KillPoint[] = [
  'state.written',
  'frame.written',
  'end.written',
  'segment.named',
  'upload.answered',
  'drop.counted',
];

describe('sudden death of a robot’s agent', () => {
  it('loses no ended episode, doubles none and always loads its policy', async function () {
    this.timeout(180_000);
    const { kills, reached } = await sufferSuddenDeaths({ seed: 1, points });
    assert.deepEqual([...reached].toSorted(), points.toSorted());
    assert.equal(kills, points.length);
  });
});
