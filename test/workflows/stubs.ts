import type {
  DataActivities,
  FleetActivities,
  InputActivities,
  MonitorActivities,
  TrainingActivities,
} from '../../activities/index.ts';
import { parseInput } from '../../activities/parse-workflow-input.ts';
import { quietFleet } from './monitor-stubs.ts';
import { goodTrial } from './trial-stubs.ts';

export type AllActivities = InputActivities & FleetActivities & MonitorActivities & DataActivities & TrainingActivities;
export type ActivityName = keyof AllActivities;

export interface Call {
  readonly name: ActivityName;
  readonly input: unknown;
}

export interface Stubs {
  readonly activities: AllActivities;
  /** Every activity call in order of its start, `parseInput` left out. */
  readonly calls: Call[];
}

const robotType = { id: 'scitos-g5', version: 1 };
const digest = (letter: string): string => letter.repeat(64);

/** A week that goes well: two batches, a candidate that passes every gate, a champion that is the baseline. */
const goodWeek: Omit<AllActivities, 'parseInput'> = {
  sweepStore: async () => ({ swept: [], examples: [], isBehind: false }),
  compactFacts: async () => ({
    steps: 1,
    totals: { outcomes: 12, tooOld: 0, beforeRegistration: 0, mayRepeat: 0, damaged: 0 },
    asOfMs: 1_795_305_600_000,
    isBehind: false,
  }),
  mirrorRegistry: async () => ({
    address: 'https://mlflow.example/',
    runs: 1,
    versions: 1,
    aliases: 2,
    refused: [],
    isBehind: false,
  }),
  readPolicy: async () => ({
    robotType,
    aliases: { champion: '1.0.0', baseline: '1.0.0', anchor: '1.0.0' },
    assignmentSeq: 0,
  }),
  readDatasetVersion: async () => ({ episodes: 3, frames: 4 }),
  planCollection: async ({ cycleId }) => ({
    manifestKey: `collections/${cycleId}/manifest.json`,
    batches: 2,
    segments: 5,
    sizeBytes: 5_000,
    segmentsOfOtherTypes: 0,
  }),
  ingestBatch: async () => ({
    episodesStored: 10,
    framesStored: 200,
    alreadyStored: 1,
    quarantinedEpisodes: 2,
    quarantinedSegments: 0,
    failuresStored: 3,
  }),
  concludeCollection: async ({ cycleId }) => ({
    verdict: 'ok',
    reason: '4 of 26 episodes refused (15.4 %), at most 20.0 % allowed',
    datasetVersion: { episodes: 5, frames: 6 },
    episodesStored: 20,
    framesStored: 400,
    alreadyStored: 2,
    quarantinedEpisodes: 4,
    quarantinedSegments: 0,
    failuresStored: 6,
    robotsLeftOut: [],
    summaryKey: `collections/${cycleId}/summary.json`,
  }),
  releaseQuarantinedSegment: async ({ sha256 }) => ({
    landingKey: `landing/robot-1/${sha256}.parquet`,
    waivedRules: ['frames.sensor-range'],
    releaseKey: `quarantine-releases/${sha256}.json`,
  }),
  mixExperience: async () => ({ digest: digest('a'), trainRows: 360, validationRows: 40 }),
  exportHeldoutSet: async () => ({ digest: digest('b'), rows: 100, episodes: 10 }),
  planTraining: async () => ({ trials: [{ summary: 'as given', hyperparameters: {} }] }),
  trainModel: async ({ runId }) => ({
    modelKey: `training-runs/${runId}/model.onnx`,
    modelSha256: digest('c'),
    metricsKey: `training-runs/${runId}/metrics.json`,
    hyperparameters: {},
    validationLoss: 0.25,
    steps: 400,
  }),
  trainTrial: async ({ untilStep }) => ({ validationLoss: 0.5, steps: untilStep }),
  endTrials: async () => undefined,
  evaluateCandidate: async ({ evaluationKey }) => ({
    passed: 'pass',
    accuracyFraction: 0.9,
    evaluationKey,
    goldenKey: 'evaluations/golden.json',
    gates: [],
  }),
  registerCandidate: async () => ({
    version: '1.1.0',
    modelSha256: digest('c'),
    manifestKey: 'models/wall-follower/1.1.0/manifest.json',
  }),
  promoteWithoutTrial: async () => ({ kind: 'promote', reason: 'first champion after the baseline 1.0.0' }),
  beginErasure: async () => ({ target: { kind: 'robot', robotId: 'r1' } }),
  findErased: async ({ pass }) => ({ objects: pass === 1 ? 7 : 0, episodes: 3, frames: 30, unreadable: 0 }),
  eraseFound: async () => ({ objects: 7 }),
  checkErased: async () => ({ objects: 100, leftovers: [], unreadable: [], models: [] }),
  certifyErasure: async ({ erasureId }) => ({
    erasureId,
    target: 'robot r1',
    recordedBeforeMs: 1,
    who: 'ada',
    why: 'a letter',
    requestedMs: 1,
    finishedMs: 2,
    erased: { episodes: 3, frames: 30, lakeFiles: 2, segments: 1, telemetryEntries: 4, setFiles: 2, documents: 1 },
    episodesDigest: digest('e'),
    distinctEpisodes: 3,
    checkedObjects: 100,
    unreadable: [],
    models: [{ policy: 'wall-follower', version: '1.0.0' }],
  }),
  writeReport: async ({ cycleId }) => ({ reportKey: `reports/${cycleId}.html` }),
  ...goodTrial,
  ...quietFleet,
};

/** Stubbed activities of every queue that note their calls; `changes` replaces some of a good week's answers. */
export function stubs(changes: Partial<Omit<AllActivities, 'parseInput'>> = {}): Stubs {
  const calls: Call[] = [];
  const noted = Object.entries({ ...goodWeek, ...changes }).map(([name, answer]) => [
    name,
    (input: never) => {
      calls.push({ name: name as ActivityName, input });
      return (answer as (input: never) => unknown)(input);
    },
  ]);
  return { calls, activities: { parseInput, ...Object.fromEntries(noted) } as AllActivities };
}
