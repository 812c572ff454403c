import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { parse } from '@foxglove/rosmsg';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import { ros2humble } from '@foxglove/rosmsg-msgs-common';

import { commonDefinition } from '../../../../datasets/importers/mcap/common-definitions.ts';
import { cdrMessages } from '../../../../datasets/importers/mcap/cdr-messages.ts';
import { draftMcap } from '../../../../datasets/importers/mcap/draft-mcap.ts';
import { openMcap } from '../../../../datasets/importers/mcap/import-mcap.ts';
import { importMapSchema } from '../../../../datasets/importers/import-map.ts';
import { tableEpisodes } from '../../../../datasets/importers/table-episodes.ts';
import { Tally } from '../../../../datasets/importers/tally.ts';
import { checkRobotType } from '../../../../datasets/robot-type-check/check-robot-type.ts';

const tables = `CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);
  CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE INDEX timestamp_idx ON messages (timestamp ASC);`;
const text = (type: string): string => new TextDecoder().decode(commonDefinition(type)?.data);
const writerOf = (definition: string) => new MessageWriter(parse(definition, { ros2: true }));
const startNs = 1_700_000_000_123_456_789n;

describe('a rosbag2 recording with SQLite', () => {
  let folder = '';
  let files = 0;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-db3-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const written = (sql: string, fill?: (database: DatabaseSync) => void): string => {
    files += 1;
    const path = join(folder, `bag_${files}.db3`);
    const database = new DatabaseSync(path);
    database.exec(sql);
    fill?.(database);
    database.close();
    return path;
  };

  /** Joints that move and what they are told, 20 times a second, and a type of the robot's own. */
  const arm = (withDefinitions: boolean): string =>
    written(tables, (database) => {
      const insert = (sql: string) => database.prepare(sql);
      const topic = insert("INSERT INTO topics VALUES (?, ?, ?, 'cdr', '')");
      topic.all(1, '/joint_states', 'sensor_msgs/msg/JointState');
      topic.all(2, '/cmd_vel', 'geometry_msgs/msg/Twist');
      topic.all(3, '/own', 'my_robot/msg/Load');
      const own = writerOf('float32 load');
      if (withDefinitions) {
        database.exec(
          'CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL)',
        );
        insert("INSERT INTO message_definitions VALUES (1, 'my_robot/msg/Load', 'ros2msg', 'float32 load', '')").all();
      }
      const [joints, twist] = [writerOf(text('sensor_msgs/msg/JointState')), writerOf(text('geometry_msgs/msg/Twist'))];
      database.exec('BEGIN');
      const message = insert('INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)');
      for (let index = 0; index < 60; index += 1) {
        const at = startNs + BigInt(index) * 50_000_000n;
        const header = { stamp: { sec: 0, nanosec: 0 }, frame_id: 'base' };
        const position = [Math.sin(index), Math.cos(index)];
        message.all(
          1,
          at,
          joints.writeMessage({ header, name: ['elbow', 'wrist'], position, velocity: [], effort: [] }),
        );
        const zero = { x: 0, y: 0, z: 0 };
        message.all(2, at, twist.writeMessage({ linear: { ...zero, x: index / 60 }, angular: zero }));
        message.all(3, at, own.writeMessage({ load: index }));
      }
      database.exec('COMMIT');
    });

  async function imported(path: string) {
    const { robotType, map, notes } = await draftMcap(path, 'arm');
    const { type, problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(robotType)));
    assert.ok(type, JSON.stringify(problems));
    const tally = new Tally();
    const parsed = importMapSchema.parse(map);
    const source = await openMcap({ path, map: parsed, type }, tally);
    const episodes = [];
    for await (const episode of tableEpisodes({ ...source, map: parsed, type, tally }, { rows: 0 }))
      episodes.push(episode);
    return { type, episodes, notes, notTaken: tally.result().notTaken.map(({ name, reason }) => `${name}: ${reason}`) };
  }

  it('is drafted and imported like MCAP, with definitions of ROS itself where it holds none', async () => {
    const { type, episodes, notes } = await imported(arm(false));
    assert.deepEqual(
      type.observations.map(({ name }) => name),
      ['joint_states.position.elbow', 'joint_states.position.wrist'],
    );
    const frames = episodes.flatMap((episode) => [...episode.frames]);
    assert.deepEqual([type.rateHz, frames.length], [20, 60]);
    assert.equal(frames[0]?.atUs, 1_700_000_000_123_456);
    assert.ok(Math.abs((frames[7]?.observation[0] ?? 0) - Math.sin(7)) < 1e-6);
    assert.ok(
      notes.some((note) => /\/own: its type is not defined in the file/.test(note)),
      notes.join('\n'),
    );
  });

  it('reads types of the robot’s own by the definitions that newer bags hold', async () => {
    const { type } = await imported(arm(true));
    assert.ok(type.observations.some(({ name }) => name === 'own.load'));
  });

  it('is refused where it is none, or holds something else than plain tables', async () => {
    const refused = (path: string, reason: RegExp) => assert.rejects(draftMcap(path, 'arm'), reason);
    const plain = async (name: string, content: Buffer | string) => {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    };
    await refused(await plain('empty.db3', ''), /got an empty one/);
    await refused(await plain('other.db3', 'PK\u0003\u0004 something else'), /got one that begins otherwise/);
    await refused(
      await plain('half.db3', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5000, 7)])),
      /can be read, got: file is not a database/,
    );
    await refused(written('CREATE TABLE a(x)'), /a table topics of rosbag2, got none/);
    const endless =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS id, x AS topic_id, x AS timestamp, x AS data FROM n';
    await refused(
      written(`${tables.split('CREATE TABLE messages')[0]} CREATE VIEW messages AS ${endless}`),
      /plain tables in a file of rosbag2, got messages as something else/,
    );
    await refused(
      written(tables.replace('timestamp INTEGER NOT NULL', 'timestamp INTEGER GENERATED ALWAYS AS (id * 2)')),
      /plain tables/,
    );
    await refused(written(tables), /expected topics with a message at least every 2 s/);
  });

  it('counts what cannot be taken, and is read up to its damage', async () => {
    const path = arm(false);
    const database = new DatabaseSync(path);
    const message = database.prepare('INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)');
    message.all(1, -5, Buffer.of(1));
    message.all(1, startNs - 9n, Buffer.of(1, 2, 3));
    message.all(1, startNs + 1n, 'text');
    message.all(9, startNs + 2n, Buffer.of(1));
    database.close();
    const { notTaken, episodes } = await imported(path);
    assert.ok(
      notTaken.includes('/joint_states: without a time since 1970') &&
        notTaken.includes('/joint_states: without bytes'),
      notTaken.join('\n'),
    );
    assert.equal(episodes.flatMap(({ frames }) => [...frames]).length, 60);
    const bytes = await readFile(arm(false));
    await mkdir(join(folder, 'cut'));
    const cut = join(folder, 'cut', 'cut.db3');
    await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length / 2)));
    const tally = await draftMcap(cut, 'arm').then(
      ({ notes }) => notes.join('\n'),
      (error: Error) => error.message,
    );
    assert.match(tally, /damaged|can be read/);
  });

  it('knows every type of ROS 2 itself', () => {
    for (const name of Object.keys(ros2humble)) {
      const definition = commonDefinition(name.replace('/', '/msg/'));
      assert.ok(definition !== undefined, name);
      cdrMessages(definition.data);
    }
    assert.equal(commonDefinition('my_robot/msg/Load'), undefined);
    assert.equal(commonDefinition('constructor'), undefined);
  });
});
