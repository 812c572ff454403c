import assert from 'node:assert/strict';

import { wallFollowingAction } from '../../../datasets/wall-following-rule.ts';
import { readWallFollowing } from '../../../datasets/importers/wall-following.ts';
import { expertDriver, type Driver } from '../../../fleet/simulator/driver.ts';
import { runEpisodes } from '../../../fleet/simulator/episodes.ts';
import { noQuirks } from '../../../fleet/simulator/quirks.ts';
import { readRecording } from '../../../fleet/simulator/recording/read-recording.ts';
import { recordingRobot, type Recording } from '../../../fleet/simulator/recording/recording-robot.ts';
import { randomStream } from '../../../policies/random.ts';
import { sharedDataset } from '../../support/shared-data.ts';

describe('the wall-following recording', () => {
  let recording: Recording;
  before(async () => (recording = await readRecording(sharedDataset('wall-following'))));

  const robots = (count: number) =>
    Array.from({ length: count }, (_, robot) =>
      recordingRobot({ recording, quirks: () => noQuirks, random: randomStream(robot, 'recording robot') }),
    );

  it('is labelled by the rule in all rows but the seven whose left distance is no minimum of the readings', async () => {
    const labels = (await readWallFollowing(sharedDataset('wall-following'))).map(({ action }) => action);
    assert.equal(recording.length, 5456);
    const others = recording.flatMap((readings, row) => (wallFollowingAction(readings) === labels[row] ? [] : [row]));
    assert.deepEqual(others, [734, 735, 979, 980, 1634, 4374, 4375]);
  });

  it('is lived frame by frame in its order, whatever the robot does, and begins again at its end', () => {
    const [first, second] = [new Float32Array(24).fill(1), new Float32Array(24).fill(2)];
    const robot = recordingRobot({ recording: [first, second], quirks: () => noQuirks, random: () => 0.9 });
    robot.begin();
    const seen = [0, 1, 2].map((action) => {
      const reading = robot.readings[0];
      robot.act(action);
      return reading;
    });
    assert.deepEqual(seen, [2, 1, 2]);
  });

  it('lets those succeed who do what the expert does, and nobody else', async () => {
    const expert = await runEpisodes(robots(20), expertDriver, { framesPerEpisode: 60 });
    assert.ok(expert.every(({ failure }) => failure === undefined));
    const neverSharp: Driver = { choose: async (_, tasks) => tasks.map(() => 1), close: async () => {} };
    const others = await runEpisodes(robots(20), neverSharp, { framesPerEpisode: 60 });
    assert.ok(others.filter(({ failure }) => failure === 'disagreed').length >= 18);
  });

  it('says so when there is no recording', async () => {
    await assert.rejects(readRecording('/nowhere'), /sensor_readings_24\.data/);
    assert.throws(() => recordingRobot({ recording: [], quirks: () => noQuirks, random: () => 0 }), /empty/);
  });
});
