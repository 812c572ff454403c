import assert from 'node:assert/strict';

import { scitosG5RoomsType } from '../../../datasets/built-in-robot-types.ts';
import { decisionLatencyMs } from '../../../fleet/simulator/computer.ts';
import { expertDriver } from '../../../fleet/simulator/driver.ts';
import { runEpisodes } from '../../../fleet/simulator/episodes.ts';
import { noQuirks, type Quirks } from '../../../fleet/simulator/quirks.ts';
import { drawRoom, roomFamilies } from '../../../fleet/simulator/rooms/families.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics } from '../../../fleet/simulator/rooms/room.ts';
import { tour } from '../../../fleet/simulator/rooms/tour.ts';
import { randomStream } from '../../../policies/random.ts';

describe('a robot that tours', () => {
  it('lives each episode in the next place, and makes a place only when it comes there', async () => {
    const openRoom = await loadPhysics();
    const made: string[] = [];
    const random = randomStream(1, 'tour');
    const places = roomFamilies.map((family) => () => {
      made.push(family);
      return roomRobot({ room: openRoom(drawRoom(family, 1)), family, quirks: () => noQuirks, random });
    });
    const robot = tour(places, 6);
    assert.deepEqual(made, ['zigzag']);
    const seen: (string | undefined)[] = [];
    for (let episode = 0; episode < 4; episode += 1) {
      robot.begin();
      seen.push(robot.place());
      assert.equal(robot.readings.length, 24);
      robot.act(robot.expertAction());
    }
    assert.deepEqual(seen, ['zigzag', 'slanted', 'hall', 'corner']);
    assert.deepEqual(made, seen);
  });

  it('has every family of rooms as a task of its robot type', () => {
    assert.deepEqual(scitosG5RoomsType.tasks, [...roomFamilies]);
  });

  it('tells the driver its task', async () => {
    const openRoom = await loadPhysics();
    const random = randomStream(1, 'tour');
    const robots = (['ring', 'hall'] as const).map((family) =>
      roomRobot({ room: openRoom(drawRoom(family, 1)), family, quirks: () => noQuirks, random }),
    );
    const asked: number[][] = [];
    const driver = {
      ...expertDriver,
      choose(readings: Float32Array, tasks: Int32Array) {
        asked.push([...tasks]);
        return expertDriver.choose(readings, tasks);
      },
    };
    await runEpisodes(robots, driver, { framesPerEpisode: 1, tasks: scitosG5RoomsType.tasks });
    await runEpisodes(robots, driver, { framesPerEpisode: 1 });
    assert.deepEqual(asked, [
      [roomFamilies.indexOf('ring'), 0],
      [0, 0],
    ]);
  });

  it('goes on from where it is with the next episode, or begins anywhere where the scenario says so', async () => {
    const openRoom = await loadPhysics();
    const posesOf = (startsAnew: boolean | undefined) => {
      const room = openRoom(drawRoom('hall', 1));
      const robot = roomRobot({ room, quirks: () => noQuirks, random: randomStream(1, 'tour'), startsAnew });
      robot.begin();
      const before = robot.pose();
      assert.equal(robot.failure(), undefined);
      robot.begin();
      return [before, robot.pose()];
    };
    for (const startsAnew of [undefined, false]) {
      const [before, after] = posesOf(startsAnew);
      assert.deepEqual(after, before);
    }
    const [before, after] = posesOf(true);
    assert.notDeepEqual(after, before);
    assert.ok(parseScenario({ world: { kind: 'rooms', startsAnew: true } }).world.kind === 'rooms');
  });

  it('breaks and is repaired with the next episode', async () => {
    const openRoom = await loadPhysics();
    let quirks: Quirks = noQuirks;
    const robot = roomRobot({
      room: openRoom(drawRoom('hall', 1)),
      quirks: () => quirks,
      random: randomStream(1, 'tour'),
    });
    robot.begin();
    quirks = { ...noQuirks, deadSensor: 13 };
    robot.act(0);
    assert.notEqual(robot.readings[12], 0.5);
    robot.begin();
    assert.equal(robot.readings[12], 0.5);
    quirks = noQuirks;
    robot.begin();
    assert.notEqual(robot.readings[12], 0.5);
  });
});

describe('the computer of a simulated robot', () => {
  it('takes longer for a larger model, and about as long every time', () => {
    const random = randomStream(1, 'computer');
    const times = (sizeBytes: number): readonly number[] =>
      Array.from({ length: 200 }, () => decisionLatencyMs(sizeBytes, random));
    const [small, large] = [times(0), times(10_000_000)];
    assert.ok(small.every((ms) => ms >= 9 && ms <= 11));
    assert.ok(large.every((ms) => ms >= 18 && ms <= 22));
    assert.ok(new Set(small).size > 100);
  });
});
