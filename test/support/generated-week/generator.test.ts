import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { wallFollowingAction } from '../../../datasets/wall-following-rule.ts';
import { generateWallFollowing, writeGeneratedWeek } from './generator.ts';
import { seededRandom } from './seeded-random.ts';
import { segmentRowSchema } from '../../../datasets/segment-row.ts';

const options = { seed: 1, robots: 3, episodesPerRobot: 20, framesPerEpisode: 40, startMs: 0, endMs: 86_400_000 };

describe('the generator of wall-following weeks', () => {
  it('gives the same episodes for the same seed, others for another', () => {
    const episodes = [...generateWallFollowing(options)];
    assert.deepEqual([...generateWallFollowing(options)], episodes);
    const others = [...generateWallFollowing({ ...options, seed: 2 })];
    assert.notDeepEqual(others[0]?.[0]?.observation, episodes[0]?.[0]?.observation);
    const ids = new Set([...episodes, ...others].map(([first]) => first?.episode_id));
    assert.equal(ids.size, 120);
  });

  it('makes rows that the recorder takes, with every action, failures and corrections', () => {
    const rows = [...generateWallFollowing(options)].flat();
    assert.equal(rows.length, 3 * 20 * 40);
    for (const row of rows) assert.ok(segmentRowSchema.safeParse(row).success);
    assert.deepEqual(new Set(rows.map(({ action }) => action[0])), new Set([0, 1, 2, 3]));
    assert.ok(rows.some(({ outcome }) => outcome === 'failure'));
    const corrections = rows.filter((row) => row.is_correction);
    assert.ok(corrections.length > 0);
    for (const { expert_action, action, observation } of corrections) {
      assert.equal(expert_action?.[0], wallFollowingAction([...(observation as number[])]));
      assert.notEqual(expert_action?.[0], action[0]);
    }
  });

  it('mostly does what the expert would', () => {
    const rows = [...generateWallFollowing({ ...options, failureFraction: 0 })].flat();
    const right = rows.filter(
      (row) => row.action[0] === wallFollowingAction([...(row.observation as number[])]),
    ).length;
    assert.ok(right / rows.length > 0.97);
  });

  it('lands a segment a robot, the same again for the same week, another for the next', async () => {
    const scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-generator-'));
    const store = memoryObjectStore();
    const small = { seed: 1, robots: 2, episodesPerRobotDay: 1, framesPerEpisode: 10 };
    const keys = async () => {
      const found: string[] = [];
      for await (const { key } of store.list('landing/')) found.push(key);
      return found;
    };
    const week = await writeGeneratedWeek({ store, scratchDirectory }, { ...small, week: 0 });
    assert.deepEqual(week, { segments: 2, episodes: 14, frames: 140 });
    const first = await keys();
    await writeGeneratedWeek({ store, scratchDirectory }, { ...small, week: 0 });
    assert.deepEqual(await keys(), first);
    await writeGeneratedWeek({ store, scratchDirectory }, { ...small, week: 1 });
    assert.equal((await keys()).length, 4);
    await rm(scratchDirectory, { recursive: true });
  });

  it('draws evenly from [0, 1)', () => {
    const random = seededRandom('even');
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 100_000; draw++) counts[Math.floor(random() * 10)]!++;
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500);
  });
});
