import type { FactTable } from '../../datasets/dataset-version.ts';
import { factColumns, fleetDayMeasures } from '../../datasets/fact-columns.ts';
import { sqlName, sqlText, sqlTypes, emptyRelation } from '../../datasets/sql-types.ts';
import { utcDay } from '../../domain/facts/days.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { rowsKey, type FactState } from './fact-state.ts';
import type { SafetyEvent } from './fact-rows.ts';
import type { FactTables } from './fact-tables.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly facts: FactTables;
}

/** A day with so many files is written anew as one, with the next rows of it. */
const mostFilesOfADay = 24;
const dayMs = 86_400_000;

/** Commits what a step wrote down to both tables, each once, by the step's number. */
export async function writeStep(ports: Ports, policy: string, { step, rows }: FactState): Promise<void> {
  const transaction = { appId: `facts/${policy}`, version: step };
  if (rows.outcomes === null && rows.days === null) return;
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
      relation: (existing) =>
        `(${withEvents(existing, rows.events)} UNION ALL BY NAME SELECT * FROM ${found(outcomes)})`,
    });
    const days = await rowsSql(ports.store, policy, 'fleet_days', rows.days);
    await ports.facts.change(session, 'fleet_days', {
      transaction,
      rewrites: (files) => [...files.keys()].filter((day) => onDays.has(day)),
      relation: (existing) => summedDays(`(SELECT * FROM ${existing} UNION ALL BY NAME SELECT * FROM ${found(days)})`),
    });
  } finally {
    await session.close();
  }
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
