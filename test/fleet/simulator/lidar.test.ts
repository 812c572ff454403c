import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { expertDriver } from '../../../fleet/simulator/driver.ts';
import { runEpisodes } from '../../../fleet/simulator/episodes.ts';
import { noQuirks, type Quirks } from '../../../fleet/simulator/quirks.ts';
import { drawRoom, roomFamilies } from '../../../fleet/simulator/rooms/families.ts';
import { beamDegrees, lidarSchema, openLidar } from '../../../fleet/simulator/rooms/lidar.ts';
import { rectangle } from '../../../fleet/simulator/rooms/room-plan.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics, type Room } from '../../../fleet/simulator/rooms/room.ts';
import { ringNames } from '../../../fleet/simulator/rooms/sensors.ts';
import { randomStream } from '../../../policies/random.ts';

describe('a LIDAR in a room', () => {
  let room: Room;
  before(async () => (room = (await loadPhysics())({ boundary: rectangle(0, 0, 6, 4), obstacles: [] })));
  after(() => room.close());

  const pose = { x: 1, y: 1.5, heading: 0 };
  const scanOf = (declared: object, quirks: Quirks = noQuirks, seed = 1): readonly number[] => {
    const scanner = openLidar(room, lidarSchema.parse(declared), randomStream(seed, 'lidar'));
    scanner.scan(pose, quirks);
    return [...scanner.ranges];
  };
  const near = (got: readonly number[], expected: readonly number[], toleranceM = 0.03): void => {
    assert.equal(got.length, expected.length);
    expected.forEach((value, beam) =>
      assert.ok(Math.abs((got[beam] ?? 0) - value) <= toleranceM, `beam ${beam}: expected ${value}, got ${got[beam]}`),
    );
  };

  it('has as many beams as declared, counter-clockwise over its field of view, none twice', () => {
    assert.deepEqual([...beamDegrees({ beams: 1, fieldOfViewDegrees: 90 })], [0]);
    assert.deepEqual([...beamDegrees({ beams: 3, fieldOfViewDegrees: 180 })], [-90, 0, 90]);
    assert.deepEqual([...beamDegrees({ beams: 4, fieldOfViewDegrees: 360 })], [-180, -90, 0, 90]);
    for (const beams of [1, 2, 359, 1_440]) {
      const degrees = [...beamDegrees({ beams, fieldOfViewDegrees: 360 })];
      assert.deepEqual([degrees.length, new Set(degrees.map((value) => (value + 360) % 360)).size], [beams, beams]);
      assert.equal(scanOf({ beams }).length, beams);
    }
  });

  it('measures from where it is mounted to where its beams look', () => {
    near(scanOf({ beams: 4 }), [1, 1.5, 5, 2.5]);
    near(scanOf({ beams: 3, fieldOfViewDegrees: 180, offset: { headingDegrees: 90 } }), [5, 2.5, 1]);
    near(scanOf({ beams: 4, offset: { forwardM: 0.2, leftM: 0.1 } }), [1.2, 1.6, 4.8, 2.4]);
  });

  it('reads its range where nothing is nearer, and never more', () => {
    near(scanOf({ beams: 4, rangeM: 2 }), [1, 1.5, 2, 2]);
    near(scanOf({ beams: 4, rangeM: 0.5 }, { ...noQuirks, noiseM: 1 }), [0.25, 0.25, 0.25, 0.25], 0.25);
    assert.ok(scanOf({ beams: 1_440, rangeM: 30 }).every((range) => range < 7));
  });

  it('has the same noise from the same seed, and the quirks that concern every sensor', () => {
    assert.deepEqual(scanOf({ beams: 90 }), scanOf({ beams: 90 }));
    assert.notDeepEqual(scanOf({ beams: 90 }), scanOf({ beams: 90 }, noQuirks, 2));
    near(scanOf({ beams: 4 }, { ...noQuirks, biasM: 0.4 }), [1.4, 1.9, 5.4, 2.9]);
    for (const ringOnly of [{ deadSensor: 1 }, { biasM: 0.4, sensors: [1, 13] }])
      assert.deepEqual(scanOf({ beams: 90 }, { ...noQuirks, ...ringOnly }), scanOf({ beams: 90 }));
  });

  it('is refused with what was expected', () => {
    for (const declared of [
      { beams: 0 },
      { beams: 1_441 },
      { beams: 1.5 },
      { fieldOfViewDegrees: 0 },
      { fieldOfViewDegrees: 361 },
      { rangeM: 31 },
      { offset: { forwardM: 0.2, leftM: 0.2 } },
      { ring: 24 },
    ])
      assert.equal(lidarSchema.safeParse(declared).success, false, JSON.stringify(declared));
  });
});

describe('the ring of 24 sensors', () => {
  const bodyNames = [...ringNames, 'range-8', 'range-352'];
  const digestOf = async (quirks: Quirks): Promise<string> => {
    const openRoom = await loadPhysics();
    const rooms = roomFamilies.map((family) => openRoom(drawRoom(family, 42)));
    const robots = rooms.map((room, index) =>
      roomRobot({
        room,
        family: roomFamilies[index] ?? 'hall',
        quirks: () => quirks,
        random: randomStream(42, `digest ${index}`),
        readings: bodyNames,
      }),
    );
    const hash = createHash('sha256');
    for (const { failure, frames } of await runEpisodes(robots, expertDriver, { framesPerEpisode: 60 })) {
      hash.update(failure ?? '');
      for (const { readings, action, expertAction } of frames)
        hash.update(readings).update(Int32Array.of(action, expertAction));
    }
    for (const room of rooms) room.close();
    return hash.digest('hex');
  };

  it('reads byte for byte what it read before LIDAR and camera existed', async () => {
    const worn = { noiseM: 0.05, biasM: -0.1, speedFraction: 0.9, deadSensor: 3 };
    assert.equal(await digestOf(noQuirks), 'e3788883925613e0b88d31ef218553385cafce7a8144e2b695f6a507b3a28828');
    assert.equal(await digestOf(worn), '548d8541ce83e1ed5f966cdbe706d4aad4d459342dda085aff61b9f555ed511b');
  });
});
