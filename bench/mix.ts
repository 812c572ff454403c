import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';
import { openLake, type Lake } from '../activities/lake/lake.ts';
import { mixExperience } from '../activities/mix/mix-experience.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import { publishRobotType } from '../store/records/robot-types.ts';
import { appendWeek, benchRobotType } from './lake-content.ts';
import type { BenchLeg, BenchOptions, BenchResult } from './leg.ts';

const episodesAWeek = 700_000;
const targetFrames = 2_000_000;
const rounds = 3;

/**
 * A week of new experience and a week of history, mixed to Arrow files; against a plain scan of the same columns of the
 * same files into typed arrays. Both count the frames of the files per second; best of three rounds each, after one scan
 * that warms the disk cache for both.
 */
export const mixLeg: BenchLeg = { name: 'mix', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const { scale, progress } = options;
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-mix-'));
  try {
    const store = fileObjectStore({ root: join(directory, 'store') });
    const engine = duckDbEngine({ temporaryDirectory: join(directory, 'spill') });
    const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: join(directory, 'staging') });
    await publishRobotType(store, benchRobotType);
    const versions = await fillLake(lake, engine, options);
    const frames = await scanOnce(lake, engine, versions.datasetVersion.frames);
    const mix = mixExperience({
      store,
      engine,
      lake,
      progress: () => {},
      scratchDirectory: join(directory, 'scratch'),
    });
    const oursMs: number[] = [];
    const referenceMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      referenceMs.push(await elapsedMs(() => scanOnce(lake, engine, versions.datasetVersion.frames)));
      oursMs.push(
        await elapsedMs(() =>
          mix({
            cycleId: 'bench',
            robotType: benchRobotType,
            ...versions,
            seed: options.seed + round,
            targetFrames: Math.ceil(targetFrames * scale),
          }),
        ),
      );
      progress(`round ${round + 1}: scan ${referenceMs.at(-1)} ms, mix ${oursMs.at(-1)} ms of ${frames} frames`);
    }
    const ours = (frames / Math.min(...oursMs)) * 1_000;
    const reference = (frames / Math.min(...referenceMs)) * 1_000;
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    return { leg: 'mix', scale, unit: 'frames/s', ours, reference, ratio: ours / reference, peakRssBytes };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fillLake(lake: Lake, engine: SqlEngine, options: BenchOptions) {
  const session = await engine.open();
  try {
    const week = { seed: options.seed, episodes: episodesAWeek * options.scale, frames: options.frames };
    options.progress('making a week of history');
    await appendWeek(lake, session, { ...week, week: 0 });
    const newSince = await lake.currentVersion();
    options.progress('making a week of new experience');
    await appendWeek(lake, session, { ...week, week: 1 });
    return { newSince, datasetVersion: await lake.currentVersion() };
  } finally {
    await session.close();
  }
}

/** Every frame of the lake as typed arrays, each looked at; gives their number. */
async function scanOnce(lake: Lake, engine: SqlEngine, version: number): Promise<number> {
  const session = await engine.open();
  try {
    const columns = `observation::FLOAT[${benchRobotType.observations.length}], "action"[1]::INTEGER, is_correction::INTEGER`;
    let frames = 0;
    for await (const chunk of session.chunks(`SELECT ${columns} FROM ${await lake.scan('frames', version)}`)) {
      if ([0, 1, 2].some((column) => chunk.numbers(column).length === 0)) throw new Error('expected numbers');
      frames += chunk.rowCount;
    }
    return frames;
  } finally {
    await session.close();
  }
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}
