import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { Split } from '../../../datasets/columns.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { leastSplitEpisodes, manyRobots, splitOf, youngSplits } from '../../../datasets/split.ts';
import { CollectionWorld, generatedEpisodes, oneRobot } from './collection-fixture.ts';

const rule = scitosG5Type.split;
const day = (row: { readonly started_at: number }): string =>
  new Date(row.started_at / 1000).toISOString().slice(0, 10);

describe('a young lake', function () {
  this.timeout(60_000);
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
  });
  afterEach(() => world.close());

  const splitsStored = async (): Promise<ReadonlyMap<string, Split>> =>
    new Map(
      (await world.rows('episodes', 'episode_id, split')).map((row) => [
        row['episode_id'] as string,
        row['split'] as Split,
      ]),
    );
  const counted = (splits: ReadonlyMap<string, Split>): Record<Split, number> => ({
    train: [...splits.values()].filter((split) => split === 'train').length,
    validation: [...splits.values()].filter((split) => split === 'validation').length,
    heldout: [...splits.values()].filter((split) => split === 'heldout').length,
  });

  it('has training data first, then validation, then held-out, however few episodes one robot brings, and keeps what it has', async () => {
    const { robotId, episodes } = oneRobot(3, 4);
    const expected = [
      { train: 1, validation: 0, heldout: 0 },
      { train: 1, validation: 1, heldout: 0 },
      { train: 1, validation: 1, heldout: 1 },
    ];
    let before: ReadonlyMap<string, Split> = new Map();
    for (const [index, counts] of expected.entries()) {
      await world.land(robotId, episodes[index]!);
      await world.collect(`c${index}`);
      const now = await splitsStored();
      assert.deepEqual(counted(now), counts);
      for (const [id, split] of before) assert.equal(now.get(id), split);
      before = now;
    }
  });

  it('of one robot with one day gets all three splits, whatever the robot’s name hashes to', async () => {
    const { episodes } = oneRobot(5, 60);
    const [today] = episodes[0]!.map(day);
    const ofOneDay = episodes.filter(([first]) => day(first!) === today);
    assert.ok(ofOneDay.length >= 5);
    const heldoutRobot = Array.from({ length: 100 }, (_, index) => `robot-${index}`).find(
      (robotId) => splitOf({ robotId, recordedOn: today!, startedAtUs: 0 }, rule) === 'heldout',
    )!;
    const rows = ofOneDay.flat().map((row) => ({ ...row, robot_id: heldoutRobot }));
    await world.land(heldoutRobot, rows);
    await world.collect('c1');
    const { train, validation, heldout } = counted(await splitsStored());
    assert.equal(train + validation + heldout, ofOneDay.length);
    assert.ok(train > 0 && validation > 0 && heldout > 0 && train > validation);
  });

  it('is split by robot and day where many robots bring their episodes, however the collection is cut into batches', async () => {
    for (const [robotId, own] of generatedEpisodes(7, manyRobots, 1)) await world.land(robotId, own.flat());
    const { batches } = await world.collect('c1', { batchSizeBytes: 50_000 });
    assert.ok(batches.length > 1);
    for (const row of await world.rows('episodes', 'robot_id, recorded_on::VARCHAR AS day, split')) {
      const [robotId, recordedOn] = [row['robot_id'] as string, row['day'] as string];
      assert.equal(row['split'], splitOf({ robotId, recordedOn, startedAtUs: 0 }, rule));
    }
  });

  it('that has enough of every split is split by robot and day, with few robots too', async () => {
    const { robotId, episodes } = oneRobot(11, leastSplitEpisodes * 14);
    const first = episodes.slice(0, -3);
    await world.land(robotId, first.flat());
    await world.collect('c1');
    assert.ok(Object.values(counted(await splitsStored())).every((count) => count >= leastSplitEpisodes));
    const last = episodes.slice(-3);
    await world.land(robotId, last.flat());
    await world.collect('c2');
    const stored = await splitsStored();
    for (const [frame] of last) {
      const expected = splitOf({ robotId, recordedOn: day(frame!), startedAtUs: 0 }, rule);
      assert.equal(stored.get(frame!.episode_id), expected);
    }
  });

  it('ends with the least number of episodes in each split, and asks nothing of a rule by time or without the split', () => {
    const enough = { train: leastSplitEpisodes, validation: leastSplitEpisodes, heldout: leastSplitEpisodes };
    assert.equal(youngSplits(enough, rule), undefined);
    assert.deepEqual(youngSplits({ ...enough, heldout: leastSplitEpisodes - 1 }, rule), []);
    assert.deepEqual(youngSplits({ train: 0, validation: 0, heldout: 0 }, rule), ['train', 'validation', 'heldout']);
    assert.deepEqual(
      youngSplits({ ...enough, validation: 0 }, { kind: 'robotDay', validationFraction: 0, heldoutFraction: 0.1 }),
      undefined,
    );
    assert.equal(
      youngSplits(
        { train: 0, validation: 0, heldout: 0 },
        { kind: 'time', validation: [], heldoutStart: '2020-01-01T00:00:00Z' },
      ),
      undefined,
    );
  });

  it('gives the same splits whatever the order of the segments', async () => {
    const { robotId, episodes } = oneRobot(9, 12);
    const landed = async (order: readonly number[]): Promise<ReadonlyMap<string, Split>> => {
      const other = await CollectionWorld.open();
      try {
        for (const index of order) await other.land(robotId, episodes[index]!);
        await other.collect('c1');
        return new Map(
          (await other.rows('episodes', 'episode_id, split')).map((row) => [
            row['episode_id'] as string,
            row['split'] as Split,
          ]),
        );
      } finally {
        await other.close();
      }
    };
    const indexes = Array.from({ length: 12 }, (_, index) => index);
    const first = await landed(indexes);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(indexes, { minLength: 12 }), async (order) => {
        assert.deepEqual(await landed(order), first);
      }),
      { numRuns: 3, seed: 1 },
    );
  });
});
