import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';

import { csvTableReader } from '../../../datasets/importers/csv-table.ts';
import type { ImportMap } from '../../../datasets/importers/import-map.ts';
import { ImportError } from '../../../datasets/importers/import-summary.ts';
import { resolveMap } from '../../../datasets/importers/resolve-map.ts';
import { sourceFiles } from '../../../datasets/importers/source-files.ts';
import type { SourceEpisode } from '../../../datasets/importers/source-episode.ts';
import { instantUs } from '../../../datasets/importers/source-time.ts';
import { tableEpisodes } from '../../../datasets/importers/table-episodes.ts';
import { Tally } from '../../../datasets/importers/tally.ts';
import { conversionOf } from '../../../datasets/importers/units.ts';
import { cart, cartMap, discreteCart } from './cart.ts';

const startUs = Date.parse('2024-01-01T00:00:00Z') * 1000;

describe('a table as episodes', () => {
  let folder = '';
  let files = 0;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-tables-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(
    text: string | readonly string[],
    map: ImportMap,
    type = cart,
    bounds: { mostFrames?: number; mostNumbers?: number } = {},
  ) {
    const tally = new Tally();
    const sources = [];
    for (const content of typeof text === 'string' ? [text] : text) {
      files += 1;
      const path = join(folder, `${files}.csv`);
      await writeFile(path, content);
      sources.push({ path, name: `file-${sources.length}.csv` });
    }
    const reader = csvTableReader({ separator: ',', decimal: '.', header: 'present', ...map.csv }, tally);
    const episodes: SourceEpisode[] = [];
    const count = { rows: 0 };
    for await (const episode of tableEpisodes({ files: sources, reader, map, type, tally, ...bounds }, count))
      episodes.push(episode);
    return { episodes, rows: count.rows, ...tally.result() };
  }
  const header = 't,place,angle,speed,who,lap,said\n';
  const line = (t: number | string, place: number | string = 1, rest = '') => `${t},${place},0.5,0.25,${rest}\n`;

  it('reads values by unit, scale and offset, and fills what nothing says', async () => {
    const map = cartMap({
      observations: [
        { name: 'angle', column: 'angle', unit: 'deg' },
        { name: 'place', column: 'place', scale: 0.01, offset: 2 },
      ],
      actions: { kind: 'continuous', ranges: [{ name: 'speed', fill: 0.5 }] },
    });
    const { episodes } = await read('t,place,angle\n0,100,180\n0.1,200,90\n', map);
    const [{ frames }] = episodes as [SourceEpisode];
    assert.deepEqual([...frames.at(0)!.observation], [3, Math.PI].map(Math.fround));
    assert.deepEqual([...frames.at(1)!.observation], [4, Math.PI / 2].map(Math.fround));
    assert.deepEqual([...frames.at(1)!.action], [0.5]);
    assert.deepEqual(
      frames.map(({ atUs }) => atUs - startUs),
      [0, 100_000],
    );
  });

  it('cuts episodes by column, gap, file and number of rows', async () => {
    const rows = [0, 0.1, 0.2, 5, 5.1].map((t, index) => line(t, 1, `a,${index < 2 ? 1 : '2.0'},`));
    const lengths = async (by: object, text: string | string[] = header + rows.join('')) =>
      (await read(text, cartMap({ episodes: { by } }))).episodes.map(({ frames }) => frames.length);
    assert.deepEqual(await lengths({ kind: 'column', column: 'lap' }), [2, 3]);
    assert.deepEqual(await lengths({ kind: 'gap', longerThanS: 1 }), [3, 2]);
    assert.deepEqual(await lengths({ kind: 'rows', rows: 2 }), [2, 2, 1]);
    assert.deepEqual(await lengths({ kind: 'file' }, [header + rows.slice(0, 4).join(''), header + rows[4]]), [4, 1]);
  });

  it('takes ids of episodes that are ULIDs, and ends at or leaves out what is none', async () => {
    const [first, second] = ['01HZX3V5Q8R9S0T1A2B3C4D5E6', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'];
    const text = (...ids: string[]) => header + ids.map((id, index) => line(index / 10, 1, `a,${id},${id}`)).join('');
    const episodes = { by: { kind: 'column', column: 'lap' }, idColumn: 'said' };
    const ids = async (table: string, rows: object = {}) => {
      const found = await read(table, cartMap({ episodes, rows }));
      return { ids: found.episodes.map(({ id }) => id), notTaken: found.notTaken };
    };
    assert.deepEqual((await ids(text(first, first, second))).ids, [first, second]);
    for (const id of ['run-7', first.toLowerCase(), first.slice(1), `8${first.slice(1)}`, '../../01HZX3V5Q8R9S0T1A2B3'])
      await assert.rejects(ids(text(first, id)), (error: Error) => {
        assert.ok(error instanceof ImportError);
        assert.match(
          error.message,
          /^expected said: the id of an episode from a lake, a ULID of 26 .*idColumn out of the map/,
        );
        return error.message.includes(`got "${id}"`) && error.message.includes('line=3');
      });
    const lenient = await ids(text(first, 'run-7', 'run-7', second), { unreadable: 'leaveOut' });
    assert.deepEqual(lenient.ids, [first, second]);
    assert.deepEqual(
      lenient.notTaken.filter(({ what }) => what === 'row').map(({ name, count }) => [name, count]),
      [['said', 2]],
    );
    // Without one an episode's id is made of its name.
    assert.deepEqual((await ids(text('', ''))).ids, []);
  });

  it('gives robots that take turns their own episodes', async () => {
    const text =
      header + [0, 0.1, 0.2, 0.3].map((t, index) => line(t, index, `${index % 2 ? 'Cart B' : 'a'},1,`)).join('');
    const map = cartMap({
      robot: { column: 'who', prefix: 'r-' },
      episodes: { by: { kind: 'column', column: 'lap' } },
    });
    const { episodes } = await read(text, map);
    assert.deepEqual(
      episodes.map(({ robotId, frames }) => [robotId, frames.map(({ observation }) => observation[0])]),
      [
        ['r-a', [0, 2]],
        ['r-cart-b', [1, 3]],
      ],
    );
    assert.notEqual(episodes[0]!.name, episodes[1]!.name);
  });

  it('judges success by its rule, also by rows that make no frame', async () => {
    const said = (...texts: string[]) =>
      header + texts.map((text, index) => line(index / 10, 1, `a,1,${text}`)).join('');
    const judged = async (success: object, text: string) => {
      const { episodes } = await read(text, cartMap({ success }));
      return episodes.map(({ outcome, failureReason }) => [outcome, failureReason]);
    };
    const failed = {
      kind: 'failedWhen',
      any: [
        { column: 'said', equals: 'fell', reason: 'fell over' },
        { column: 'said', equals: 'stop', reason: 'stopped' },
      ],
    };
    assert.deepEqual(await judged(failed, said('', 'ok')), [['success', null]]);
    assert.deepEqual(await judged(failed, said('stop', 'fell', '')), [['failure', 'fell over, stopped']]);
    assert.deepEqual(await judged(failed, `${said('', '')}0.2,,0.5,0.25,a,1,fell\n`), [['failure', 'fell over']]);
    const last = { kind: 'succeededWhen', row: 'last', column: 'said', equals: 'done', otherwise: 'not done' };
    assert.deepEqual(await judged(last, said('done', '')), [['failure', 'not done']]);
    assert.deepEqual(await judged({ ...last, row: 'any' }, said('done', '')), [['success', null]]);
    assert.deepEqual(await judged(last, said('', 'done')), [['success', null]]);
  });

  it('reads discrete actions by the names of the map and of the robot type', async () => {
    const actions = { kind: 'discrete', column: 'said', values: [{ value: 'L', is: 'left' }] };
    const text = header + ['L', 'right', 'none'].map((name, index) => line(index / 10, 1, `a,1,${name}`)).join('');
    const { episodes } = await read(text, cartMap({ actions }), discreteCart);
    assert.deepEqual(
      episodes[0]!.frames.map(({ action }) => [...action]),
      [[0], [2], [1]],
    );
    await assert.rejects(
      read(`${header}${line(0, 1, 'a,1,up')}`, cartMap({ actions }), discreteCart),
      /expected said: one of left, none, right, L, got "up" \[file=.*csv, line=2\]/,
    );
  });

  it('lets times restart with each episode, one after the other', async () => {
    const time = { column: 't', kind: 'ms', startsAt: '2024-01-01T00:00:00Z', restarts: true };
    const text = header + [0, 100, 0, 100].map((t, index) => line(t, 1, `a,${index < 2 ? 1 : 2},`)).join('');
    const map = cartMap({ time, episodes: { by: { kind: 'column', column: 'lap' } } });
    const { episodes } = await read(text, map);
    assert.deepEqual(
      episodes.map(({ frames }) => frames.map(({ atUs }) => atUs - startUs)),
      [
        [0, 100_000],
        [2_100_000, 2_200_000],
      ],
    );
  });

  it('counts every row, column and short episode that it does not take, each with its reason', async () => {
    const map = cartMap({
      episodes: { by: { kind: 'column', column: 'lap' }, leaveOutShorterThan: 2 },
      rows: { blank: 'leaveOut', unreadable: 'leaveOut' },
    });
    const text = [
      't,place,angle,speed,lap,,extra\n',
      '0,1,1,1,1,,\n0.1,,1,1,1,,\n0.2,x,1,1,1,,\n0.3,1e60,1,1,1,,\n0.4,1,1,1,1,,\nnoon,1,1,1,1,,\n',
      '1,1,1,1,2,,\n',
      '2,1,1,1,3,,,too much\n2.1,1,1\n2.2,1,1,1,3\n',
    ].join('');
    const { episodes, rows, handled, notTaken } = await read(text, map);
    assert.deepEqual([rows, episodes.map(({ frames }) => frames.length)], [10, [2, 2]]);
    assert.deepEqual(
      notTaken.map(({ what, name, reason, count }) => `${count} ${what} ${name}: ${reason}`),
      [
        '1 field : a column without a name',
        '1 field extra: not in the map',
        '1 row place: blank',
        '2 row place: expected a number',
        '1 row time: expected that can be read',
        '1 episode : shorter than 2 frames',
        '1 frame : of an episode that is shorter than 2 frames',
        '1 row lap: blank',
      ],
    );
    assert.deepEqual({ ...handled }, { linesWithMoreCells: 1, linesWithFewerCells: 2 });
  });

  it('refuses what cannot be told, with file, line, field, expected and got', async () => {
    const cases: readonly (readonly [string, object, RegExp])[] = [
      [`${header}0,0x10,1,1\n`, {}, /expected place: a number, got "0x10" \[file=.*, line=2\]/],
      [`${header}0,Infinity,1,1\n`, {}, /expected place: a number, got "Infinity"/],
      [`${header}0,1e39,1,1\n`, {}, /expected place: a number, got "1e39"/],
      [`${header}-99999999999,1,1,1\n`, {}, /expected time: that can be read, got "-99999999999"/],
      [header + line(0, 1, '\u001b[2J,1,'), { robot: { column: 'who' } }, /expected robot: .*got "\\u001b\[2J"/],
      ['t,place,place,angle,speed\n0,1,1,1,1\n', {}, /expected column "place" once, got it twice/],
      ['t,angle,speed\n', {}, /expected column place, got none of that name/],
      ['', {}, /expected a table, got a file without any line/],
      [`${header}0,"1,1,1\n`, {}, /expected cells between ",", got a quote that is not closed.*line=/],
      [`${header}${'x'.repeat(5_000_000)}`, {}, /got a line of more than 4194304 bytes/],
      [`${header}${','.repeat(5_000_000)}`, {}, /got a line of more than 4194304 bytes.*line=2\]/],
      [`${header}${'"", '.repeat(1_250_000)}`, {}, /got a line of more than 4194304 bytes.*line=2\]/],
      [`${','.repeat(20_000)}\n${header}`, {}, /expected at most 10000 cells in a line/],
    ];
    for (const [text, changes, message] of cases)
      await assert.rejects(read(text, cartMap(changes)), (error: Error) => {
        assert.ok(error instanceof ImportError, error.stack);
        assert.match(error.message, message);
        return true;
      });
  });

  it('bounds what is open at once: robots that take turns, and an episode that never ends', async () => {
    const robots = Array.from({ length: 1_100 }, (_, robot) => line(0, 1, `r${robot},1,`)).join('');
    await assert.rejects(
      read(header + robots, cartMap({ robot: { column: 'who' } })),
      /at most 1,000 robots taking turns/,
    );
    const endless = header + line(0).repeat(1_001);
    const { episodes, notTaken } = await read(endless, cartMap(), cart, { mostFrames: 1_000 });
    assert.equal(episodes.length, 0);
    assert.match(notTaken.at(-1)?.reason ?? '', /more than 1000 frames/);
  });

  it('counts what a frame takes beside its values, and gives it back when the episode ends', async () => {
    const lap = cartMap({ robot: { column: 'who' }, episodes: { by: { kind: 'column', column: 'lap' } } });
    // Ten open frames of three values.
    const bounds = { mostFrames: 6, mostNumbers: 10 * (64 + 3) };
    const laps = (frames: number, robots: readonly string[]) =>
      Array.from({ length: 20 }, (_, number) =>
        Array.from({ length: frames }, () => robots.map((robot) => line(number, 1, `${robot},${number},`)).join('')),
      ).flat(2);
    const taken = async (frames: number, ...robots: readonly string[]) =>
      (await read(header + laps(frames, robots).join(''), lap, cart, bounds)).episodes.length;
    assert.equal(await taken(5, 'a', 'b'), 40);
    await assert.rejects(
      taken(6, 'a', 'b'),
      /expected episodes that end: too much is open at once, got 2 open episodes/,
    );
    assert.equal(await taken(9, 'a'), 0);
  });

  it('hands on fewer rows at once where they are long, and takes blank lines for none', async () => {
    const path = join(folder, 'long.csv');
    const long = `${'x'.repeat(1_500_000)}\n`;
    await writeFile(path, `a\n${'\n'.repeat(5_000_000)}${long.repeat(4)}${'1\n'.repeat(600)}`);
    const reader = csvTableReader({ separator: ',', decimal: '.', header: 'present' }, new Tally());
    const batches: number[] = [];
    for await (const rows of reader.rows(path, [{ column: 'a', as: 'text' }])) batches.push(rows.length);
    // The blank lines count for the row behind them.
    assert.deepEqual(batches, [1, 3, 512, 88]);
  });

  it('holds a map against the robot type before anything is read', () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ observations: [{ name: 'place', column: 'p' }] }, /observations: expected every name of cart@1.*angle/],
      [{ observations: [{ name: 'plaice', column: 'p' }] }, /observations: expected names of cart@1, got "plaice"/],
      [{ actions: { kind: 'none' } }, /actions.kind: expected continuous, as cart@1 says, got "none"/],
      [
        { actions: { kind: 'continuous', ranges: [{ name: 'speed', column: 's', unit: 'kg' }] } },
        /ranges\[0\].unit: expected a unit that is known to become m\/s, or scale and offset, got "kg"/,
      ],
      [{ actions: { kind: 'continuous', ranges: [{ name: 'speed', column: 's', scale: 0 }] } }, /another scale than 0/],
      [{ task: { column: 'x', values: [{ value: 'a', is: 'Roll it' }] } }, /task.values\[0\].is: expected a task/],
    ];
    for (const [changes, message] of cases) assert.throws(() => resolveMap(cartMap(changes), cart), message);
  });

  it('names the robot of so many episodes each, in turn', async () => {
    const text = header + Array.from({ length: 5 }, (_, index) => line(index)).join('');
    const map = cartMap({ robot: { prefix: 'cart-', episodesEach: 2 }, episodes: { by: { kind: 'rows', rows: 1 } } });
    const { episodes } = await read(text, map);
    assert.deepEqual(
      episodes.map(({ robotId }) => robotId),
      ['cart-01', 'cart-01', 'cart-02', 'cart-02', 'cart-03'],
    );
  });
});

