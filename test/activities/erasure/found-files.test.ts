import assert from 'node:assert/strict';

import { search } from '../../../activities/erasure/find-erased.ts';
import { columnRows } from '../../../datasets/column-rows.ts';
import { readErasureRequest } from '../../../store/records/erasures.ts';
import { request, threeRobots } from './erasure-world.ts';
import { filled } from './filled-world.ts';

describe('an erasure that looks through the lake', () => {
  it('names exactly the files with its rows, and how many each has, as another reader counts them', async () => {
    const world = await filled();
    try {
      const { store } = world.ports;
      // Files with more rows of it than the others, and files with none.
      const more = threeRobots(7, 4);
      for (const robotId of ['r1', 'r2']) {
        await world.land(robotId, more.get(robotId)?.flat() ?? []);
        await world.collect(`only-${robotId}`);
      }
      await request(world.ports, 'e1', { kind: 'robot', robotId: 'r1' });
      const episodes = await world.rows('episodes', 'episode_id, robot_id');
      const own = new Set<unknown>(
        episodes.flatMap(({ episode_id: id, robot_id: robotId }) => (robotId === 'r1' ? [id] : [])),
      );
      const counted: Record<string, number> = {};
      for (const table of ['episodes', 'frames'])
        for (const key of await world.keys(`lake/${table}/`)) {
          if (!key.endsWith('.parquet')) continue;
          let rows = 0;
          for await (const row of columnRows((await store.localPath(key)) ?? '', ['episode_id']))
            if (own.has(row['episode_id'])) rows += 1;
          if (rows > 0) counted[key] = rows;
        }
      const { lakeFiles } = await search(world.ports, await readErasureRequest(store, 'e1'), new Set(), 1);
      assert.deepEqual(Object.fromEntries(lakeFiles.map(({ key, rows }) => [key, rows])), counted);
      assert.ok(new Set(Object.values(counted)).size > 3, 'files differ in how many rows they have');
    } finally {
      await world.close();
    }
  });
});
