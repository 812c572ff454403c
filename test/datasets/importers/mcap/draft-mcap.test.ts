import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importMapSchema } from '../../../../datasets/importers/import-map.ts';
import { draftMcap } from '../../../../datasets/importers/mcap/draft-mcap.ts';
import { importMcap } from '../../../../datasets/importers/mcap/import-mcap.ts';
import { checkRobotType } from '../../../../datasets/robot-type-check/check-robot-type.ts';
import { memoryObjectStore } from '../../../../store/adapters/memory-object-store.ts';
import { mcapBytes, type TestMessage } from './mcap-file.ts';

describe('drafting a robot type from MCAP files', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-mcap-draft-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  it('measures every number that topics say often, and what it drafts imports the file', async () => {
    const joints = Array.from({ length: 200 }, (_, index) => ({
      topic: '/joint_states',
      t: index / 50,
      data: { header: { stamp: { sec: index } }, position: [Math.sin(index), 1], name: ['a', 'b'], moving: index > 9 },
    }));
    const commands = Array.from({ length: 40 }, (_, index) => ({
      topic: '/arm/velocity_command',
      t: index / 10 + 0.001,
      data: { __proto__: null, x: index },
    }));
    const rare: TestMessage[] = [{ topic: '/task.name', t: 0, data: { data: 7 } }];
    const path = join(folder, 'arm.mcap');
    const topics = ['/joint_states', '/arm/velocity_command', '/task.name'].map((topic) => ({ topic }));
    const messages = [...joints, ...commands, ...rare].toSorted((a, b) => a.t - b.t);
    await writeFile(path, await mcapBytes(topics, messages));
    const draft = await draftMcap(path, 'arm');
    const { type, problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(draft.robotType)));
    assert.ok(type, JSON.stringify(problems));
    assert.equal(type.rateHz, 50);
    assert.deepEqual(
      type.observations.map(({ name, min, max }) => [name, min, max]),
      [
        ['joint_states.position.a', -1.2, 1.2],
        ['joint_states.position.b', 0, 2],
        ['joint_states.moving', -0.1, 1.1],
      ],
    );
    assert.ok(type.actions.kind === 'continuous');
    assert.deepEqual(
      type.actions.ranges.map(({ name, min, max }) => [name, min, max]),
      [['arm/velocity_command.x', -3.9, 42.9]],
    );
    assert.ok(
      draft.notes.some((note) => /rarely.*\/task\.name/.test(note)),
      draft.notes.join('\n'),
    );
    const map = importMapSchema.parse(draft.map);
    assert.deepEqual(
      map.observations.map((value) => ('column' in value ? value.column : '')),
      ['/joint_states.position[name=a]', '/joint_states.position[name=b]', '/joint_states.moving'],
    );
    assert.deepEqual(map.mcap, { frames: 'rate', maxAgeS: 0.3, gap: 'split', cameras: [] });
    const store = memoryObjectStore();
    const ports = {
      store,
      scratchDirectory: folder,
      progress: () => {},
      isRegistered: async () => false,
      landClip: async () => {},
    };
    const summary = await importMcap({ ...ports, path, type, map, isAgain: false });
    assert.deepEqual([summary.episodes, summary.frames], [10, 199], 'without a pause by rows');
    const again = await importMcap({ ...ports, path, type, map, isAgain: false });
    assert.deepEqual([again.episodes, again.segments, again.segmentsAlreadyThere], [10, 1, 1]);
  });

  it('says that a file is cut off, and what of it says nothing often', async () => {
    const messages = Array.from({ length: 50 }, (_, index) => ({ topic: '/a', t: index / 10, data: { x: index } }));
    const whole = await mcapBytes([{ topic: '/a' }], messages);
    const drafted = async (bytes: Uint8Array) => {
      const path = join(folder, 'cut.mcap');
      await writeFile(path, bytes);
      return draftMcap(path, 'arm').then(
        () => 'a draft',
        (error: Error) => error.message,
      );
    };
    assert.equal(await drafted(whole), 'a draft');
    assert.match(await drafted(whole.subarray(0, 0)), /expected an MCAP file, got an empty one/);
    for (const bytes of [1, 7])
      assert.match(await drafted(whole.subarray(0, bytes)), new RegExp(`got one that is cut off after ${bytes} bytes`));
    assert.match(await drafted(Buffer.from('text, and no MCAP')), /got one that begins otherwise/);
    for (const bytes of [8, 9, 20, 60, 150])
      assert.match(
        await drafted(whole.subarray(0, bytes)),
        /at least every 2 s, got file .*cut\.mcap (?:cut off|ends without its end mark)/,
      );
    const rare = [0, 5, 10].map((t) => ({ topic: '/a', t, data: { x: t } }));
    assert.match(await drafted(await mcapBytes([{ topic: '/a' }], rare)), /got too few on \/a \(3 messages\)/);
  });
});
