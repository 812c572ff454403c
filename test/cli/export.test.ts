import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { Command } from 'commander';

import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerExportCommand } from '../../cli/export.ts';
import { robotTypeSchema } from '../../datasets/robot-type.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { changeTasks } from '../../store/records/task-log.ts';
import { openLakeFixture, startMs, transaction, type LakeFixture } from '../activities/lake/lake-fixture.ts';
import { cart } from '../datasets/importers/cart.ts';

const tasks = ['dock', 'push', 'roll', 'turn', 'wait'];
const type = robotTypeSchema.parse({ ...cart, tasks: ['push', 'roll', 'turn', 'wait'] });

describe('flywheel export', () => {
  let world: LakeFixture;
  const set: Record<string, string | undefined> = {};
  before(async () => {
    world = await openLakeFixture((directory) => fileObjectStore({ root: join(directory, 'store') }));
    const store = fileObjectStore({ root: join(world.directory, 'store') });
    await publishRobotType(store, type);
    await createPolicyDocument(store, { policy: 'carts', robotType: { id: type.id, version: type.version } });
    const say = (changes: Parameters<typeof changeTasks>[1]['changes']) =>
      changeTasks(
        { store, clock: () => startMs },
        { policy: 'carts', robotType: type, changes, who: 'ada', why: 'a test' },
      );
    await say(['push', 'roll', 'turn'].map((id) => ({ kind: 'retire', id })));
    await say([
      { kind: 'add', id: 'dock', instruction: "Go to the 'dock'." },
      { kind: 'add', id: 'push', instruction: 'Push it.' },
      { kind: 'add', id: 'roll', instruction: 'wait' },
      { kind: 'add', id: 'turn', instruction: 'Push it.' },
    ]);
    const at = `make_timestamptz(${startMs * 1000})`;
    const frames = tasks.map(
      (
        task,
      ) => `SELECT ${sqlText(task)} AS episode_id, 0 AS frame_index, ${at} AS timestamp, [1, 2]::FLOAT[] AS observation,
        [0.5]::FLOAT[] AS "action", NULL AS expert_action, false AS is_correction, DATE '2026-11-22' AS recorded_on`,
    );
    const episodes = tasks.map(
      (
        task,
      ) => `SELECT ${sqlText(task)} AS episode_id, 'cart-1' AS robot_id, ${sqlText(type.id)} AS robot_type, 1 AS robot_type_version,
        'bench' AS site, ${sqlText(task)} AS task, NULL AS policy_version, ${at} AS started_at, 100::BIGINT AS duration_ms,
        'success' AS outcome, NULL AS failure_reason, false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms,
        1 AS frame_count, NULL AS media, ${at} AS received_at, 'train' AS split, DATE '2026-11-22' AS recorded_on`,
    );
    await world.lake.append(world.session, 'frames', `(${frames.join(' UNION ALL ')})`, transaction(1), 'test');
    await world.lake.append(world.session, 'episodes', `(${episodes.join(' UNION ALL ')})`, transaction(1), 'test');
    for (const [name, folder] of [
      ['FLYWHEEL_STORE', 'store'],
      ['FLYWHEEL_SCRATCH', 'scratch'],
    ] as const) {
      set[name] = process.env[name];
      process.env[name] = join(world.directory, folder);
    }
  });
  after(async () => {
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await world.close();
  });

  async function run(format: string, name: string, ...words: readonly string[]): Promise<string> {
    const folder = join(world.directory, name);
    const program = new Command().exitOverride();
    registerExportCommand(program);
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = () => true;
    try {
      await program.parseAsync(['export', format, folder, '--robot-type', 'cart@1', ...words], { from: 'user' });
    } finally {
      process.stdout.write = write;
    }
    return folder;
  }
  const called = async (folder: string) =>
    (await world.session.rows(`SELECT * FROM read_parquet(${sqlText(join(folder, 'meta/tasks.parquet'))})`)).map(
      ({ __index_level_0__: sentence }) => sentence,
    );

  it('calls tasks as the catalogue of the policy does, each differently, and by their ids without one', async () => {
    assert.deepEqual(await called(await run('lerobot', 'plain')), tasks);
    const named = await called(await run('lerobot', 'named', '--policy', 'carts'));
    assert.deepEqual(named, ["Go to the 'dock'.", 'push', 'roll', 'turn', 'wait']);
    await assert.rejects(run('lerobot', 'nobody', '--policy', 'nobody'), /nobody/);
    await assert.rejects(run('csv', 'text', '--policy', 'carts'), /expected no --policy/);
    assert.deepEqual(
      ['nobody', 'text'].filter((name) => existsSync(join(world.directory, name))),
      [],
    );
  });

  it('refuses a folder whose name the SQL engine would expand, before anything is written', async () => {
    for (const format of ['lerobot', 'csv'])
      for (const name of ['out[1]', 'out*', 'what?', 'out{1}']) {
        await assert.rejects(run(format, name), /expected a folder without \* \? \[ \] \{ and \} in its name/, name);
        assert.equal(existsSync(join(world.directory, name)), false);
      }
  });
});
