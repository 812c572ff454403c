import assert from 'node:assert/strict';

import type { Lake } from '../../../activities/lake/lake.ts';
import { CollectionWorld, generatedEpisodes } from './collection-fixture.ts';

describe('a collection that was given up between its two commits', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
  });
  afterEach(() => world.close());

  it('leaves nothing twice: the next collection adds the episodes and not the frames again', async () => {
    for (const [robotId, episodes] of generatedEpisodes(3, 2, 3)) await world.land(robotId, episodes.flat());
    const { lake } = world.ports;
    const dying: Lake = {
      ...lake,
      commitStaged: async (table, ...rest) => {
        if (table === 'episodes') throw new Error('given up');
        return lake.commitStaged(table, ...rest);
      },
    };
    await assert.rejects(world.collect('given-up', { ports: { ...world.ports, lake: dying } }), /given up/);
    assert.equal((await world.rows('frames', 'episode_id')).length, 150);
    assert.equal((await world.rows('episodes', 'episode_id')).length, 0);

    const { result } = await world.collect('next');
    assert.equal(result.episodesStored, 6);
    const frames = await world.rows('frames', 'episode_id, frame_index');
    assert.equal(frames.length, 150);
    assert.equal(
      new Set(frames.map((row) => `${row['episode_id'] as string}/${row['frame_index'] as number}`)).size,
      150,
    );
    assert.equal((await world.rows('episodes', 'episode_id')).length, 6);
  });
});
