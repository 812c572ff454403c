import assert from 'node:assert/strict';
import { join } from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { adoptBody } from '../../../activities/registry/adopt-body.ts';
import { fleetPolicy, openFleet, type OpenFleet } from '../../../bench/fleet/open-fleet.ts';
import { observationMap } from '../../../datasets/bodies/body-map.ts';
import { scitosG5RoomsFineType, scitosG5RoomsType, scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { championDesk } from '../../../fleet/desk/champion-desk.ts';
import { rebodyRobot } from '../../../fleet/desk/robot-life.ts';
import { noQuirks, type Quirks } from '../../../fleet/simulator/quirks.ts';
import { measureAt } from '../../../fleet/simulator/rooms/body.ts';
import { drawRoom } from '../../../fleet/simulator/rooms/families.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics, type Room } from '../../../fleet/simulator/rooms/room.ts';
import { openSenses } from '../../../fleet/simulator/rooms/sensors.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../../fleet/simulator/simulate-fleet.ts';
import { randomStream } from '../../../policies/random.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { approveBody } from '../../../store/records/served-bodies.ts';

const namesOf = ({ observations }: RobotType): readonly string[] => observations.map(({ name }) => name);
const [older, newer] = [namesOf(scitosG5RoomsType), namesOf(scitosG5RoomsFineType)];

describe('bodies in a room', () => {
  let room: Room;
  before(async () => (room = (await loadPhysics())(drawRoom('pillars', 3))));
  after(() => room.close());

  const robotOf = (readings: readonly string[], quirks: Quirks = noQuirks) =>
    roomRobot({ room, readings, quirks: () => quirks, random: randomStream(1, 'body') });
  const readingOf = (readings: readonly string[], name: string, quirks?: Quirks): number =>
    robotOf(readings, quirks).readings[readings.indexOf(name)] ?? Number.NaN;

  it('read the same world: what the newer one reads is, by its rules, what the older one reads', () => {
    const rules = observationMap({ from: scitosG5RoomsFineType, to: scitosG5RoomsType, chain: [] });
    if ('kind' in rules) throw new Error('expected rules');
    const [plain, fine] = [robotOf(older).readings, robotOf(newer).readings];
    assert.notDeepEqual([...fine.subarray(0, 24)], [...plain]);
    const back = rules.map((rule) => ('from' in rule ? fine[newer.indexOf(rule.from)] : rule.fill));
    assert.deepEqual(back, [...plain]);
  });

  it('measure where their readings are named to look, in any order', () => {
    const pose = { x: 2, y: 2, heading: 0.4 };
    const names = ['range-8', 'US1', 'range-352', 'range-90', 'US13', 'range-0', 'range-180', 'range-345'];
    const senses = openSenses(room, names, randomStream(1, 'senses'));
    senses.look(pose, noQuirks);
    const degrees = [8, 180, 352, 90, 0, 0, 180, 345];
    degrees.forEach((degree, index) => {
      const truth = Math.min(5, measureAt(room, pose, (degree * Math.PI) / 180));
      assert.ok(Math.abs((senses.readings[index] ?? 0) - truth) < 0.03, `${names[index]}: ${senses.readings[index]}`);
    });
    assert.deepEqual([senses.readings[4], senses.readings[1]], [senses.readings[5], senses.readings[6]]);
  });

  it('wear out alike: a sensor of the ring keeps its number, one beside it has what concerns all', () => {
    assert.equal(readingOf(newer, 'range-0', { ...noQuirks, deadSensor: 13 }), 0.5);
    const biased = { ...noQuirks, biasM: -0.2 };
    const shift = (name: string, quirks: Quirks): number =>
      Math.round(10 * (readingOf(newer, name, quirks) - readingOf(newer, name))) / 10;
    assert.deepEqual([shift('range-0', biased), shift('range-8', biased)], [-0.2, -0.2]);
    const some = { ...biased, sensors: [13] };
    assert.deepEqual([shift('range-0', some), shift('range-15', some), shift('range-8', some)], [-0.2, 0, 0]);
  });

  it('are refused when nothing measures a reading, which is named', () => {
    for (const name of ['sonar', 'US0', 'US25', 'range-360', 'range-07', 'range-', 'range-1e1'])
      assert.throws(() => robotOf([...older, name]), new RegExp(`US1–US24 or range-0–range-359, got "${name}"`));
  });
});

describe('a simulated fleet of two bodies', () => {
  const two: RobotType = { ...scitosG5RoomsFineType, id: scitosG5Type.id, tasks: scitosG5Type.tasks };
  let fleet: OpenFleet;
  before(async () => (fleet = await openFleet(4, tinyPolicy(scitosG5Type, 1))));
  after(() => fleet.close());

  const live = (url: string, body: RobotType) => {
    const late = AbortSignal.timeout(40_000);
    return simulateFleet({
      signal: late,
      hurry: late,
      robots: fleet.robots.map((robot, index) => (index < 2 ? robot : { ...robot, robotType: body })),
      directory: join(fleet.directory, 'robots'),
      scenario: () => parseScenario({ framesPerEpisode: 12 }),
      seed: 1,
      episodesPerRobot: 2,
      isRealTime: false,
      runtime: onnxRuntime(),
      drainMs: 15_000,
      agent: {
        gatewayUrl: url,
        robotType: scitosG5Type,
        root: fleet.rootDocument,
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (address, init) => fetch(address, init),
        log: () => undefined,
        limits: { tickMs: 50, backOff: { firstMs: 20, longestMs: 200 }, requestTimeoutMs: 5_000 },
      },
    });
  };

  it('drives by one model, each robot with its own readings, and uploads them as its own', async () => {
    const { store, sealing } = fleet;
    const by = { policy: fleetPolicy, robotType: { id: two.id, version: 2 }, who: 'a test', why: 'a newer body' };
    await publishRobotType(store, two);
    const desk = championDesk({ store, sealing });
    const ports = { store, signer: sealing.signer, clock: Date.now, codeBuild: 'test', desk };
    const { versions } = await adoptBody(ports)(by);
    const version = versions.find(({ alias }) => alias === 'champion')?.registeredAs ?? assert.fail();
    await approveBody(ports, { ...by, version });
    const changed = fleet.robots.slice(2).map(({ robotId }) => robotId);
    for (const robotId of changed) await rebodyRobot(ports, { ...by, robotId });
    await fleet.desk.refreshOrders(fleetPolicy);
    const { url } = await fleet.startGateway();
    const result = await live(url, two);
    assert.deepEqual([result.endedEpisodes, result.waitingSegments], [8, 0]);

    const session = await duckDbEngine({ temporaryDirectory: fleet.directory, threads: 1 }).open();
    const rows = await session.rows(
      `SELECT robot_id, robot_type_version AS body, policy_version AS version, len(observation) AS width, count(DISTINCT episode_id) AS episodes
       FROM read_parquet('${join(fleet.directory, 'store', 'landing', '*', '*.parquet')}') GROUP BY ALL ORDER BY robot_id`,
    );
    await session.close();
    assert.deepEqual(
      rows.map((row) => [
        row['robot_id'],
        Number(row['body']),
        row['version'],
        Number(row['width']),
        Number(row['episodes']),
      ]),
      fleet.robots.map(({ robotId }) =>
        changed.includes(robotId) ? [robotId, 2, version, 26, 2] : [robotId, 1, version, 24, 2],
      ),
    );
  }).timeout(60_000);

  it('is refused when its bodies have two rates: all are driven in step', async () => {
    await assert.rejects(
      live('http://127.0.0.1:1', { ...two, rateHz: 10 }),
      /of 9 Hz as scitos-g5@1, got scitos-g5@2 of 10 Hz/,
    );
  });
});
