import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { sharedEngine } from '../../support/engine.ts';
import { compactFacts, type CompactFactsResult } from '../../../activities/facts/compact-facts.ts';
import { openFactTables, type FactTables } from '../../../activities/facts/fact-tables.ts';
import type { SqlEngine, SqlRow, SqlSession } from '../../../activities/ports/sql.ts';
import { addRobot, moveRobot, openTelemetryLog } from '../../../fleet/desk/index.ts';
import { telemetryHour } from '../../../fleet/desk/keys.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';

export const policy = 'wall';
export const hourMs = 3_600_000;
/** Two hours before a midnight, so that spans cross it. */
export const startMs = Date.UTC(2026, 5, 1, 22);
export const bootOf = (index: number): string =>
  `01J0000000000000000000000${'0123456789ABCDEFGHJKMNPQRSTVWXYZ'[index % 32]}`;
/** Episode ids that do not repeat. */
export const episodeIdOf = (index: number): string => `01J0000000000000${String(index).padStart(10, '0')}`;

/** One line of telemetry as a gateway writes it. */
export interface Line {
  readonly robotId: string;
  readonly bootId: string;
  readonly receivedMs: number;
  readonly clockSkewMs: number;
  readonly isTimeUnknown?: true;
  readonly entries: readonly Entry[];
}
export interface Entry {
  readonly kind: 'episode' | 'safetyEvent' | 'dropped' | 'refusedTask' | 'online';
  readonly seq: number;
  readonly atMs: number;
  readonly [name: string]: unknown;
}

export const episode = (seq: number, atMs: number, more: Readonly<Record<string, unknown>> = {}): Entry => ({
  kind: 'episode',
  seq,
  atMs,
  policyVersion: '1.0.0',
  trialId: null,
  episodeId: episodeIdOf(seq),
  task: 'follow',
  durationMs: 60_000,
  outcome: 'success',
  failureReason: null,
  intervened: false,
  correctedFrames: 0,
  latencyP50Ms: 3,
  ...more,
});
const noModel = { policyVersion: '1.0.0', trialId: null };
export const safetyEvent = (seq: number, atMs: number): Entry => ({
  kind: 'safetyEvent',
  seq,
  atMs,
  ...noModel,
  event: 'bump',
});
export const online = (seq: number, atMs: number, durationMs: number): Entry => ({
  kind: 'online',
  seq,
  atMs,
  ...noModel,
  durationMs,
});
export const dropped = (seq: number, atMs: number, successes: number, others: number): Entry => ({
  kind: 'dropped',
  seq,
  atMs,
  ...noModel,
  successes,
  others,
});

/** Registers a robot of site `hall`. */
export const addRobotTo = ({ store, clock }: Parameters<typeof addRobot>[0], robotId: string) =>
  addRobot(
    { store, clock },
    {
      robotId,
      policy,
      robotType: { id: 'scitos-g5', version: 1 },
      site: 'hall',
      stratum: 'hall',
      tokenHashes: ['0'.repeat(64)],
      who: 't',
      why: 't',
    },
  );

export interface FactWorld {
  readonly directory: string;
  readonly store: ObjectStore;
  readonly session: SqlSession;
  readonly engine: SqlEngine;
  readonly facts: FactTables;
  readonly scratchDirectory: string;
  nowMs: number;
  /** Writes an object of telemetry that was received in the hour of `hourOfMs`. */
  write(lines: readonly Line[], hourOfMs: number, ofPolicy?: string): Promise<string>;
  /** Data files of the newest version of a table. */
  files(table: 'outcomes' | 'fleet_days'): Promise<number>;
  /** Compacts, on another store where one is given. */
  compact(on?: ObjectStore, ofPolicy?: string): Promise<CompactFactsResult>;
  rows(table: 'outcomes' | 'fleet_days', sql?: string): Promise<readonly SqlRow[]>;
  close(): Promise<void>;
}

/** Robots r0, r1, r2 at `hall`; r1 moves to `yard` an hour after the start. With a world its store begins as a copy of that one's. */
export async function openFactWorld(from?: FactWorld): Promise<FactWorld> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-facts-'));
  const store = fileObjectStore({ root: path.join(directory, 'store') });
  const engine = sharedEngine(1);
  const session = await engine.open();
  const stagingDirectory = path.join(directory, 'staging');
  const world = { nowMs: startMs };
  const clock = (): number => world.nowMs;
  if (from === undefined) await register(store);
  else await cp(path.join(from.directory, 'store'), path.join(directory, 'store'), { recursive: true });
  const tablesOn = (on: ObjectStore) => openFactTables({ store: on, engine, clock, stagingDirectory });
  return {
    directory,
    store,
    session,
    engine,
    facts: tablesOn(store),
    scratchDirectory: stagingDirectory,
    get nowMs() {
      return world.nowMs;
    },
    set nowMs(value) {
      world.nowMs = value;
    },
    async write(lines, hourOfMs, ofPolicy = policy) {
      const bytes = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const key = `telemetry/${ofPolicy}/${telemetryHour(hourOfMs)}/${createHash('sha256').update(bytes).digest('hex')}`;
      await store.put(key, bytes);
      return key;
    },
    compact: (on = store, ofPolicy = policy) =>
      compactFacts({
        store: on,
        engine,
        clock,
        telemetry: openTelemetryLog(on),
        facts: tablesOn(on),
        progress: () => undefined,
        scratchDirectory: stagingDirectory,
      })({ policy: ofPolicy }),
    async files(table) {
      const [, paths = ''] = /read_parquet\(\[([^\]]*)\]/.exec((await tablesOn(store).scan(table)) ?? '') ?? [];
      return paths.split("', '").length;
    },
    async rows(table, sql = 'SELECT * FROM facts') {
      const scan = await tablesOn(store).scan(table);
      if (scan === undefined) return [];
      return session.rows(`WITH facts AS (SELECT * FROM ${scan}) ${sql}`);
    },
    async close() {
      await session.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function register(store: ObjectStore): Promise<void> {
  for (const robotId of ['r0', 'r1', 'r2']) await addRobotTo({ store, clock: () => startMs - 240 * hourMs }, robotId);
  await moveRobot({ store, clock: () => startMs + hourMs }, { robotId: 'r1', site: 'yard', who: 't', why: 't' });
}
