import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { inferDraft, writeDraft, type InferInput } from '../../cli/infer.ts';
import { importCsv } from '../../cli/import-tables.ts';
import { importMapSchema } from '../../datasets/importers/import-map.ts';
import { checkRobotType } from '../../datasets/robot-type-check/check-robot-type.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';

describe('drafting a robot type from a recording', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-infer-'))));
  after(() => rm(folder, { recursive: true, force: true }));
  const engine = () => duckDbEngine({ temporaryDirectory: folder, threads: 1 });

  async function drafted(text: string | Buffer, changes: Partial<InferInput> = {}) {
    const path = join(await mkdtemp(join(folder, 'table-')), 'table.csv');
    await writeFile(path, text);
    const input: InferInput = { format: 'csv', path, id: 'arm', ...changes };
    const draft = await inferDraft(input, engine());
    const { type, problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(draft.robotType)));
    assert.ok(type, JSON.stringify(problems));
    return { path, type, map: importMapSchema.parse(draft.map), notes: draft.notes, draft };
  }

  const importedFrom = ({
    path,
    type,
    map,
    store = memoryObjectStore(),
  }: Pick<Awaited<ReturnType<typeof drafted>>, 'path' | 'type' | 'map'> & { readonly store?: ObjectStore }) =>
    importCsv({
      path,
      store,
      scratchDirectory: folder,
      progress: () => {},
      isRegistered: async () => false,
      engine: engine(),
      type,
      map,
      isAgain: false,
    });

  it('guesses the parts of a table, measures ranges and rate, and what it drafts imports the table', async () => {
    const rows = Array.from({ length: 40 }, (_, row) => {
      const [run, t] = [row < 20 ? 1 : 2, (row % 20) * 0.05];
      return `${row},${t.toFixed(2)},${run},${Math.sin(row).toFixed(3)},7,${row === 9 ? '' : row},${row % 2 ? 'left' : 'right'}`;
    });
    const { path, type, map, notes } = await drafted(`row,time,run,x,fixed,load,action\n${rows.join('\n')}\n`);
    assert.equal(type.rateHz, 20);
    assert.deepEqual(
      type.observations.map(({ name, min, max }) => [name, min, max]),
      [
        ['x', -1.2, 1.2],
        ['fixed', 6, 8],
        ['load', -3.9, 42.9],
      ],
    );
    assert.deepEqual(type.actions, { kind: 'discrete', names: ['right', 'left'] });
    assert.deepEqual(type.limits.mayBeConstant, ['fixed']);
    assert.deepEqual(map.episodes.by, { kind: 'column', column: 'run' });
    assert.ok(
      notes.some((note) => /kept one value.*fixed/.test(note)) && notes.some((note) => /blanks.*load/.test(note)),
    );
    const summary = await importedFrom({ path, type, map });
    assert.deepEqual([summary.rows, summary.episodes, summary.frames], [40, 2, 39]);
  });

  it('drafts a table of a test stand: bytes of Windows, date beside time, a sum below, runs that are only counted, a verdict for each', async () => {
    const rows = Array.from({ length: 120 }, (_, row) => {
      const run = 1 + Math.floor(row / 30);
      const time = `00:${String(run).padStart(2, '0')}:${String(row % 30).padStart(2, '0')},${(row % 2) * 5}00`;
      const path = (Math.sin(row) * 100).toFixed(2).replace('.', ',');
      return `25.10.2026;${time};${run};${path};${70 + (row % 3)};${(row % 7) - 3};${run === 2 ? 'n.i.O.' : 'i.O.'}`;
    });
    const header = 'Datum;Zeit;Teil;Weg [mm];Temp. [°F];Sollgeschw. [mm/s];Bewertung';
    const text = ['Anlage: Greifer 7 (Halle Süd)', header, ...rows, 'Summe;;;;;;', ''].join('\r\n');
    const { path, type, map, notes } = await drafted(Buffer.from(text, 'latin1'));
    assert.deepEqual(
      type.observations.map(({ name, unit }) => [name, unit]),
      [
        ['Weg', 'mm'],
        ['Temp.', 'degF'],
      ],
    );
    assert.deepEqual(
      [map.csv?.encoding, map.episodes.by, 'column' in map.time && map.time.column],
      ['windows-1252', { kind: 'column', column: 'Teil' }, 'Zeit'],
    );
    assert.ok(type.actions.kind === 'continuous' && type.actions.ranges[0]?.name === 'Sollgeschw.');
    assert.deepEqual(map.success, {
      kind: 'succeededWhen',
      row: 'any',
      column: 'Bewertung',
      equals: 'i.O.',
      otherwise: 'not successful',
    });
    for (const note of [/no UTF-8.*windows-1252/, /1 rows.*Datum/, /same Teil is taken for an episode/])
      assert.ok(
        notes.some((said) => note.test(said)),
        String(note),
      );
    const summary = await importedFrom({ path, type, map });
    assert.deepEqual([summary.rows, summary.episodes, summary.frames], [121, 4, 120]);
  });

  it('drafts and imports a table that gzip has compressed, and says so where it is cut off or only a pointer', async () => {
    const rows = Array.from({ length: 3_000 }, (_, row) => `${row / 10},${Math.sin(row).toFixed(9)}`);
    const whole = gzipSync(`t,x\n${rows.join('\n')}\n`);
    const { path, type, map } = await drafted(whole);
    assert.equal((await importedFrom({ path, type, map })).frames, 3_000);
    await writeFile(path, whole.subarray(0, whole.length - 500));
    await assert.rejects(importedFrom({ path, type, map }), /expected a whole gzip file, got one that is cut off/);
    await writeFile(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n');
    await assert.rejects(importedFrom({ path, type, map }), /got a pointer of Git LFS/);
  });

  it('drafts numbers in groups of three, columns between blanks below a comment with their names, and lists of numbers', async () => {
    const values = (write: (row: number) => string) => Array.from({ length: 60 }, (_, row) => write(row)).join('\n');
    const grouped = await imported(
      `sep=;\n"t (s)";"x (mm)";"cmd (mm)"\n${values((row) => `"${row / 10}";"-1.${String(100 + row)},5";"12 ${String(100 + row)}"`)}\n`.replaceAll(
        /"(\d)\.(\d)"/g,
        '"$1,$2"',
      ),
    );
    assert.deepEqual(
      [grouped.frames, grouped.type.observations.map(({ min, max }) => [min, max])],
      [60, [[-1170, -1090]]],
    );
    assert.ok(grouped.type.actions.kind === 'continuous' && grouped.type.actions.ranges[0]?.max === 12_200);
    const aligned = await imported(
      `# made by rig 3\n#  t  x  u\n${values((row) => `  ${(row / 10).toFixed(1).padStart(6)}\t ${String(row).padStart(9)}   ${row % 3}`)}\n`,
    );
    assert.deepEqual(
      [aligned.frames, aligned.map.csv?.separator, aligned.type.observations.map(({ name }) => name)],
      [60, 'blanks', ['x']],
    );
    const listed = await imported(
      `t,joints,target_joints\n${values((row) => `${row / 10},"[${row}, 2e-1]","(${row} ${-row})"`)}\n6.0,"[7]","(1 2)"\n`,
    );
    assert.deepEqual(
      [listed.frames, listed.type.observations.map(({ name, max }) => [name, max])],
      [
        60,
        [
          ['joints[0]', 64.9],
          ['joints[1]', 1.2],
        ],
      ],
    );
  });

  it('reads what folders and names of files say, and says how to use them', async () => {
    const top = await mkdtemp(join(folder, 'folders-'));
    for (const [index, name] of ['ok/a.1.csv', 'ok/b.csv', 'nok/c.csv'].entries()) {
      await mkdir(join(top, name, '..'), { recursive: true });
      const rows = Array.from({ length: 25 }, (_, row) => `${row / 10},${index + row}`);
      await writeFile(join(top, name), `t,x\n${rows.join('\n')}\n`);
    }
    const draft = await inferDraft({ format: 'csv', path: top, id: 'arm' }, engine());
    const { type } = checkRobotType(new TextEncoder().encode(JSON.stringify(draft.robotType)));
    const map = importMapSchema.parse(draft.map);
    assert.ok(type);
    assert.deepEqual(map.success.kind === 'succeededWhen' && [map.success.column, map.success.equals], [
      '@folder',
      'ok',
    ]);
    const store = memoryObjectStore();
    const summary = await importedFrom({
      path: top,
      type,
      map: { ...map, robot: { column: '@file', prefix: '' } },
      store,
    });
    assert.deepEqual([summary.episodes, summary.frames, summary.notTaken], [3, 75, []]);
    const robots = new Set<string>();
    for await (const { key } of store.list('landing/')) robots.add(key);
    for (const robot of ['a', 'b', 'c'])
      assert.ok(
        [...robots].some((key) => key.includes(`/${robot}/`)),
        robot,
      );
    await rename(join(top, 'ok'), join(top, 'monday'));
    const other = await inferDraft({ format: 'csv', path: top, id: 'arm' }, engine());
    assert.ok(
      other.notes.some((note) => /folders \("monday", "nok"\).*\{"column": "@folder"\}/.test(note)),
      String(other.notes),
    );
  });

  it('counts an episode for each of the robots that take turns, and says how a table with one reading a row is pivoted', async () => {
    const turns = Array.from(
      { length: 180 },
      (_, row) => `${Math.floor(row / 3)},r${row % 3},${Math.floor(row / 60)},${row}`,
    );
    const { notes } = await drafted(`t,robot,episode,x\n${turns.join('\n')}\n`);
    assert.ok(
      notes.some((note) => /about 9 episodes/.test(note)),
      String(notes),
    );
    const long = Array.from({ length: 60 }, (_, row) => `${Math.floor(row / 3) / 10},${'xyz'.charAt(row % 3)},${row}`);
    const said = await drafted(`time,signal,value\n${long.join('\n')}\n`);
    assert.ok(
      said.notes.some((note) => /PIVOT t ON "signal"/.test(note)),
      String(said.notes),
    );
  });

  it('takes nothing from what is the same in every row, or is not used, and quotes names in a statement to copy', async () => {
    const rows = Array.from({ length: 60 }, (_, row) => {
      const noted = row === 30 ? 'later' : `2026-01-01 10:00:${String(row).padStart(2, '0')}`;
      return `${row / 10},${Math.floor(row / 20)},${row},${noted},ok`;
    });
    const { map } = await drafted(`t,episode,x,noted,state\n${rows.join('\n')}\n`);
    assert.deepEqual([map.success.kind, map.rows.unreadable], ['always', 'fail']);
    const long = Array.from({ length: 60 }, (_, row) => `${Math.floor(row / 3) / 10},${'xyz'.charAt(row % 3)},${row}`);
    const { notes } = await drafted(`time,"a""; DROP TABLE t",value\n${long.join('\n')}\n`);
    assert.ok(
      notes.some((note) => note.includes('PIVOT t ON "a""; DROP TABLE t" USING')),
      String(notes),
    );
  });

  it('takes a label that changes within an episode for an action, and a clock of seconds for no episodes', async () => {
    const rows = Array.from({ length: 90 }, (_, row) => `${Math.floor(row / 10)},${row},${row % 3 ? 'ok' : 'stop'}`);
    const { type, map } = await drafted(`second,x,said\n${rows.join('\n')}\n`);
    assert.deepEqual(type.actions, { kind: 'discrete', names: ['stop', 'ok'] });
    assert.deepEqual([map.success.kind, map.episodes.by.kind], ['always', 'rows']);
  });

  it('reads times since 1970, in parts of a second and as dates', async () => {
    const at = async (name: string, ...times: (number | string)[]) => {
      const { type, map } = await drafted(`${name},x\n${times.map((time, row) => `${time},${row}`).join('\n')}\n`);
      return [type.rateHz, map.time.kind, 'startsAt' in map.time && map.time.startsAt !== undefined];
    };
    assert.deepEqual(await at('t', 0, 0.1, 0.2), [10, 's', true]);
    assert.deepEqual(await at('stamp', 0, 20, 40), [50, 'ms', true]);
    assert.deepEqual(await at('timestamp', 1_700_000_000.0, 1_700_000_000.5), [2, 's', false]);
    assert.deepEqual(await at('timestamp', '1700000000000000000', '1700000000100000000'), [10, 'ns', false]);
    assert.deepEqual(await at('date', '2024-01-01 10:00:00.0', '2024-01-01 10:00:00.2'), [5, 'iso', false]);
    assert.deepEqual(await at('other', 'a', 'b'), [10, 'rows', true]);
  });

  /** Imports what was drafted, unchanged. */
  async function imported(text: string) {
    const { path, type, map } = await drafted(text);
    const summary = await importedFrom({ path, type, map });
    return { type, map, episodes: summary.episodes, frames: summary.frames };
  }
  const table = (header: string, row: (index: number) => readonly unknown[], separator = ','): string =>
    `${header}\n${Array.from({ length: 100 }, (_, index) => row(index).join(separator)).join('\n')}\n`;
  const secondOf = (index: number): string => `${String(Math.floor(index / 10)).padStart(2, '0')}.${index % 10}`;

  it('takes what many programs write without a line of a person', async () => {
    const echo = await imported(
      table('%time,field.header.seq,field.position0,field.velocity0', (i) => [
        `17000000${String(i).padStart(3, '0')}00000000`,
        i,
        Math.sin(i),
        Math.cos(i),
      ]),
    );
    assert.deepEqual(
      [echo.type.rateHz, echo.type.observations.map(({ name }) => name), echo.frames],
      [10, ['field.position0', 'field.velocity0'], 100],
    );
    const lists = await imported(
      table('__time,/joint/position[0],/cmd_vel/linear/x', (i) => [
        (1_700_000_000 + i / 10).toFixed(2),
        Math.sin(i),
        Math.cos(i),
      ]),
    );
    assert.equal(lists.type.actions.kind, 'continuous');
    const beside = await imported(
      table('date;time;x;u', (i) => ['27.11.2026', `10:00:${secondOf(i)}`, i % 3, i % 4], ';'),
    );
    assert.deepEqual(
      [beside.type.rateHz, beside.map.time],
      [10, { column: 'time', kind: 'iso', date: 'date', zone: 'UTC' }],
    );
    const american = await imported(table('timestamp,x,u', (i) => [`11/27/2026 1:00:${secondOf(i)} PM`, i % 3, i % 4]));
    assert.deepEqual(
      [american.type.rateHz, american.map.time],
      [10, { column: 'timestamp', kind: 'iso', order: 'mdy', zone: 'UTC' }],
    );
    const units = await imported(
      table('X_Value\tVoltage\tAction\nms\tV\t', (i) => [i * 10, `1,${i}`, i % 2 ? 'left' : 'right'], '\t'),
    );
    assert.deepEqual([units.type.rateHz, units.type.observations[0]?.unit, units.frames], [100, 'V', 100]);
    const bare = await imported(
      table('0.5,0.6,back', (i) => [i / 200, Math.cos(i).toFixed(3), i % 2 ? 'forward' : 'back']),
    );
    assert.deepEqual([bare.type.actions, bare.frames], [{ kind: 'discrete', names: ['back', 'forward'] }, 101]);
  });

  it('cuts episodes where the time pauses or begins again, else by rows, and holds out enough of few', async () => {
    const paused = await imported(table('t,x,u', (i) => [i / 10 + Math.floor(i / 20) * 30, i % 3, i % 4]));
    assert.deepEqual(
      [paused.episodes, paused.type.split],
      [5, { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.5 }],
    );
    assert.equal((await imported(table('t,x,u', (i) => [(i % 25) / 10, i % 3, i % 4]))).episodes, 4);
    assert.deepEqual((await imported(table('t,x,u', (i) => [i / 10, i % 3, i % 4]))).map.episodes.by, {
      kind: 'rows',
      rows: 20,
    });
  });

  it('finds how a recording says that an episode failed or succeeded', async () => {
    const success = async (name: string, value: (index: number) => unknown) =>
      (await drafted(table(`t,run,x,u,${name}`, (i) => [i / 10, Math.floor(i / 10), i % 3, i % 4, value(i)]))).map
        .success;
    assert.deepEqual(await success('success', (i) => (i % 20 === 19 ? 'True' : 'False')), {
      kind: 'succeededWhen',
      row: 'any',
      column: 'success',
      equals: 'True',
      otherwise: 'not successful',
    });
    assert.deepEqual(await success('grip_lost', (i) => (i === 3 ? 'True' : 'False')), {
      kind: 'failedWhen',
      any: [{ column: 'grip_lost', equals: 'True', reason: 'grip-lost' }],
    });
    assert.deepEqual(await success('note', () => 'fine'), { kind: 'always' });
  });

  it('takes a few cells that are no numbers, and blanks by other words, for rows to leave out, and says so', async () => {
    const { map, notes } = await drafted(
      table('t,x,y,u', (i) => [i / 10, i === 50 ? 'inf' : i, i % 10 ? i : 'NaN', i % 4]),
    );
    assert.equal(map.rows.unreadable, 'leaveOut');
    assert.ok(
      notes.some((note) => /blanks.*: y/.test(note)) && notes.some((note) => /else than a number.*: x/.test(note)),
      notes.join('\n'),
    );
  });

  it('takes names of columns that want to break something as names, and refuses what holds no reading', async () => {
    const { type } = await drafted('__proto__,"x, y",constructor\n1,2,3\n2,3,4\n');
    assert.deepEqual(
      type.observations.map(({ name }) => name),
      ['__proto__', 'x, y', 'constructor'],
    );
    await assert.rejects(drafted('who,what\na,b\n'), /expected numbers that can be observations, got none/);
    await assert.rejects(drafted('PK\u0003\u0004\u0000\u0000 t,x'), /got a file with bytes that are no text/);
    await assert.rejects(drafted(''), /expected a table, got a file without any line/);
  });

  it('writes two documents over nothing that is there', async () => {
    const { draft } = await drafted('t,x\n0,1\n1,2\n');
    const out = join(folder, 'out');
    const files = await writeDraft(draft, out);
    assert.deepEqual(JSON.parse(await readFile(files.robotType, 'utf8')), draft.robotType);
    await assert.rejects(writeDraft(draft, out), /expected no file yet, got one/);
  });
});
