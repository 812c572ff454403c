import assert from 'node:assert/strict';

import { imageKillPoints, type KillPoint } from '../../fleet/agent/index.ts';
import { sufferImageDeaths } from '../fleet/agent/images/image-deaths.ts';

const wanted = 200;
const points: readonly KillPoint[] = [
  ...imageKillPoints,
  'frame.written',
  'end.written',
  'segment.named',
  'spool.sealed',
];

describe('two hundred sudden deaths of robots with cameras', () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`keep the accounts of its images (seed ${seed})`, async function () {
      this.timeout(30 * 60_000);
      const lives = Array.from({ length: wanted / 5 + 4 }, (_, life) => points[(life + seed * 5) % points.length]!);
      const { kills, reached } = await sufferImageDeaths({
        seed,
        points: lives,
        maker: seed === 5 ? 'child' : 'inProcess',
      });
      assert.ok(kills >= wanted / 5, `expected ${wanted / 5} kills, got ${kills} at ${[...reached].join(', ')}`);
    });
});
