import assert from 'node:assert/strict';

import { killPoints } from '../../fleet/agent/index.ts';
import { sufferSuddenDeaths } from '../fleet/agent/sudden-death.ts';

const wanted = 200;

describe('two hundred sudden deaths', () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`keep the accounts of a robot (seed ${seed})`, async function () {
      this.timeout(20 * 60_000);
      const points = Array.from(
        { length: wanted / 5 + 4 },
        (_, life) => killPoints[(life + seed * 7) % killPoints.length]!,
      );
      const { kills, reached } = await sufferSuddenDeaths({ seed, points });
      assert.ok(kills >= wanted / 5, `expected ${wanted / 5} kills, got ${kills} at ${[...reached].join(', ')}`);
    });
});
