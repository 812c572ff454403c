import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ImportMap } from '../../../../datasets/importers/import-map.ts';
import { openMcap } from '../../../../datasets/importers/mcap/import-mcap.ts';
import type { SourceEpisode } from '../../../../datasets/importers/source-episode.ts';
import { tableEpisodes } from '../../../../datasets/importers/table-episodes.ts';
import { Tally } from '../../../../datasets/importers/tally.ts';
import type { RobotType } from '../../../../datasets/robot-type.ts';
import { cart, cartMap, discreteCart } from '../cart.ts';
import { mcapBytes, startUs, type TestMessage } from './mcap-file.ts';

const json = [{ topic: '/state' }, { topic: '/cmd' }, { topic: '/run' }, { topic: '/other' }];
const mapOf = (changes: object = {}): ImportMap =>
  cartMap({
    time: { kind: 'log' },
    mcap: { maxAgeS: 0.25 },
    episodes: { by: { kind: 'gap', longerThanS: 60 } },
    observations: [
      { name: 'place', column: '/state.place', unit: 'cm' },
      { name: 'angle', column: '/state.joints[1].angle' },
    ],
    actions: { kind: 'continuous', ranges: [{ name: 'speed', column: '/cmd.speed' }] },
    ...changes,
  });
const state = (t: number, place = 100): TestMessage => ({
  topic: '/state',
  t,
  data: { place, joints: [{ angle: 7 }, { angle: 0.5 }] },
});
const command = (t: number, speed = 0.25): TestMessage => ({ topic: '/cmd', t, data: { speed } });
const run = (t: number, data: object): TestMessage => ({ topic: '/run', t, data });
/** Both topics ten times a second. */
const both = (from: number, count: number): TestMessage[] =>
  Array.from({ length: count }, (_, index) => from + index / 10).flatMap((t) => [
    state(t, t * 100),
    command(t, t / 100),
  ]);

