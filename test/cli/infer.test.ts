import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { inferDraft, writeDraft, type InferInput } from '../../cli/infer.ts';
import { importCsv } from '../../cli/import-tables.ts';
import { importMapSchema } from '../../datasets/importers/import-map.ts';
import { checkRobotType } from '../../datasets/robot-type-check/check-robot-type.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';

describe('drafting a robot type from a recording', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-infer-'))));
  after(() => rm(folder, { recursive: true, force: true }));
  const engine = () => duckDbEngine({ temporaryDirectory: folder, threads: 1 });

  async function drafted(text: string, changes: Partial<InferInput> = {}) {
    const path = join(await mkdtemp(join(folder, 'table-')), 'table.csv');
    await writeFile(path, text);
    const input: InferInput = { format: 'csv', path, id: 'arm', separator: ',', decimal: '.', ...changes };
    const draft = await inferDraft(input, engine());
    const { type, problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(draft.robotType)));
    assert.ok(type, JSON.stringify(problems));
    return { path, type, map: importMapSchema.parse(draft.map), notes: draft.notes, draft };
  }

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
      notes.some((note) => /never changed.*fixed/.test(note)) && notes.some((note) => /blanks.*load/.test(note)),
    );
    const store = memoryObjectStore();
    const input = {
      path,
      store,
      scratchDirectory: folder,
      progress: () => {},
      isRegistered: async () => false,
      engine: engine(),
      type,
      map,
      isAgain: false,
    };
    const summary = await importCsv(input);
    assert.deepEqual([summary.rows, summary.episodes, summary.frames], [40, 2, 39]);
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

  it('takes names of columns that want to break something as names, and refuses what holds no reading', async () => {
    const { type } = await drafted('__proto__,"x, y",constructor\n1,2,3\n2,3,4\n');
    assert.deepEqual(
      type.observations.map(({ name }) => name),
      ['__proto__', 'x, y', 'constructor'],
    );
    await assert.rejects(drafted('who,what\na,b\n'), /expected numbers that can be observations, got none/);
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
