import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sharedEngine } from '../../support/engine.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { collectionSummarySchema, type CollectionSummary } from '../../../activities/collection/summary.ts';
import type { RobotStandings } from '../../../activities/collection/waiting.ts';
import type { SegmentJudge } from '../../../activities/collection/segment-judge.ts';
import {
  concludeCollection,
  type ConcludeCollectionResult,
} from '../../../activities/collection/conclude-collection.ts';
import { ingestBatch, type IngestBatchResult } from '../../../activities/collection/ingest-batch.ts';
import { failure } from '../../../store/failures.ts';
import { readJson } from '../../../store/json-objects.ts';
import { openLake, type Lake } from '../../../activities/lake/lake.ts';
import { planCollection } from '../../../activities/collection/plan-collection.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import type { ClipPorts } from '../../../activities/ports/clip-decoder.ts';
import type { Progress } from '../../../activities/ports/progress.ts';
import type { SqlEngine, SqlRow } from '../../../activities/ports/sql.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { LakeTable } from '../../../datasets/dataset-version.ts';
import { generateWallFollowing } from '../../support/generated-week/generator.ts';
import { fileSha256, landingKey } from '../../../datasets/landing.ts';
import { writeSegment } from '../../../datasets/recorder.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../../datasets/robot-type.ts';
import type { SegmentFooter } from '../../../datasets/segment-footer.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';

export const nowMs = Date.parse('2026-01-05T12:00:00Z');
export const weekStartMs = Date.parse('2026-01-01T00:00:00Z');

export interface Collected {
  readonly batches: readonly IngestBatchResult[];
  readonly result: ConcludeCollectionResult;
  readonly summary: CollectionSummary;
}

export interface Ports {
  readonly judge?: SegmentJudge;
  readonly robotStandings?: RobotStandings;
  readonly clips?: ClipPorts;
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly clock: () => number;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

/** A store, a lake and a folder of their own; time stands still at `nowMs`. */
export class CollectionWorld {
  readonly directory: string;
  readonly ports: Ports;
  private landed = 0;

  constructor(directory: string, ports: Ports) {
    this.directory = directory;
    this.ports = ports;
  }

  static async open(store: ObjectStore = memoryObjectStore(() => nowMs)): Promise<CollectionWorld> {
    const directory = await mkdtemp(join(tmpdir(), 'flywheel-collection-'));
    const scratchDirectory = join(directory, 'scratch');
    await mkdir(scratchDirectory);
    await publishRobotType(store, scitosG5Type);
    return new CollectionWorld(directory, portsOf(store, sharedEngine(1), scratchDirectory));
  }

  /** Another one whose store begins with all that is in this one's: cheaper than to do the same again. */
  async copy(): Promise<CollectionWorld> {
    const copy = await CollectionWorld.open();
    for await (const { key } of this.ports.store.list('')) {
      const bytes = await this.ports.store.get(key);
      if (bytes !== undefined) await copy.ports.store.put(key, bytes);
    }
    return copy;
  }

