import assert from 'node:assert/strict';

import { closedLoopSuccess, closedLoopSuccessOfModel } from '../../../fleet/simulator/closed-loop.ts';
import { expertDriver, type Driver } from '../../../fleet/simulator/driver.ts';
import { runEpisodes } from '../../../fleet/simulator/episodes.ts';
import { noQuirks, type Quirks } from '../../../fleet/simulator/quirks.ts';
import { drawRoom, roomFamilies } from '../../../fleet/simulator/rooms/families.ts';
import { measure } from '../../../fleet/simulator/rooms/body.ts';
import { isFree, rectangle, type RoomPlan } from '../../../fleet/simulator/rooms/room-plan.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import type { Surroundings } from '../../../fleet/simulator/surroundings.ts';
import { loadPhysics, type Room } from '../../../fleet/simulator/rooms/room.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { randomStream } from '../../../policies/random.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';

const randomDriver = (seed: number): Driver => {
  const random = randomStream(seed, 'random driver');
  return {
    choose: async (_, tasks) => tasks.map(() => Math.floor(4 * random())),
    close: async () => undefined,
  };
};

const robotIn = (room: Room, seed: number, quirks: Quirks = noQuirks) =>
  roomRobot({ room, quirks: () => quirks, random: randomStream(seed, 'test robot') });

async function twoLives(openRoom: (plan: RoomPlan) => Room) {
  const room = openRoom(drawRoom('pillars', 3));
  const robots = [robotIn(room, 1), robotIn(room, 2)];
  const episodes = await runEpisodes(robots, randomDriver(5), { framesPerEpisode: 60 });
  room.close();
  return episodes;
}

describe('rooms', () => {
  let openRoom: (plan: RoomPlan) => Room;
  before(async () => (openRoom = await loadPhysics()));

  it('draws the same room from the same seed and another from another', () => {
    for (const family of roomFamilies) {
      assert.deepEqual(drawRoom(family, 7), drawRoom(family, 7));
      assert.notDeepEqual(drawRoom(family, 7), drawRoom(family, 8));
    }
  });

  it('measures distances to walls and obstacles, and says Infinity beyond reach', () => {
    const plan = { boundary: rectangle(0, 0, 6, 4), obstacles: [rectangle(4, 1.5, 1, 1)] };
    const room = openRoom(plan);
    assert.ok(Math.abs(room.range({ x: 2, y: 2 }, 0, 5) - 2) < 1e-5);
    assert.ok(Math.abs(room.range({ x: 2, y: 2 }, Math.PI, 5) - 2) < 1e-5);
    assert.equal(room.range({ x: 2, y: 2 }, 0, 1.9), Number.POSITIVE_INFINITY);
    assert.ok(Math.abs(room.clearance({ x: 3, y: 2 }) - 1) < 1e-5);
    assert.equal(isFree(plan, { x: 4.5, y: 2 }), false);
    assert.equal(isFree(plan, { x: 1, y: 1 }), true);
    room.close();
  });

  it('turns the ring so that US13 looks ahead, US19 left, US7 right and US1 back', () => {
    const room = openRoom({ boundary: rectangle(0, 0, 4, 3), obstacles: [] });
    const ranges = new Float32Array(24);
    measure(room, { x: 1, y: 1.2, heading: 0 }, ranges);
    const rounded = [13, 19, 7, 1].map((sensor) => Math.round(1000 * (ranges[sensor - 1] ?? 0)) / 1000);
    assert.deepEqual(rounded, [2.75, 1.55, 0.95, 0.75]);
    room.close();
  });

  it('lives the same life from the same seed, readings included', async () => {
    const [once, again] = [await twoLives(openRoom), await twoLives(openRoom)];
    assert.deepEqual(once, again);
  });

  it('lets the expert keep to the wall in every family', async () => {
    const result = await closedLoopSuccess(expertDriver, { families: roomFamilies, seeds: [11], episodes: 160 });
    for (const [family, success] of Object.entries(result.successFractionByFamily))
      assert.ok(success >= 0.95, `${family}: ${success}`);
  }).timeout(60_000);

  it('lets nobody succeed by chance, by one action, or with an untrained policy', async () => {
    const input = { families: roomFamilies, seeds: [11], episodes: 40 };
    assert.ok((await closedLoopSuccess(randomDriver(1), input)).successFraction < 0.15);
    for (let action = 0; action < 4; action += 1) {
      const always: Driver = {
        choose: async (_, tasks) => tasks.map(() => action),
        close: async () => {},
      };
      assert.ok((await closedLoopSuccess(always, input)).successFraction < 0.15, `action ${action}`);
    }
    const untrained = tinyPolicy(scitosG5Type, 1);
    assert.ok((await closedLoopSuccessOfModel(onnxRuntime(), untrained, input)).successFraction < 0.15);
  }).timeout(60_000);

  it('gives each robot its quirks', () => {
    const room = openRoom(drawRoom('hall', 1));
    const healthy = robotIn(room, 1);
    const dead = robotIn(room, 1, { ...noQuirks, deadSensor: 13 });
    const biased = robotIn(room, 1, { ...noQuirks, biasM: 0.2 });
    const worn = robotIn(room, 1, { ...noQuirks, biasM: 0.2, sensors: [19, 24] });
    for (let frame = 0; frame < 20; frame += 1) {
      assert.equal(dead.readings[12], 0.5);
      dead.act(0);
    }
    for (let sensor = 0; sensor < 24; sensor += 1) {
      const shiftOf = (robot: Surroundings): number => (robot.readings[sensor] ?? 0) - (healthy.readings[sensor] ?? 0);
      if ((healthy.readings[sensor] ?? 0) > 4.5) continue;
      assert.ok(Math.abs(shiftOf(biased) - 0.2) < 0.01, `${shiftOf(biased)}`);
      assert.ok(Math.abs(shiftOf(worn) - ([18, 23].includes(sensor) ? 0.2 : 0)) < 0.01, `${shiftOf(worn)}`);
    }
    room.close();
  });
});