describe('an MCAP file as episodes', () => {
  let folder = '';
  let folders = 0;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-mcap-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(
    content: Buffer | Readonly<Record<string, Buffer | string>>,
    map = mapOf(),
    type: RobotType = cart,
  ) {
    folders += 1;
    const path = join(folder, String(folders));
    await mkdir(path);
    const files = Buffer.isBuffer(content) ? { 'a.mcap': content } : content;
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(path, name), bytes);
    const tally = new Tally();
    const source = await openMcap({ path, map, type }, tally);
    const episodes: SourceEpisode[] = [];
    const count = { rows: 0 };
    for await (const episode of tableEpisodes({ ...source, map, type, tally }, count)) episodes.push(episode);
    source.reader.end();
    const result = tally.result();
    const notTaken = result.notTaken.map(
      ({ what, name, reason, count: times }) => `${times} ${what} ${name}: ${reason}`,
    );
    return { episodes, rows: count.rows, handled: result.handled, notTaken };
  }
  const timesOf = ({ frames }: SourceEpisode) => frames.map(({ atUs }) => Math.round((atUs - startUs) / 1000));
  const lengths = (episodes: readonly SourceEpisode[]) => episodes.map(({ frames }) => frames.length);

  it('samples topics of other rates at the rate of the robot type, by the newest message at that time', async () => {
    // State at 40 Hz, commands at 5 Hz, frames at 10 Hz.
    const messages = [
      ...Array.from({ length: 21 }, (_, index) => state(index / 40, index)),
      ...[0, 0.2, 0.4].map((t) => command(t, t)),
    ].toSorted((a, b) => a.t - b.t);
    const { episodes, rows, handled, notTaken } = await read(await mcapBytes(json, messages));
    const [episode] = episodes as [SourceEpisode];
    assert.deepEqual([episodes.length, rows], [1, 6]);
    assert.deepEqual(timesOf(episode), [0, 100, 200, 300, 400, 500]);
    const values = episode.frames.map(({ observation, action }) => [...observation, ...action]);
    const expected = [0, 4, 8, 12, 16, 20].map((place, index) => [
      place / 100,
      0.5,
      [0, 0, 0.2, 0.2, 0.4, 0.4][index]!,
    ]);
    assert.deepEqual(
      values,
      expected.map((row) => row.map(Math.fround)),
    );
    assert.deepEqual({ ...handled }, { messages: 24 });
    assert.deepEqual(notTaken, ['15 message /state: a newer one came before the next frame']);
  });

  it('makes a frame of each message of a topic, where the map says so', async () => {
    const messages = [state(0.5), command(1, 0.1), state(1), command(1.13, 0.2), state(1.2), command(1.3, 0.3)];
    const map = mapOf({ mcap: { frames: { topic: '/cmd' }, maxAgeS: 10 } });
    const { episodes } = await read(await mcapBytes(json, messages), map);
    const [episode] = episodes as [SourceEpisode];
    assert.deepEqual(timesOf(episode), [1000, 1130, 1300]);
    assert.deepEqual(
      episode.frames.map(({ action }) => action[0]),
      [0.1, 0.2, 0.3].map(Math.fround),
    );
  });

  it('reads elements by their names, in whatever order a message has them, and passes over those of other senders', async () => {
    const joints = (t: number, name: readonly string[], position: readonly number[]): TestMessage => ({
      topic: '/state',
      t,
      data: { name, position },
    });
    const map = mapOf({
      mcap: { frames: { topic: '/state' }, maxAgeS: 10 },
      observations: [
        { name: 'place', column: '/state.position[name=rail]' },
        { name: 'angle', column: '/state.position[name="left/mast.1"]' },
      ],
    });
    const messages = [
      command(0),
      joints(0.1, ['rail', 'left/mast.1'], [1, 2]),
      joints(0.15, ['gripper'], [9]),
      joints(0.2, ['left/mast.1', 'gripper', 'rail'], [4, 9, 3]),
      joints(0.3, ['rail', 'left/mast.1'], [5, 6]),
    ];
    const { episodes, notTaken } = await read(await mcapBytes(json, messages), map);
    const [episode] = episodes as [SourceEpisode];
    assert.deepEqual(timesOf(episode), [100, 200, 300]);
    assert.deepEqual(
      episode.frames.map(({ observation }) => [...observation]),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    );
    assert.deepEqual(notTaken, ['1 message /state: no element of the name "rail"']);
  });

  it('shows nothing older than the bound: a gap ends an episode, or leaves it out, and is counted', async () => {
    // Everything is silent from 1 to 5; commands alone from 6.
    const messages = [...both(0, 10), ...both(5, 10), ...Array.from({ length: 10 }, (_, i) => command(6 + i / 10))];
    messages.push(...both(7, 5));
    const bytes = await mcapBytes(json, messages);
    const split = await read(bytes);
    assert.deepEqual(
      split.episodes.map((episode) => timesOf(episode)[0]),
      [0, 5000, 7000],
    );
    // State of 5.9 s serves until 6.1 s.
    assert.deepEqual(lengths(split.episodes), [10, 12, 5]);
    assert.equal(split.handled['gaps'], 2);
    assert.ok(split.notTaken.includes('8 row /state.place: older than 0.25 s'), split.notTaken.join());
    const left = await read(bytes, mapOf({ mcap: { maxAgeS: 0.25, gap: 'leaveOut' } }));
    assert.deepEqual(left.episodes, []);
    assert.ok(left.notTaken.includes('27 frame : of an episode with a gap'), left.notTaken.join());
    // Between two episodes a gap belongs to none of them.
    const cut = { by: { kind: 'column', column: '/run.number' } };
    const runs = [run(0, { number: 1 }), ...both(0, 10), run(4, { number: 2 }), ...both(5, 10)];
    const kept = await read(
      await mcapBytes(json, runs),
      mapOf({ mcap: { maxAgeS: 0.25, gap: 'leaveOut' }, episodes: { by: cut.by } }),
    );
    assert.deepEqual(lengths(kept.episodes), [10, 10]);
  });

  it('cuts by the value of a topic that holds, and takes only what the map names', async () => {
    const messages = [
      run(0, { on: false }),
      ...both(0, 5),
      run(0.45, { on: true }),
      ...both(0.5, 10),
      run(1.45, { on: false }),
      ...both(1.5, 5),
      run(1.95, { on: true }),
      ...both(2, 3),
    ];
    const by = { kind: 'column', column: '/run.on', only: ['true'] };
    const { episodes, notTaken } = await read(await mcapBytes(json, messages), mapOf({ episodes: { by } }));
    assert.deepEqual(lengths(episodes), [10, 3]);
    assert.deepEqual(
      episodes.map(({ at }) => at.value),
      ['true', 'true'],
    );
    assert.ok(
      notTaken.some((line) => line.endsWith('row : outside of episodes')),
      notTaken.join(),
    );
  });

  it('sees outcomes between frames and behind the last one, and never those of the episode before', async () => {
    const messages = [
      run(0, { id: 'a' }),
      ...both(0, 5),
      run(0.42, { id: 'a', result: 'done' }),
      // A stop that is over before the next frame.
      run(0.99, { id: 'b' }),
      ...both(1, 5),
      run(1.43, { id: 'b', result: 'fell' }),
      run(1.44, { id: 'b' }),
      run(1.99, { id: 'c' }),
      ...both(2, 5),
      run(3, { id: 'c', result: 'done' }),
      run(9.99, { id: 'd' }),
      ...both(10, 5),
    ].toSorted((a, b) => a.t - b.t);
    const bytes = await mcapBytes(json, messages);
    const episodes = { by: { kind: 'column', column: '/run.id' } };
    const outcomes = async (success: object) =>
      (await read(bytes, mapOf({ episodes, success }))).episodes.map(({ outcome }) => outcome);
    const result = { column: '/run.result', equals: 'done' };
    assert.deepEqual(await outcomes({ kind: 'succeededWhen', row: 'any', ...result, otherwise: 'no' }), [
      'success',
      'failure',
      'success',
      'failure',
    ]);
    const any = [{ column: '/run.result', equals: 'fell', reason: 'fell' }];
    assert.deepEqual(await outcomes({ kind: 'failedWhen', any }), ['success', 'failure', 'success', 'success']);
    // Said by a topic that is silent in the next episode.
    const quiet = await mcapBytes(
      json,
      messages.filter(({ t }) => t < 1.43).map((m) => (m.t === 0.99 ? { ...m, topic: '/other' } : m)),
    );
    const held = await read(
      quiet,
      mapOf({
        episodes: { by: { kind: 'gap', longerThanS: 0.45 } },
        success: { kind: 'succeededWhen', row: 'any', ...result, otherwise: 'no' },
      }),
    );
    assert.deepEqual(
      held.episodes.map(({ outcome }) => outcome),
      ['success', 'failure'],
    );
  });

  it('reads robots, tasks and discrete actions by topics; a message may be anything', async () => {
    const messages = [
      run(0, { robot: 'Left Arm', task: 'rolling' }),
      ...[0, 0.1, 0.2].flatMap((t) => [state(t), { topic: '/cmd', t, data: { side: t < 0.1 ? 'L' : 'right' } }]),
    ];
    const map = mapOf({
      robot: { column: '/run.robot' },
      task: { column: '/run.task', values: [{ value: 'rolling', is: 'roll' }] },
      actions: { kind: 'discrete', column: '/cmd.side', values: [{ value: 'L', is: 'left' }] },
    });
    const { episodes } = await read(await mcapBytes(json, messages), map, discreteCart);
    assert.deepEqual(
      episodes.map(({ robotId, task, frames }) => [robotId, task, frames.map(({ action }) => action[0])]),
      [['left-arm', 'roll', [0, 2, 2]]],
    );
    const wrong = [...both(0, 3), { topic: '/state', t: 0.3, data: '[1, {"x": ' }, ...both(0.4, 3)];
    await assert.rejects(read(await mcapBytes(json, wrong)), /message of \/state that can be read, got no JSON/);
    const rows = { unreadable: 'leaveOut' };
    const { episodes: rest, notTaken } = await read(await mcapBytes(json, wrong), mapOf({ rows }));
    assert.deepEqual(lengths(rest), [7]);
    assert.ok(notTaken.includes('1 message /state: no JSON'), notTaken.join());
  });

  it('puts chunks and messages in the order of their time, whatever their order in the file', async () => {
    const messages = both(0, 40);
    const half = messages.length / 2;
    const swapped = [...messages.slice(half), ...messages.slice(0, half)];
    const shuffled = messages.toSorted((a, b) => ((a.t * 1e3) % 7) - ((b.t * 1e3) % 7));
    const expected = await read(await mcapBytes(json, messages));
    assert.deepEqual(lengths(expected.episodes), [40]);
    for (const order of [swapped, shuffled])
      for (const options of [{}, { useChunks: false }, { chunkSize: 300, compression: '' as const }]) {
        const { episodes } = await read(await mcapBytes(json, order, options));
        assert.deepEqual(
          episodes.map(({ frames }) => frames),
          expected.episodes.map(({ frames }) => frames),
        );
      }
  });

  it('goes on from file to file of a rosbag2 folder, and says what metadata.yaml lists in vain', async () => {
    const messages = [run(0, { id: 'a' }), ...both(0, 30)];
    const metadata =
      'rosbag2_bagfile_information:\n  relative_file_paths:\n    - bag_0.mcap\n    - bag_1.mcap\n    - "bag_2.mcap"\n  duration: 1\n';
    const files = {
      'bag_0.mcap': await mcapBytes(json, messages.slice(0, 31)),
      'bag_1.mcap': await mcapBytes(json, messages.slice(31)),
      'metadata.yaml': metadata,
    };
    const map = mapOf({ episodes: { by: { kind: 'column', column: '/run.id' } } });
    const { episodes, notTaken } = await read(files, map);
    assert.deepEqual(lengths(episodes), [30]);
    assert.ok(notTaken.includes('1 file bag_2.mcap: listed in metadata.yaml, and not in the folder'), notTaken.join());
    const alone = await read(files, mapOf({ episodes: { by: { kind: 'file' } } }));
    assert.deepEqual(lengths(alone.episodes), [15, 15]);
    await assert.rejects(
      read({ 'bag_0.db3': '', 'metadata.yaml': metadata }),
      /a SQLite file of rosbag2, got an empty one/,
    );
    await assert.rejects(read({ 'a.bag': '' }), /mcap convert/);
    await assert.rejects(read({ 'bag_0.mcap.zstd': '' }), /zstd -d/);
  });

  it('counts every topic, message and field that is not taken', async () => {
    const image = { name: 'sensor_msgs/msg/CompressedImage', encoding: 'ros2msg', data: new Uint8Array() };
    const topics = [...json, { topic: '/camera', encoding: 'cdr', schema: image }, { topic: '/odd', encoding: 'x' }];
    const extra = ['/camera', '/odd', '/other', '/other'].map((topic) => ({ topic, t: 0.05, data: { __proto__: 1 } }));
    const odd = {
      topic: '/state',
      t: 0,
      data: '{"place": 1, "joints": [{}, {"angle": 1}], "__proto__": 2, "b": {"c": [true]}}',
    };
    const { notTaken } = await read(await mcapBytes(topics, [odd, command(0), ...extra, ...both(0.1, 3)]));
    assert.deepEqual(notTaken.toSorted(), [
      '1 field /state.__proto__: not in the map',
      '1 field /state.b.c: not in the map',
      '1 message /camera: of a topic that is not taken: not in the map',
      '1 message /odd: of a topic that is not taken: not in the map',
      '1 topic /camera: not in the map',
      '1 topic /odd: not in the map',
      '1 topic /other: not in the map',
      '2 message /other: of a topic that is not taken: not in the map',
    ]);
    const seen = mapOf({ observations: ['place', 'angle'].map((name) => ({ name, column: '/camera.data[0]' })) });
    const camera = await read(await mcapBytes(topics, [...both(0, 3), ...extra]), seen);
    assert.ok(
      camera.notTaken.includes('1 topic /camera: images: a map takes them under mcap.cameras'),
      camera.notTaken.join(),
    );
    assert.deepEqual(camera.episodes, []);
  });

  it('says what is wrong with a map', async () => {
    const bytes = await mcapBytes(json, both(0, 3));
    const wrong = async (changes: object, expected: RegExp) => assert.rejects(read(bytes, mapOf(changes)), expected);
    await wrong({ mcap: undefined }, /map, mcap: expected how frames are made/);
    await wrong({ time: { column: 't', kind: 's' } }, /map, time\.kind: expected "log"/);
    await assert.rejects(
      read(bytes, mapOf({ mcap: { maxAgeS: 60 } }), { ...cart, rateHz: 100 }),
      /maxAgeS: expected at most 10 s at 100 Hz, got 60/,
    );
    await wrong({ task: { column: 'task' } }, /expected a column such as \/topic\.field/);
  });
});
