import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import * as collectionTables from '../../activities/collection/tables.ts';
import { exportHeldoutSet } from '../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../activities/mix/mix-experience.ts';
import { exportLeRobot } from '../../activities/exports/export-lerobot.ts';
import * as exportTables from '../../activities/exports/tables.ts';
import * as mixTables from '../../activities/mix/tables.ts';
import type { TempTable } from '../../activities/temp-table.ts';
import { CollectionWorld, oneRobot, portsOf, type Ports } from './collection/collection-fixture.ts';
import { numbered, openMixFixture, robotType, store } from './mix/mix-fixture.ts';
import { watchedEngine, type MadeColumns } from './watched-engine.ts';

const activities = fileURLToPath(new URL('../../activities', import.meta.url));
const isTable = (value: unknown): value is TempTable => typeof value === 'object' && value !== null && 'row' in value;
const contracts = {
  collection: Object.values(collectionTables).filter(isTable),
  mix: Object.values(mixTables).filter(isTable),
  exports: Object.values(exportTables).filter(isTable),
};

/** What the engine says of a type that the contract names. */
const spelled = (type: string): string =>
  type
    .replaceAll('TIMESTAMPTZ', 'TIMESTAMP WITH TIME ZONE')
    .replaceAll('"', '')
    .replace('FLOAT[n]', `FLOAT[${robotType.observations.length}]`)
    .replace('LABEL', 'INTEGER');

function holdColumns(made: ReadonlyMap<string, MadeColumns>, tables: readonly TempTable[]): void {
  assert.deepEqual([...made.keys()].toSorted(), tables.map(({ name }) => name).toSorted());
  for (const { name, columns } of tables)
    assert.deepEqual(
      made.get(name)?.map(([column, type]) => [column, type.replaceAll('"', '')]),
      columns.map(([column, type]) => [column, spelled(type)]),
      name,
    );
}

describe('the temporary tables', function () {
  this.timeout(60_000);

  it('of a collection have the columns of their contract', async () => {
    const world = await CollectionWorld.open();
    const { engine, made } = watchedEngine(world.ports.engine);
    const ports: Ports = portsOf(world.ports.store, engine, world.ports.scratchDirectory);
    const { robotId, episodes } = oneRobot(3, 3);
    await world.land(robotId, episodes.slice(0, 2).flat());
    const dying: Ports = {
      ...ports,
      lake: {
        ...ports.lake,
        commitStaged: async (table, ...rest) => {
          if (table === 'episodes') throw new Error('the worker dies between its two commits');
          return ports.lake.commitStaged(table, ...rest);
        },
      },
    };
    await assert.rejects(world.collect('c0', { ports: dying }), /between its two commits/);
    await world.collect('c1', { ports });
    await world.land(robotId, episodes.slice(1).flat());
    await world.collect('c2', { ports });
    await world.close();
    holdColumns(made, contracts.collection);
  });

  it('of a mix have the columns of their contract', async () => {
    const fixture = await openMixFixture();
    const { engine, made } = watchedEngine(fixture.engine);
    const ports = { ...fixture.ports, engine };
    await fixture.lake.currentVersion();
    await store(fixture, 0, [
      ...numbered(0, 5),
      ...numbered(20, 3, { outcome: 'failure', experts: 4 }),
      ...numbered(30, 3, { split: 'validation' }),
      ...numbered(50, 3, { split: 'heldout', frames: 4 }),
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const type = { id: robotType.id, version: 1 };
    await exportHeldoutSet(ports)({ robotType: type, datasetVersion });
    await mixExperience(ports)({
      robotType: type,
      datasetVersion,
      cycleId: 'c1',
      newSince: datasetVersion,
      targetFrames: 40,
      seed: 1,
      doubtBy: ['logJerk'],
    });
    await fixture.close();
    holdColumns(made, contracts.mix);
  });

  it('of an export have the columns of their contract', async () => {
    const fixture = await openMixFixture();
    const { engine, made } = watchedEngine(fixture.engine);
    await fixture.lake.currentVersion();
    await store(fixture, 0, numbered(0, 3));
    const session = await engine.open({ threads: 1 });
    const folder = path.join(fixture.directory, 'exported');
    const { episodes } = await exportLeRobot(
      { store: fixture.store, lake: fixture.lake, session },
      { version: await fixture.lake.currentVersion(), robotType, filter: {}, folder, sentences: new Map() },
    );
    await session.close();
    await fixture.close();
    assert.equal(episodes, 3);
    holdColumns(made, contracts.exports);
  });

  it('are made by one file and read by those of their contract, and made nowhere else', () => {
    const texts = new Map(
      readdirSync(activities, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('tables.ts'))
        .map((name) => [name, readFileSync(path.join(activities, name), 'utf8')]),
    );
    for (const [folder, contract] of Object.entries({
      collection: collectionTables,
      mix: mixTables,
      exports: exportTables,
    }))
      for (const [constant, table] of Object.entries(contract)) {
        if (!isTable(table)) continue;
        const { name, madeBy, readBy } = table;
        const filesWith = (pattern: RegExp): string[] =>
          [...texts].flatMap(([file, text]) =>
            file.startsWith(`${folder}/`) && pattern.test(text) ? [path.basename(file)] : [],
          );
        assert.deepEqual(filesWith(new RegExp(`createTable(As)?\\(\\s*${constant}\\b`)), [madeBy], name);
        const reads = new RegExp(`\\b(FROM|JOIN|INTO|COPY) ${name}\\b|\\w\\((session|.*Names\\]?), '${name}\\b`);
        const readers = filesWith(reads).filter((file) => file !== madeBy);
        assert.deepEqual(readers.toSorted(), readBy.toSorted(), name);
      }
    const making = [...texts].filter(([, text]) => /TEMP(ORARY)? (TABLE|VIEW)/.test(text)).map(([file]) => file);
    assert.deepEqual(making, ['temp-table.ts']);
  });
});
