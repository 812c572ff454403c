import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { dictionary } from '../../../domain/dictionary.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { scitosG5RecordingType } from '../../../datasets/built-in-robot-types.ts';
import { knownRecordings } from '../../../datasets/importers/known-recordings.ts';
import { ImportError, type ImportSummary } from '../../../datasets/importers/import-summary.ts';
import { importUr3Cobotops } from '../../../datasets/importers/ur3-cobotops.ts';
import { importWallFollowing } from '../../../datasets/importers/wall-following.ts';
import { recordedOn } from '../../../datasets/clock.ts';
import { splitOf } from '../../../datasets/split.ts';
import { sharedDataset } from '../../support/shared-data.ts';

/** Of the values of a segment, by the record that its import leaves. */
const digestIn = (record: Uint8Array | undefined): string =>
  (JSON.parse(new TextDecoder().decode(record)) as { readonly digest: string }).digest;

describe('importing recordings', () => {
  let scratchDirectory = '';
  before(async () => {
    scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-importers-'));
  });
  after(() => rm(scratchDirectory, { recursive: true, force: true }));

  const landed = async (run: typeof importWallFollowing, path: string) => {
    const store = memoryObjectStore();
    const lines: string[] = [];
    const summary = await run({
      path,
      store,
      scratchDirectory,
      progress: (line) => lines.push(line),
      isRegistered: async () => false,
    });
    const [keys, digests]: [string[], string[]] = [[], []];
    for await (const { key } of store.list('landing/')) keys.push(key);
    for await (const { key } of store.list('imports/')) digests.push(digestIn(await store.get(key)));
    return { summary, keys, digests, lines, store };
  };

  it('cuts the wall-following recording into 124 episodes of four robots', async function () {
    this.timeout(60_000);
    const { summary, keys, digests, lines } = await landed(importWallFollowing, sharedDataset('wall-following'));
    const expected: ImportSummary = {
      format: 'wall-following',
      robotType: 'scitos-g5-recording@1',
      rows: 5456,
      frames: 5456,
      episodes: 124,
      robots: 4,
      segments: 4,
      segmentsAlreadyThere: 0,
      handled: dictionary(),
      notTaken: [],
      notTakenNotListed: 0,
    };
    assert.deepEqual(summary, expected);
    // The values that were landed before: what an earlier version has imported is known again.
    assert.deepEqual(digests, [
      '97d91bb42cf6c62f50bd86e432bab55368ebb14bfca5080c5ad58c8d7d0d9ae6',
      'b476136814a2d55d9fd7b4fd84a1bcd2042ac1d01f0db716e629b0b86fd83c6a',
      '38b83f509768339e0e1fe0ae7313c604dd849cef41434370fda45e3c2a033eea',
      '4454a8e91e89ae2154dbe8179b8d624d5d45a568ce69f46070ae533d45f0ea68',
    ]);
    assert.deepEqual(
      keys.map((key) => key.split('/')[1]),
      ['scitos-g5-01', 'scitos-g5-02', 'scitos-g5-03', 'scitos-g5-04'],
    );
    assert.equal(lines.length, 4);
  });

  it('holds out exactly the last quarter of the wall-following recording', () => {
    const startUs = Date.parse('2009-10-01T09:00:00Z') * 1000;
    const splits = Array.from({ length: 124 }, (_, episode) => {
      const startedAtUs = startUs + Math.round((episode * 44 * 1e6) / 9);
      const day = recordedOn(startedAtUs) ?? '';
      return splitOf({ robotId: 'scitos-g5-01', recordedOn: day, startedAtUs }, scitosG5RecordingType.split);
    });
    assert.deepEqual(
      splits.flatMap((split, episode) => (split === 'heldout' ? [episode] : [])),
      Array.from({ length: 31 }, (_, index) => 93 + index),
    );
    const validation = splits.flatMap((split, episode) => (split === 'validation' ? [episode] : []));
    assert.deepEqual(validation, [15, 16, 17, 40, 41, 42, 74, 75, 76]);
  });

  it('handles what is peculiar about the UR3 recording by rule, and counts it', async function () {
    this.timeout(60_000);
    const { summary, keys, digests } = await landed(importUr3Cobotops, sharedDataset('ur3-cobotops'));
    assert.deepEqual(summary, {
      format: 'ur3-cobotops',
      robotType: 'ur3-cobotops@1',
      robots: 1,
      rows: 7409,
      frames: 7355,
      // 240 numbers, nine of them used for a second cycle after the counter was set back.
      episodes: 249,
      segments: 5,
      segmentsAlreadyThere: 0,
      handled: dictionary([
        ['boundaryValuesUsedAgain', 9],
        ['decimalCommas', 123_343],
      ]),
      notTaken: [
        { what: 'field', name: 'Num', reason: 'not in the map', count: 1 },
        { what: 'field', name: '', reason: 'a column without a name', count: 11 },
        { what: 'row', name: 'Current_J0', reason: 'blank', count: 46 },
        { what: 'row', name: 'Current_J1', reason: 'blank', count: 8 },
      ],
      notTakenNotListed: 0,
    });
    assert.equal(keys.length, 5);
    assert.deepEqual(digests, [
      'e79c1a1169981ffad67ec91fb64f155fd756eefb1a9f2f210325077bf375576f',
      'be5ce1706cec77cf6608546130477ecf021ef3140a2f017b631af77a630c45b7',
      '4e5ccea1256f1c0394c7963971c9d07cee4913748e07674fbb11aa5846ead80b',
      '05018b263a3eb76fd3546453ee1a5cd0ef7f289ae8be3e8cef1437c2bba1ea09',
      'a01caa03dc4fd64a9df2d2449d4a97d398cf9f703fdac802e8cc88aa2a0a3ce6',
    ]);
  });

  it('lands the same segments when a file is imported again, and says so', async () => {
    const path = join(scratchDirectory, 'sensor_readings_24.data');
    const reading = (row: number) =>
      Array.from({ length: 24 }, (_, k) => (0.5 + ((row * k) % 40) / 10).toFixed(3)).join(',');
    const rows = Array.from({ length: 100 }, (_, row) => `${reading(row)},Move-Forward`);
    await writeFile(path, `${rows.join('\r\n')}\r\n`);
    const first = await landed(importWallFollowing, scratchDirectory);
    assert.deepEqual([first.summary.episodes, first.summary.frames], [3, 100]);
    const again = await importWallFollowing({
      path,
      store: first.store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
    });
    assert.deepEqual(again, { ...first.summary, segmentsAlreadyThere: 1 });
    const elsewhere = await landed(importWallFollowing, path);
    assert.deepEqual(elsewhere.keys, first.keys);
  });

  it('says which file, line and column it cannot read', async () => {
    const path = join(scratchDirectory, 'broken.data');
    const cases: readonly (readonly [string, RegExp])[] = [
      [`${'1,'.repeat(24)}Move-Sideways\n`, /expected Class: one of move-forward.*got "Move-Sideways".*line=1/],
      [`${'1,'.repeat(23)}x,Move-Forward\n`, /expected S24: a number, got "x".*line=1/],
      ['1,2,3\n', /expected S4: a number, got ""/],
    ];
    for (const [text, message] of cases) {
      await writeFile(path, text);
      await assert.rejects(landed(importWallFollowing, path), (error: Error) => {
        return error instanceof ImportError && message.test(error.message) && error.message.includes(path);
      });
    }
    await writeFile(path, 'Num;Timestamp;cycle\n1;2022-10-26T08:17:21.847Z;1\n');
    await assert.rejects(landed(importUr3Cobotops, path), /expected column Current_J0.*got none/);
    await assert.rejects(landed(importUr3Cobotops, join(scratchDirectory, 'nowhere')), /expected dataset_02052023.csv/);
  });

  it('knows every format by a name of its own', () => {
    assert.deepEqual(
      knownRecordings.map(({ name, robotType }) => [name, robotType.id]),
      [
        ['wall-following', 'scitos-g5-recording'],
        ['ur3-cobotops', 'ur3-cobotops'],
      ],
    );
  });

  it('reads decimal commas and gives a cycle with a stop its reason', async () => {
    const path = join(scratchDirectory, 'small.csv');
    const joints = (name: string) => Array.from({ length: 6 }, (_, joint) => `${name}_J${joint}`);
    const names = [...joints('Current'), 'Temperature_T0', ...joints('Temperature').slice(1), ...joints('Speed')];
    const header = ['Num', 'Timestamp', ...names, 'Tool_current', 'cycle ', 'Robot_ProtectiveStop', 'grip_lost', ''];
    const line = (second: number, cycle: number, stop: boolean) =>
      [
        second,
        `2022-10-26T08:00:0${second}.000Z`,
        ...Array.from({ length: 19 }, () => '0,25'),
        cycle,
        stop ? 'True' : 'False',
        'False',
        '',
      ].join(';');
    await writeFile(
      path,
      [header.join(';'), ...[0, 1, 2].map((s) => line(s, 7, s === 1)), line(3, 8, false)].join('\n'),
    );
    const { summary, keys, store } = await landed(importUr3Cobotops, path);
    assert.deepEqual([summary.episodes, summary.frames, summary.handled['decimalCommas']], [2, 4, 76]);
    const local = await store.localPath(keys[0]!);
    assert.ok((await readFile(local!)).length > 0);
  });
});
