import assert from 'node:assert/strict';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { describeFlywheel } from '../../bench/flywheel.ts';
import { collectWeek } from '../../bench/flywheel/collect.ts';
import { openLearningLoop } from '../../bench/flywheel/loop.ts';
import { cameraSettings } from '../../bench/flywheel/settings.ts';
import { scitosG5CameraType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { segmentRowSchema } from '../../datasets/segment-row.ts';
import { closedLoopSuccess } from '../../fleet/simulator/closed-loop.ts';
import { expertDriver, modelDriver, teacherDriver, type Driver } from '../../fleet/simulator/driver.ts';

const forward: Driver = { choose: async (_, robots) => new Int32Array(robots), close: async () => undefined };
const week = {
  robotType: scitosG5Type,
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

  it('teaches robots that have nothing but a camera by the clips of what they saw: few rows, and no rate', async () => {
    const robotType = scitosG5CameraType;
    const weeks = await collectWeek({ ...week, robotType, robots: 8, driver: teacherDriver, isCorrected: false });
    const rows = weeks.flatMap((robot) => robot.rows);
    for (const row of rows) segmentRowSchema.parse(row);
    const clips = weeks.flatMap((robot) => robot.clips.map(({ sha256 }) => sha256));
    assert.deepEqual([...new Set(rows.flatMap(({ media }) => media?.map(({ sha256 }) => sha256) ?? []))], clips);
    assert.equal(clips.length, 16);
    const loop = await openLearningLoop({
      ...cameraSettings,
      hyperparameters: { maxSteps: 20, evaluateEverySteps: 10 },
    });
    const { model, episodesStored, quarantinedEpisodes, trainRows } = await loop.cycle({ name: 'one', weeks, seed: 1 });
    await loop.close();
    assert.deepEqual([episodesStored, quarantinedEpisodes], [16, 0]);
    // Half of the robots' days at least; a row without its image would not be learned from.
    assert.ok(trainRows >= rows.length / 2, `${trainRows} of ${rows.length}`);
    const driver = await modelDriver(onnxRuntime(), model, robotType);
    assert.deepEqual(
      driver.cameras?.map(({ name }) => name),
      ['wide'],
    );
    const driven = await closedLoopSuccess(driver, {
      families: ['ring'],
      seeds: [1],
      episodes: 2,
      framesPerEpisode: 12,
      body: robotType,
    });
    assert.equal(driven.episodes, 2);
    await assert.rejects(driver.choose(Float32Array.of(12), Int32Array.of(0)), /expected an image of camera wide/);
    await driver.close();
  }).timeout(60_000);

  it('prints success a cycle for both loops', () => {
    const text = describeFlywheel({
      leg: 'flywheel',
      robotType: 'scitos-g5@1',
      cameras: [],
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
