import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { segmentJudgeProcess } from '../activities/adapters/judge-process.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';
import { concludeCollection } from '../activities/collection/conclude-collection.ts';
import { ingestBatch } from '../activities/collection/ingest-batch.ts';
import { openLake } from '../activities/lake/lake.ts';
import { planCollection } from '../activities/collection/plan-collection.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import { publishRobotType } from '../store/records/robot-types.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { sqlText } from '../datasets/sql-types.ts';
import { landWeek } from './landing-content.ts';
import type { BenchLeg, BenchOptions, BenchResult } from './leg.ts';

/** 100 robots × 7 days × 24 hours × 42 episodes: the week of 700,000 episodes. A smaller scale has fewer robots. */
const robotsAtFullScale = 100;
const episodesPerRobotHour = 42;

/**
 * A week in landing, validated and committed to the lake's Delta tables; against the engine's own copy of the same files
 * into one Parquet file, the better of two rounds. Peak memory is that of our half.
 */
export const ingestLeg: BenchLeg = { name: 'ingest', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const { scale, progress } = options;
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-ingest-'));
  try {
    const scratchDirectory = join(directory, 'scratch');
    await mkdir(scratchDirectory);
    const store = fileObjectStore({ root: join(directory, 'store') });
    const engine = duckDbEngine({ temporaryDirectory: join(directory, 'spill') });
    const robots = Math.max(1, Math.round(robotsAtFullScale * scale));
    progress(`landing a week of ${robots} robots`);
    const session = await engine.open();
    const week = { seed: options.seed, robots, episodesPerRobotHour, framesPerEpisode: options.frames };
    const { segments, frames } = await landWeek({ store, session, scratchDirectory }, week);
    await session.close();

    const referenceMs: number[] = [];
    for (let round = 0; round < 2; round++) {
      referenceMs.push(await copyMs(store, engine, join(directory, 'copy.parquet')));
      progress(`copied ${frames} frames of ${segments} segments in ${referenceMs.at(-1)} ms`);
    }
    const { oursMs, peakRssBytes } = await collectMs({ store, engine, scratchDirectory, options, frames });
    const ours = (frames / oursMs) * 1000;
    const reference = (frames / Math.min(...referenceMs)) * 1000;
    return { leg: 'ingest', scale, unit: 'frames/s', ours, reference, ratio: ours / reference, peakRssBytes };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copyMs(store: ObjectStore, engine: SqlEngine, target: string): Promise<number> {
  const paths: string[] = [];
  for await (const { key } of store.list('landing/')) {
    const path = await store.localPath(key);
    if (path !== undefined) paths.push(sqlText(path));
  }
  const session = await engine.open();
  const start = performance.now();
  await session.run(
    `COPY (SELECT * FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)) ` +
      `TO ${sqlText(target)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const elapsedMs = Math.round(performance.now() - start);
  await session.close();
  return elapsedMs;
}

interface Collection {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly scratchDirectory: string;
  readonly options: BenchOptions;
  readonly frames: number;
}

async function collectMs(collection: Collection): Promise<{ oursMs: number; peakRssBytes: number }> {
  const { store, engine, scratchDirectory, options, frames } = collection;
  const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: scratchDirectory });
  await publishRobotType(store, scitosG5Type);
  const judge = segmentJudgeProcess({ temporaryDirectory: scratchDirectory });
  const ports = { store, engine, judge, lake, clock: Date.now, progress: () => {}, scratchDirectory };
  const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
  const cycleId = 'bench';
  let peakRssBytes = process.memoryUsage.rss();
  const sampler = setInterval(() => (peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())), 50);
  const start = performance.now();
  try {
    const startedFrom = await lake.currentVersion();
    const { manifestKey, batches } = await planCollection(ports)({ cycleId, robotType });
    options.progress(`planned ${batches} batches after ${Math.round(performance.now() - start)} ms`);
    for (let batch = 0; batch < batches; batch++) {
      const { framesStored } = await ingestBatch(ports)({ cycleId, manifestKey, batch, robotType });
      const sinceMs = Math.round(performance.now() - start);
      options.progress(`batch ${batch + 1} of ${batches}: ${framesStored} frames, ${sinceMs} ms since the start`);
    }
    const result = await concludeCollection(ports)({ cycleId, manifestKey, robotType, startedFrom });
    if (result.framesStored !== frames) {
      throw new Error(`expected ${frames} frames stored, got ${result.framesStored}: ${result.reason}`);
    }
    return { oursMs: Math.round(performance.now() - start), peakRssBytes };
  } finally {
    clearInterval(sampler);
  }
}
