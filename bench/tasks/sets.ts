import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { evaluateCandidate } from '../../activities/evaluation/evaluate-candidate.ts';
import { openLake } from '../../activities/lake/lake.ts';
import { exportHeldoutSet } from '../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../activities/mix/mix-experience.ts';
import { writeReport } from '../../activities/report/write-report.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { publishRobotType, readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { openJudging, openModelProbe } from '../../workers/compose.ts';
import { fleetPolicy } from '../fleet/open-fleet.ts';
import { appendWeek, benchRobotType } from '../lake-content.ts';
import { addTasks } from './add-tasks.ts';
import { elapsedMs } from './times.ts';

export interface SetsBenchOptions {
  /** Of the week of 700,000 episodes that is mixed. */
  readonly scale: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** What the steps of a cycle take that read episodes or judge models; the best of three each, the gates and the report once. */
export interface SetsBenchResult {
  readonly mixMs: number;
  readonly heldoutMs: number;
  readonly gatesMs: number;
  readonly reportMs: number;
}

const framesAnEpisode = 20;
const episodesAWeek = 700_000;
const targetFrames = 2_000_000;

/** A week of history and a new one of so many tasks, mixed and held out; then a candidate judged on them against a champion, and the cycle's report. */
export async function measureSets(options: SetsBenchOptions, tasks: number): Promise<SetsBenchResult> {
  const { scale, seed, progress } = options;
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-tasks-'));
  const store = fileObjectStore({ root: join(directory, 'store') });
  const engine = duckDbEngine({ temporaryDirectory: join(directory, 'spill') });
  const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: join(directory, 'staging') });
  const session = await engine.open();
  try {
    await publishRobotType(store, benchRobotType);
    const names = await addTasks(store, benchRobotType, fleetPolicy, tasks);
    const { seq } = await readTaskCatalogue(store, fleetPolicy, benchRobotType);
    const { id, version } = benchRobotType;
    const robotType: RobotTypeReference =
      seq < 0 ? { id, version } : { id, version, catalogue: { policy: fleetPolicy, seq } };
    progress(`making two weeks of ${tasks} tasks`);
    const week = { seed, episodes: episodesAWeek * scale, frames: framesAnEpisode, tasks: names };
    await appendWeek(lake, session, { ...week, week: 0 });
    const newSince = await lake.currentVersion();
    await appendWeek(lake, session, { ...week, week: 1 });
    const datasetVersion = await lake.currentVersion();
    const ports = { store, engine, lake, progress: () => undefined, scratchDirectory: join(directory, 'scratch') };
    const [mixMs, heldoutMs]: [number[], number[]] = [[], []];
    let [trainingSetDigest, heldoutDigest] = ['', ''];
    for (let round = 0; round < 3; round += 1) {
      const settings = { seed: seed + round, targetFrames: Math.ceil(targetFrames * scale) };
      mixMs.push(
        await elapsedMs(async () => {
          const input = { cycleId: 'bench', robotType, datasetVersion, newSince, ...settings };
          ({ digest: trainingSetDigest } = await mixExperience(ports)(input));
        }),
      );
      heldoutMs.push(
        await elapsedMs(async () => {
          ({ digest: heldoutDigest } = await exportHeldoutSet(ports)({ robotType, datasetVersion }));
        }),
      );
      progress(`mix ${mixMs.at(-1)?.toFixed(0)} ms, held-out set ${heldoutMs.at(-1)?.toFixed(0)} ms`);
    }
    const judged = await measureGates(ports, { robotType, seed, trainingSetDigest, heldoutDigest });
    progress(`gates ${judged.gatesMs.toFixed(0)} ms, report ${judged.reportMs.toFixed(0)} ms`);
    return { mixMs: Math.min(...mixMs), heldoutMs: Math.min(...heldoutMs), ...judged };
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A candidate and a champion, both untrained, on every gate; models run in processes of their own, as in a cycle. */
async function measureGates(
  { store, scratchDirectory }: { readonly store: ObjectStore; readonly scratchDirectory: string },
  input: {
    readonly robotType: RobotTypeReference;
    readonly seed: number;
    readonly trainingSetDigest: string;
    readonly heldoutDigest: string;
  },
): Promise<Pick<SetsBenchResult, 'gatesMs' | 'reportMs'>> {
  const { robotType, seed, trainingSetDigest, heldoutDigest } = input;
  const type = await readTaughtType(store, robotType);
  const modelKey = 'candidates/bench/model.onnx';
  await store.put(modelKey, tinyPolicy(type, seed));
  await store.put(modelFile(fleetPolicy, '1.0.0', 'model.onnx'), tinyPolicy(type, seed + 1));
  const judging = await openJudging({ threads: 1, trainerCommands: [] });
  const ports = { store, scratchDirectory, ...judging, probe: await openModelProbe(), progress: () => undefined };
  const evaluationKey = 'evaluations/bench/evaluation.json';
  const sets = { trainingSetDigest, heldoutDigest, bootstrap: false };
  const gatesMs = await elapsedMs(() =>
    evaluateCandidate(ports)({ policy: fleetPolicy, robotType, modelKey, champion: '1.0.0', evaluationKey, ...sets }),
  );
  const training = { trainingSetDigest, metricsKey: 'none', evaluationKey, modelSha256: '' };
  const reportMs = await elapsedMs(() =>
    writeReport({ store, clock: Date.now, codeBuild: 'bench' })({
      cycleId: 'bench',
      policy: fleetPolicy,
      cause: 'bench',
      training,
    }),
  );
  return { gatesMs, reportMs };
}
