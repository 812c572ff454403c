import assert from 'node:assert/strict';
import { join } from 'node:path';

import { checkFile, type CheckedFile } from '../../../activities/collection/check-file.ts';
import { segmentJudge } from '../../../activities/collection/segment-judge.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { writeSegment } from '../../../datasets/recorder.ts';
import { CollectionWorld, footerOf, oneRobot } from './collection-fixture.ts';

describe('checking a file without storing it', () => {
  let world: CollectionWorld;
  const { robotId, episodes } = oneRobot(4, 3);
  beforeEach(async () => {
    world = await CollectionWorld.open();
  });
  afterEach(() => world.close());

  async function check(filePath: string): Promise<CheckedFile> {
    const session = await world.ports.engine.open();
    try {
      const ports = { ...world.ports, judge: segmentJudge(world.ports.engine), session };
      return await checkFile(ports, { filePath, type: scitosG5Type });
    } finally {
      await session.close();
    }
  }

  it('says what a collection would say of it, rule by rule, and leaves no trace', async () => {
    const path = join(world.directory, 'check.parquet');
    const rows = episodes.flat().map((row, index) => (index === 30 ? { ...row, frame_index: 9 } : row));
    await writeSegment(rows, footerOf(robotId), path);
    const before = await world.keys('');
    const { violations, ...checked } = await check(path);
    const { sha256, sizeBytes, ...counts } = checked;
    assert.deepEqual(counts, {
      robotId,
      frames: 75,
      episodes: { accepted: 2, alreadyStored: 0, refused: 1 },
      isAccepted: false,
    });
    assert.ok(sha256.length === 64 && sizeBytes > 0);
    const [first] = violations;
    assert.deepEqual([first?.rule, first?.waivable, first?.row], ['frames.order', false, 6]);
    assert.equal(first?.episodeId, episodes[1]![0]!.episode_id);
    const left = (await world.keys('')).filter((key) => !before.includes(key) && !key.includes('_delta_log'));
    assert.deepEqual(left, []);
    assert.deepEqual(await world.leftInScratch(), []);
  });

  it('accepts a sound one, and knows it again once it is stored', async () => {
    const path = join(world.directory, 'sound.parquet');
    await writeSegment(episodes.flat(), footerOf(robotId), path);
    assert.deepEqual((await check(path)).episodes, { accepted: 3, alreadyStored: 0, refused: 0 });
    await world.land(robotId, episodes.flat());
    await world.collect('c1');
    const again = await check(path);
    assert.deepEqual([again.episodes, again.isAccepted], [{ accepted: 0, alreadyStored: 3, refused: 0 }, true]);
  });

  it('names the rule of a file that is no segment', async () => {
    const { violations } = await check(new URL('../../../package.json', import.meta.url).pathname);
    assert.deepEqual(
      violations.map(({ rule }) => rule),
      ['segment.unreadable'],
    );
  });
});