describe('times of a recording', () => {
  it('are read with offset, or as local time of a zone, the earlier of two and none of those that are skipped', () => {
    const iso = (text: string, zone = 'UTC') => {
      const us = instantUs(text, zone);
      return Number.isNaN(us) ? 'none' : `${new Date(us / 1000).toISOString()}+${us % 1000}`;
    };
    assert.equal(iso('2022-10-26T08:17:21.847123Z'), '2022-10-26T08:17:21.847Z+123');
    assert.equal(iso('2022-10-26 10:17:21,5+02'), '2022-10-26T08:17:21.500Z+0');
    assert.equal(iso('2022-10-26 02:47:21-05:30'), '2022-10-26T08:17:21.000Z+0');
    assert.equal(iso('2022-07-01 12:00', 'Europe/Berlin'), '2022-07-01T10:00:00.000Z+0');
    assert.equal(iso('2022-01-01', 'Europe/Berlin'), '2021-12-31T23:00:00.000Z+0');
    assert.equal(iso('2022-10-30 02:30:00', 'Europe/Berlin'), '2022-10-30T00:30:00.000Z+0');
    assert.equal(iso('2022-03-27 02:30:00', 'Europe/Berlin'), 'none');
    for (const text of ['', 'noon', '2022-02-30', '2022-13-01', '2022-01-01 24:00', '2022-01-01 10:60', '20220101'])
      assert.equal(iso(text), 'none', text);
  });

  it('are the same by any zone that says the same wall time', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC');
    fc.assert(
      fc.property(fc.integer({ min: 200_000, max: 4_000_000_000 }), zones, (second, timeZone) => {
        const wall = new Date(second * 1000).toLocaleString('sv', { timeZone });
        const us = instantUs(wall, timeZone);
        // The other of two equal wall times is allowed where clocks are set back.
        assert.equal(new Date(us / 1000).toLocaleString('sv', { timeZone }), wall);
        assert.ok(us <= second * 1e6 && us >= (second - 7200) * 1e6);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('units of a recording', () => {
  it('become others of their kind, and no others', () => {
    const converted = (value: number, from: string, to: string) => {
      const { factor = Number.NaN, offset = 0 } = conversionOf(from, to) ?? {};
      return Math.round((factor * value + offset) * 1e6) / 1e6;
    };
    assert.equal(converted(250, 'cm', 'm'), 2.5);
    assert.equal(converted(36, 'km/h', 'm/s'), 10);
    assert.equal(converted(20, 'degC', 'K'), 293.15);
    assert.equal(converted(212, 'degF', 'degC'), 100);
    assert.equal(converted(5, 'furlong', 'furlong'), 5);
    assert.equal(conversionOf('cm', 'rad'), undefined);
    assert.equal(conversionOf('furlong', 'm'), undefined);
  });
});

describe('the files of a recording', () => {
  it('are those of the folder and below by name, without links and others, which are counted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flywheel-files-'));
    try {
      await mkdir(join(folder, 'b'));
      for (const name of ['c.csv', 'a.CSV', 'b/x.csv', 'notes.md']) await writeFile(join(folder, name), 'a\n');
      await symlink('/etc/passwd', join(folder, 'link.csv'));
      const tally = new Tally();
      const found = await sourceFiles(folder, ['.csv'], tally);
      assert.deepEqual(
        found.map(({ name }) => name),
        ['a.CSV', 'b/x.csv', 'c.csv'],
      );
      assert.deepEqual(
        tally.result().notTaken.map(({ name, reason }) => [name, reason]),
        [
          ['link.csv', 'no regular file'],
          ['notes.md', 'does not end in .csv'],
        ],
      );
      await assert.rejects(sourceFiles(join(folder, 'nowhere'), ['.csv'], tally), /expected a file that ends in .csv/);
      await assert.rejects(sourceFiles(join(folder, 'link.csv'), ['.csv'], tally), /expected a file that ends in .csv/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