  close(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  /** Lands rows as one robot's segment; the footer is in order unless told otherwise. */
  async land(robotId: string, rows: readonly SegmentRow[], footer: Partial<SegmentFooter> = {}): Promise<string> {
    // The store may keep the very file, so every segment has one of its own.
    const path = join(this.directory, `landed-${this.landed++}.parquet`);
    await writeSegment(rows, { ...footerOf(robotId), ...footer }, path);
    return this.landFile(robotId, path);
  }

  async landFile(robotId: string, filePath: string): Promise<string> {
    const key = landingKey(robotId, await fileSha256(filePath));
    await this.ports.store.put(key, { filePath });
    return key;
  }

  async landBytes(robotId: string, bytes: Uint8Array): Promise<string> {
    const key = landingKey(robotId, createHash('sha256').update(bytes).digest('hex'));
    await this.ports.store.put(key, bytes);
    return key;
  }

  /** Writes a segment by SQL, for what the recorder refuses to write; gives its path. */
  async writeBySql(name: string, select: string, metadata: Readonly<Record<string, string>>): Promise<string> {
    const path = join(this.directory, name);
    const session = await this.ports.engine.open();
    const pairs = Object.entries(metadata).map(([key, value]) => `'${key}': '${value}'`);
    await session.run(`COPY (${select}) TO '${path}' (FORMAT parquet, KV_METADATA {${pairs.join(', ')}})`);
    await session.close();
    return path;
  }

  async collect(
    cycleId: string,
    options: { batchSizeBytes?: number; type?: RobotType; ports?: Ports } = {},
  ): Promise<Collected> {
    const { type = scitosG5Type, ports = this.ports, ...limits } = options;
    const robotType = { id: type.id, version: type.version };
    const startedFrom = await ports.lake.currentVersion();
    const plan = await planCollection(ports)({ cycleId, robotType, ...limits });
    const batches: IngestBatchResult[] = [];
    for (let batch = 0; batch < plan.batches; batch++) {
      batches.push(await ingestBatch(ports)({ cycleId, manifestKey: plan.manifestKey, batch, robotType }));
    }
    const result = await concludeCollection(ports)({ cycleId, manifestKey: plan.manifestKey, robotType, startedFrom });
    const summary = await readJson(ports.store, result.summaryKey, collectionSummarySchema);
    return { batches, result, summary: summary! };
  }

  /** Rows of the newest version of a table. */
  async rows(table: LakeTable, columns: string): Promise<readonly SqlRow[]> {
    const version = await this.ports.lake.currentVersion();
    const session = await this.ports.engine.open();
    const rows = await session.rows(
      `SELECT ${columns} FROM ${await this.ports.lake.scan(table, version[table])} ORDER BY ALL`,
    );
    await session.close();
    return rows;
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { key } of this.ports.store.list(prefix)) keys.push(key);
    return keys;
  }

  /** Documents under a prefix. */
  async documents(prefix: string): Promise<readonly Record<string, unknown>[]> {
    const keys = (await this.keys(prefix)).filter((key) => key.endsWith('.json'));
    return Promise.all(
      keys.map(async (key) => {
        const bytes = await this.ports.store.get(key);
        return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
      }),
    );
  }

  leftInScratch(): Promise<readonly string[]> {
    return readdir(this.ports.scratchDirectory);
  }
}

/** An episode that a rule refuses: nothing was recorded for nine seconds. */
export const withGap = (rows: readonly SegmentRow[]): readonly SegmentRow[] =>
  rows.map((row, index) => ({
    ...row,
    duration_ms: row.duration_ms + 9000,
    timestamp: row.timestamp + (index > 10 ? 9e6 : 0),
  }));

/** An engine whose statements like this fail. */
export const failingEngine = (engine: SqlEngine, pattern: RegExp, message: string): SqlEngine => ({
  open: async (options) => {
    const session = await engine.open(options);
    const run = (sql: string): Promise<void> =>
      pattern.test(sql) ? Promise.reject(failure('EngineFailed', message)) : session.run(sql);
    return { ...session, run };
  },
});

export const portsOf = (
  store: ObjectStore,
  engine: SqlEngine,
  scratchDirectory: string,
  progress: Progress = () => {},
): Ports => {
  const clock = (): number => nowMs;
  const lake = openLake({ store, engine, clock, stagingDirectory: scratchDirectory });
  return { store, engine, lake, clock, progress, scratchDirectory };
};

export const footerOf = (robotId: string): Omit<SegmentFooter, 'schemaVersion'> => ({
  robotId,
  robotType: robotTypeName(scitosG5Type),
  robotTypeDigest: robotTypeDigest(scitosG5Type),
  agentVersion: 'test',
  clockSkewMs: 0,
});

/** Episodes of generated robots, by robot id. */
export function generatedEpisodes(
  seed: number,
  robots: number,
  episodesPerRobot: number,
): Map<string, (readonly SegmentRow[])[]> {
  const byRobot = new Map<string, (readonly SegmentRow[])[]>();
  const options = {
    seed,
    robots,
    episodesPerRobot,
    framesPerEpisode: 25,
    startMs: weekStartMs,
    endMs: weekStartMs + 3 * 86_400_000,
  };
  for (const episode of generateWallFollowing(options)) {
    const robotId = episode[0]!.robot_id;
    byRobot.set(robotId, [...(byRobot.get(robotId) ?? []), episode]);
  }
  return byRobot;
}

export function oneRobot(seed: number, episodes: number): { robotId: string; episodes: (readonly SegmentRow[])[] } {
  const [[robotId, own] = ['', []]] = [...generatedEpisodes(seed, 1, episodes)];
  return { robotId, episodes: own };
}
