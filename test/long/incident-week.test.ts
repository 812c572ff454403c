import assert from 'node:assert/strict';

import { measureIncidents } from '../../bench/incidents.ts';

describe('a bad week of 500 robots', function () {
  this.timeout(300_000);

  for (const seed of [1, 2, 3])
    it(`brings at most one new incident in 10 min at the 99th percentile, and one for each dead network, seed ${seed}`, () => {
      const { p99InTenMinutes, opened, ofDeadNetworks, byCause } = measureIncidents({ robots: 500, sites: 10, seed });
      assert.ok(p99InTenMinutes <= 1, `${p99InTenMinutes} in 10 min; ${byCause}`);
      assert.equal(ofDeadNetworks, '1 + 1 + 1');
      // What is put together is still told: every cause that there was opened.
      assert.ok(opened > 20, `${opened}`);
      for (const cause of ['silent', 'crashLoop', 'installRefused', 'unsafe', 'anomaly'])
        assert.match(byCause, new RegExp(`\\b${cause} \\d`));
    });
});
