import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { FactTable } from '../../datasets/dataset-version.ts';
import { factColumns, fleetDayMeasures } from '../../datasets/fact-columns.ts';
import { sqlName, sqlText, sqlTypes, emptyRelation } from '../../datasets/sql-types.ts';
import { utcDay } from '../../domain/facts/days.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readErasedEpisodes, readTombstones } from '../../store/records/erasures.ts';
import { hashFile } from '../erasure/erased-rows.ts';
import { erasedInTable } from '../erasure/find-lake.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { rowsKey, type FactState } from './fact-state.ts';
import type { SafetyEvent } from './fact-rows.ts';
import type { FactTables } from './fact-tables.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly facts: FactTables;
  readonly scratchDirectory: string;
}

/** A day with so many files is written anew as one, with the next rows of it. */
const mostFilesOfADay = 24;
const dayMs = 86_400_000;

/**
 * Commits what a step wrote down to both tables, each once, by the step's number; without what was erased on request, also where it was
 * told only now.
 */
export async function writeStep(ports: Ports, policy: string, { step, rows }: FactState): Promise<void> {
  const transaction = { appId: `facts/${policy}`, version: step };
  if (rows.outcomes === null && rows.days === null) return;
  await mkdir(ports.scratchDirectory, { recursive: true });
  const directory = await mkdtemp(join(ports.scratchDirectory, 'facts-'));
  const session = await ports.engine.open();
  try {
    const outcomes = await rowsSql(ports.store, policy, 'outcomes', rows.outcomes);
    const onDays = new Set(rows.onDays);
    const eventDays = new Set(rows.events.flatMap(({ atMs }) => [utcDay(atMs), utcDay(atMs + dayMs)]));
    await ports.facts.change(session, 'outcomes', {
      transaction,
      rewrites: (files) =>
        [...files]
          .filter(([day, count]) => eventDays.has(day) || (onDays.has(day) && count >= mostFilesOfADay))
          .map(([day]) => day),
      relation: async (existing) =>
        `(${withEvents(existing, rows.events)} UNION ALL BY NAME ${await standing(ports, 'outcomes', outcomes, directory)})`,
    });
    const days = await rowsSql(ports.store, policy, 'fleet_days', rows.days);
    await ports.facts.change(session, 'fleet_days', {
      transaction,
      rewrites: (files) => [...files.keys()].filter((day) => onDays.has(day)),
      relation: async (existing) =>
        summedDays(
          `(SELECT * FROM ${existing} UNION ALL BY NAME ${await standing(ports, 'fleet_days', days, directory)})`,
        ),
    });
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The rows of a step that no erasure names, by the very rule that takes rows out of the table. */
async function standing(
  { store }: Ports,
  table: FactTable,
  relation: string | undefined,
  directory: string,
): Promise<string> {
  const erased: string[] = [];
  for (const request of await readTombstones(store)) {
    const hashes = await readErasedEpisodes(store, request.erasureId);
    const path = await hashFile(directory, request.erasureId, hashes);
    erased.push(erasedInTable(table, request, path, false));
  }
  const left = erased.length === 0 ? '' : ` WHERE (${erased.join(' OR ')}) IS NOT TRUE`;
  return `SELECT * FROM ${found(relation)}${left}`;
}

/** The rows of a step as a relation; undefined when they are gone, which they are once both tables have them. */
async function rowsSql(
  store: ObjectStore,
  policy: string,
  table: FactTable,
  sha256: string | null,
): Promise<string | undefined> {
  const columns = factColumns[table];
  if (sha256 === null) return emptyRelation(columns);
  const path = await store.localPath(rowsKey(policy, sha256));
  if (path === undefined) return undefined;
  // Instants are written as microseconds since 1970.
  const types = columns.map(
    ({ name, type }) => `${sqlText(name)}: ${sqlText(type === 'timestamp' ? 'BIGINT' : sqlTypes[type])}`,
  );
  const values = columns.map(({ name, type }) =>
    type === 'timestamp' ? `make_timestamptz(${sqlName(name)}) AS ${sqlName(name)}` : sqlName(name),
  );
  // https://duckdb.org/docs/stable/data/json/loading_json
  return `(SELECT ${values.join(', ')} FROM read_ndjson(${sqlText(path)}, columns = {${types.join(', ')}}))`;
}

/** Asked for only where the transaction is new: then the rows are there, unless somebody took them. */
function found(relation: string | undefined): string {
  if (relation !== undefined) return relation;
  throw failure(
    'StoreUnavailable',
    'expected the rows of a step of the facts, got none: another worker finishes this step',
  );
}

/** Rows with the events of this step that fell into them added. */
function withEvents(existing: string, events: readonly SafetyEvent[]): string {
  if (events.length === 0) return `SELECT * FROM ${existing}`;
  const values = events.map(
    ({ robotId, bootId, atMs }) => `(${sqlText(robotId)}, ${sqlText(bootId)}, make_timestamptz(${atMs * 1_000}))`,
  );
  return (
    `SELECT o.* REPLACE ((o.safety_events + (SELECT count(*) FROM (VALUES ${values.join(', ')}) AS e(robot_id, boot_id, happened_at) ` +
    `WHERE e.robot_id = o.robot_id AND e.boot_id = o.boot_id AND e.happened_at BETWEEN o.started_at AND o.ended_at))::INTEGER ` +
    `AS safety_events) FROM ${existing} AS o`
  );
}

function summedDays(relation: string): string {
  const measures = new Set<string>(fleetDayMeasures.map(({ name }) => name));
  const names = factColumns.fleet_days.map(({ name }) => name);
  const keys = names.filter((name) => !measures.has(name)).map(sqlName);
  const sums = names
    .filter((name) => measures.has(name))
    .map((name) => `sum(${sqlName(name)})::BIGINT AS ${sqlName(name)}`);
  return `(SELECT ${[...keys, ...sums].join(', ')} FROM ${relation} GROUP BY ${keys.join(', ')})`;
}
