import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { registerImportCommand } from '../../cli/import.ts';
import type { ImportSummary } from '../../datasets/importers/import-summary.ts';

describe('flywheel import', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-import-command-'));
    const reading = Array.from({ length: 24 }, (_, sensor) => 1 + sensor / 10).join(',');
    await writeFile(join(folder, 'sensor_readings_24.data'), `${reading},Move-Forward\n`.repeat(60));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Runs the command and gives what it printed on stdout and stderr. */
  const run = (...words: string[]) => runIn(memoryObjectStore(), ...words);
  async function runIn(store: ObjectStore, ...words: string[]) {
    const engine = duckDbEngine({ temporaryDirectory: folder, threads: 1 });
    const printed = { out: '', err: '' };
    const program = new Command().exitOverride();
    registerImportCommand(program, () => Promise.resolve({ store, engine }));
    for (const command of [program, ...program.commands]) {
      command.exitOverride().configureOutput({
        writeOut: (text) => (printed.out += text),
        writeErr: (text) => (printed.err += text),
      });
    }
    await program.parseAsync(['import', ...words], { from: 'user' });
    return { store, ...printed };
  }

  it('lands the recording, publishes its robot type and says what it did', async () => {
    const { store, out, err } = await run('wall-following', folder);
    assert.match(out, /wall-following → scitos-g5-recording@1: 60 rows, 2 episodes of 1 robots, 60 frames/);
    assert.match(out, /1 segments in landing, 0 of them had been there/);
    assert.match(err, /2 episodes: 60 frames of scitos-g5-01 → landing\/scitos-g5-01\//);
    assert.ok((await store.get('config/robot-types/scitos-g5-recording/1.json')) !== undefined);
  });

  it('prints the summary alone with --json', async () => {
    const { out } = await run('wall-following', folder, '--json');
    assert.equal((JSON.parse(out) as ImportSummary).frames, 60);
  });

  it('lands nothing the second time, unless it is asked to', async () => {
    const { store } = await run('wall-following', folder);
    const landed = async () => {
      const keys: string[] = [];
      for await (const { key } of store.list('landing/')) keys.push(key);
      return keys;
    };
    const [key] = await landed();
    await store.delete(key!);
    await runIn(store, 'wall-following', folder);
    assert.deepEqual(await landed(), []);
    await runIn(store, 'wall-following', folder, '--again');
    assert.deepEqual(await landed(), [key]);
  });

  it('imports a table by a map and a robot type from files, and says what it did not take', async () => {
    const files = await tableFiles();
    const { store, out } = await run('csv', files.table, '--map', files.map, '--robot-type', files.type);
    assert.match(out, /csv → cart@1: 5 rows, 1 episodes of 1 robots, 4 frames/);
    assert.match(out, /1 × row x: blank/);
    assert.match(out, /1 × field note: not in the map/);
    assert.ok((await store.get('config/robot-types/cart/1.json')) !== undefined);
    const again = await runIn(store, 'csv', files.table, '--map', files.map, '--robot-type', files.type, '--json');
    const { segments, segmentsAlreadyThere } = JSON.parse(again.out) as ImportSummary;
    assert.deepEqual([segments, segmentsAlreadyThere], [1, 1]);
  });

  it('says every problem of a map with its field, and what to do without a map or a robot type', async () => {
    const files = await tableFiles();
    await assert.rejects(run('csv', files.table), /expected --robot-type.*infer csv/);
    await assert.rejects(run('csv', files.table, '--robot-type', files.type), /expected --map.*infer csv/);
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"source": "Cart", "time": {"kind": "iso", "column": "t", "zone": "Mars"}, "x": 1}');
    await assert.rejects(run('csv', files.table, '--map', broken, '--robot-type', files.type), (error: Error) => {
      assert.match(error.message, /source: expected lower-case letters/);
      assert.match(error.message, /time\.zone: expected a time zone/);
      assert.match(error.message, /robot: /);
      return true;
    });
    await writeFile(broken, '{"source": "a", "source": "b", "__proto__": {}}');
    await assert.rejects(
      run('csv', files.table, '--map', broken, '--robot-type', files.type),
      /source: expected every name once.*\n.*__proto__: expected another name/,
    );
    await assert.rejects(run('wall-following', folder, '--map', broken), /expected no --map/);
  });

  async function tableFiles() {
    const [table, map, type] = ['table.csv', 'map.json', 'cart.json'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(table, 't,x,note\n0,1,a\n0.1,2,\n0.2,,\n0.3,4,\n0.4,5,\n');
    await writeFile(
      map,
      JSON.stringify({
        source: 'carts',
        robot: { id: 'cart-1' },
        task: 'roll',
        time: { column: 't', kind: 's', startsAt: '2024-01-01T00:00:00Z' },
        episodes: { by: { kind: 'file' } },
        observations: [{ name: 'x', column: 'x' }],
        actions: { kind: 'none' },
      }),
    );
    await writeFile(
      type,
      JSON.stringify({
        id: 'cart',
        version: 1,
        description: 'a cart',
        rateHz: 10,
        observations: [{ name: 'x', unit: 'm', min: 0, max: 10 }],
        actions: { kind: 'none' },
        tasks: ['roll'],
        split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
        limits: { minEpisodeFrames: 2, maxEpisodeFrames: 100, maxFrameGapPeriods: 4, minAgreementFraction: 0.5 },
      }),
    );
    return { table, map, type };
  }

  it('names the formats in its help and refuses others', async () => {
    await assert.rejects(run('--help'), { code: 'commander.helpDisplayed' });
    await assert.rejects(run('rosbag', folder), /Allowed choices are csv, parquet.* wall-following, ur3-cobotops/);
  });

  it('fails for a file that holds nothing', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await writeFile(join(empty, 'sensor_readings_24.data'), '');
    await assert.rejects(run('wall-following', empty), /expected .*got/);
    await writeFile(join(empty, 'dataset_02052023.csv'), '');
    await assert.rejects(run('ur3-cobotops', empty), /expected .*got/);
  });

  it('says what it expected where there is no such file', async () => {
    await assert.rejects(run('ur3-cobotops', folder), /expected dataset_02052023.csv or a folder that holds it/);
  });
});
