import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { registerImportCommand } from '../../cli/import.ts';
import { inferDraft, writeDraft } from '../../cli/infer.ts';
import { addRobot } from '../../fleet/desk/robots.ts';
import type { ImportSummary } from '../../datasets/importers/import-summary.ts';
import { mcapBytes } from '../datasets/importers/mcap/mcap-file.ts';

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
    assert.match(out, /1 segments in landing, 0 of them from an earlier run/);
    assert.match(err, /2 episodes: 60 frames of scitos-g5-01 → landing\/scitos-g5-01\//);
    assert.ok((await store.get('config/robot-types/scitos-g5-recording/1.json')) !== undefined);
  });

  it('prints the summary alone with --json', async () => {
    const { out } = await run('wall-following', folder, '--json');
    assert.equal((JSON.parse(out) as ImportSummary).frames, 60);
  });

  it('takes an MCAP file by what infer drafts, and goes on where an earlier run of it ended', async () => {
    const path = join(folder, 'cart.mcap');
    const messages = Array.from({ length: 30 }, (_, index) => ({
      topic: '/cart/state',
      t: index / 10,
      data: { place: Math.sin(index), angle: index % 3 },
    }));
    await writeFile(path, await mcapBytes([{ topic: '/cart/state' }], messages));
    const engine = duckDbEngine({ temporaryDirectory: folder, threads: 1 });
    const drafted = { format: 'mcap', path, id: 'mcap-cart', separator: ',', decimal: '.' } as const;
    const files = await writeDraft(await inferDraft(drafted, engine), join(folder, 'mcap-draft'));
    const [map, robotType] = [files['map'] ?? assert.fail(), files['robotType'] ?? assert.fail()];
    const words = ['mcap', path, '--map', map, '--robot-type', robotType];
    const { store, out } = await run(...words);
    assert.match(out, /mcap → mcap-cart@1: 30 rows, 1 episodes of 1 robots, 30 frames/);
    assert.match((await runIn(store, ...words)).out, /1 segments in landing, 1 of them from an earlier run/);
    await assert.rejects(run('csv', path, '--map', map, '--robot-type', robotType), /map, time\.kind/);
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

  it('makes a robot type known only once there is something of it, and none that robot-types add would refuse', async () => {
    const files = await tableFiles();
    const document = JSON.parse(await readFile(files.type, 'utf8')) as object;
    const map = JSON.parse(await readFile(files.map, 'utf8')) as object;
    const written = async (name: string, value: object) => {
      await writeFile(join(folder, name), JSON.stringify(value));
      return join(folder, name);
    };
    const store = memoryObjectStore();
    const refused = async (changes: Partial<typeof files>, message: RegExp) => {
      const { table, map, type } = { ...files, ...changes };
      await assert.rejects(runIn(store, 'csv', table, '--map', map, '--robot-type', type), message);
      const keys: string[] = [];
      for await (const { key } of store.list('')) keys.push(key);
      return keys;
    };
    const other = await written('other-map.json', { ...map, observations: [{ name: 'y', column: 'x' }] });
    assert.deepEqual(await refused({ table: join(folder, 'nowhere.csv') }, /expected a file that ends in .csv/), []);
    assert.deepEqual(await refused({ map: other }, /observations: expected names of cart@1, got "y"/), []);
    const unreadable = await written('unreadable.csv', {});
    await writeFile(unreadable, 't,x\n0,one\n');
    assert.deepEqual(await refused({ table: unreadable }, /expected x: a number, got "one"/), []);
    const builtIn = await written('built-in.json', { ...document, id: 'scitos-g5' });
    assert.deepEqual(
      await refused(
        { type: builtIn },
        /expected scitos-g5@1 as it is in the store, got .* other content: give it version 2/,
      ),
      [],
    );
    const follower = await written('follower.json', { ...document, version: 3, follows: { version: 2 } });
    assert.deepEqual(await refused({ type: follower }, /expected a robot type that follows a known one/), []);
    await runIn(store, 'csv', files.table, '--map', files.map, '--robot-type', files.type);
    const before = (await refused({ table: join(folder, 'nowhere.csv') }, /expected/)).length;
    const changed = await written('changed.json', { ...document, rateHz: 20 });
    const after = await refused({ type: changed }, /expected cart@1 as it is in the store, got .* give it version 2/);
    assert.equal(after.length, before);
  });

  it('takes no recording that speaks for a registered robot', async () => {
    const files = await tableFiles();
    const store = memoryObjectStore();
    const robot = {
      robotId: 'cart-1',
      policy: 'rolling',
      robotType: { id: 'cart', version: 1 },
      site: 'bench',
      stratum: 'bench',
      tokenHashes: [],
      who: 'ada',
      why: 'a test',
    };
    await addRobot({ store, clock: () => 1 }, robot);
    const words = ['csv', files.table, '--map', files.map, '--robot-type', files.type];
    await assert.rejects(runIn(store, ...words), /got cart-1, which is registered/);
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    assert.deepEqual(
      keys.filter((key) => !key.startsWith('robots/')),
      [],
    );
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
