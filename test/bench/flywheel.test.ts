import assert from 'node:assert/strict';

import { describeFlywheel } from '../../bench/flywheel.ts';
import { collectWeek } from '../../bench/flywheel/collect.ts';
import { segmentRowSchema } from '../../datasets/segment-row.ts';
import { expertDriver, type Driver } from '../../fleet/simulator/driver.ts';

const forward: Driver = { choose: async (_, robots) => new Int32Array(robots), close: async () => undefined };
const week = {
  families: ['hall', 'corner'],
  seed: 3,
  week: 1,
  robots: 2,
  episodesPerRobot: 2,
  framesPerEpisode: 30,
} as const;

describe('the flywheel benchmark', () => {
  it('collects rows a segment takes; only what was wrong is corrected', async () => {
    const weeks = await collectWeek({ ...week, driver: forward, isCorrected: true });
    const rows = weeks.flatMap((robot) => robot.rows);
    for (const row of rows) segmentRowSchema.parse(row);
    assert.ok(rows.some((row) => row.is_correction));
    assert.ok(rows.every((row) => row.is_correction === (row.expert_action !== null)));
    assert.ok(rows.every((row) => row.expert_action === null || row.expert_action[0] !== row.action[0]));
    assert.deepEqual(await collectWeek({ ...week, driver: forward, isCorrected: true }), weeks);
  });

  it('has nothing to correct when nobody corrects, or when the expert drives', async () => {
    for (const input of [
      { driver: forward, isCorrected: false },
      { driver: expertDriver, isCorrected: true },
    ])
      for (const { rows } of await collectWeek({ ...week, ...input }))
        assert.ok(rows.every((row) => !row.is_correction && row.expert_action === null));
  });

  it('prints success a cycle for both loops', () => {
    const text = describeFlywheel({
      leg: 'flywheel',
      cycles: 1,
      seeds: [1],
      heldoutEpisodes: 200,
      trainedFamilies: ['hall'],
      heldoutFamilies: ['ring'],
      successFraction: [0.4, 0.9],
      successFractionWithoutCorrections: [0.4, 0.35],
      gainPoints: 50,
      gainWithoutCorrectionsPoints: -5,
      bySeed: [{ withCorrections: [0.4, 0.9], without: [0.4, 0.35] }],
    });
    assert.match(text, /with corrections +40\.0 % +90\.0 %/);
    assert.match(text, /without corrections +40\.0 % +35\.0 %/);
    assert.match(text, /gain 50\.0 points, without corrections -5\.0 points/);
  });
});
