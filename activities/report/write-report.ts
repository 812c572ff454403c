import { trainingSetFile } from '../../datasets/training-set.ts';
import { collectionSummarySchema, type CollectionSummary } from '../collection/summary.ts';
import { readRobotLosses } from '../monitor/monitor-state.ts';
import { evaluationSchema, type EvaluationDocument } from '../evaluation/evaluation-document.ts';
import { qualityKeyBeside, qualitySchema, type QualityDocument } from '../mix/quality-document.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trainingMetricsSchema, type TrainingMetrics } from '../training/train-model.ts';
import { cycleBefore } from './cycle-before.ts';
import { bodiesWithoutStages } from './bodies-without-stages.ts';
import type {
  CollectionSection,
  CycleReport,
  EvaluationSection,
  LineageSection,
  MixSection,
  QualitySection,
  TrainingSection,
} from './cycle-report.ts';
import { readSearch } from './read-search.ts';
import { renderReport } from './render-report.ts';
import { setFactsSchema, type SetFacts } from './set-facts.ts';

/** What the cycle says of itself; everything larger is read from where its steps left it. */
export interface WriteReportInput {
  readonly cycleId: string;
  readonly policy: string;
  readonly cause: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly championVersion?: string;
  readonly collection?: { readonly summaryKey: string };
  readonly training?: {
    readonly trainingSetDigest: string;
    readonly metricsKey: string;
    readonly evaluationKey: string;
    readonly modelSha256: string;
    readonly candidateVersion?: string;
  };
}

export interface WriteReportResult {
  readonly reportKey: string;
}

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly codeBuild: string;
  /** Where the console's pages are; undefined: reports link nowhere. */
  readonly consoleUrl?: string | undefined;
}

/** Writes `reports/<cycleId>.json` and the page made from it. Idempotent by cycleId: writing again replaces both by the same facts. */
export const writeReport =
  (ports: Ports) =>
  async (input: WriteReportInput): Promise<WriteReportResult> => {
    const { store } = ports;
    const { collection, training } = input;
    const set =
      training && (await readJson(store, trainingSetFile(training.trainingSetDigest, 'manifest.json'), setFactsSchema));
    const metrics = training && (await readJson(store, training.metricsKey, trainingMetricsSchema));
    const evaluation = training && (await readJson(store, training.evaluationKey, evaluationSchema));
    const quality = training && (await readJson(store, qualityKeyBeside(training.evaluationKey), qualitySchema));
    const summary = collection && (await readJson(store, collection.summaryKey, collectionSummarySchema));
    const report: CycleReport = {
      cycleId: input.cycleId,
      policy: input.policy,
      outcome: input.outcome ?? 'unknown',
      reason: input.reason ?? 'the cycle gave no reason',
      cause: input.cause,
      writtenAtMs: ports.clock(),
      championVersion: input.championVersion ?? null,
      candidateVersion: training?.candidateVersion ?? null,
      collection:
        summary === undefined || collection === undefined ? null : collectionSection(summary, collection.summaryKey),
      losses: (await readRobotLosses(store, input.policy)) ?? null,
      quality: quality === undefined ? null : qualitySection(quality, evaluation),
      mix: set === undefined ? null : mixSection(set),
      training:
        metrics === undefined
          ? null
          : trainingSection(metrics, set?.seed ?? null, await readSearch(store, training?.metricsKey ?? '')),
      evaluation: evaluation === undefined ? null : await evaluationSection(store, evaluation, input),
      lineage: lineageSection(input, set, ports.codeBuild),
      before: (await cycleBefore(store, input)) ?? null,
      consoleUrl: ports.consoleUrl ?? null,
    };
    const reportKey = `reports/${input.cycleId}.html`;
    await store.put(`reports/${input.cycleId}.json`, jsonBytes(report));
    await store.put(reportKey, new TextEncoder().encode(renderReport(report)));
    return { reportKey };
  };

const collectionSection = (summary: CollectionSummary, summaryKey: string): CollectionSection => ({
  summaryKey,
  verdict: summary.verdict,
  episodesStored: summary.episodesStored,
  framesStored: summary.framesStored,
  alreadyStored: summary.episodesAlreadyStored,
  quarantinedEpisodes: summary.episodesRefused,
  quarantinedSegments: summary.segmentsRefused,
  failuresStored: summary.failuresStored,
  robotsLeftOut: summary.robotsLeftOut,
  waiting: summary.waiting,
  ...(summary.clips === null ? {} : { clips: summary.clips }),
  rules: [
    ...summary.rules.map(({ id, doc, episodes, segments }) => ({ id, doc, refused: episodes + segments })),
    ...(summary.clips?.rules ?? []).map(({ id, doc, clips }) => ({ id, doc, refused: clips })),
  ],
});

const qualitySection = (quality: QualityDocument, evaluation: EvaluationDocument | undefined): QualitySection => {
  const disagreement = evaluation?.championDisagreement;
  return disagreement === undefined ? quality : { ...quality, measures: [...quality.measures, disagreement] };
};

const mixSection = (set: SetFacts): MixSection => ({
  ...(set.images === undefined ? {} : { images: set.images }),
  targetFrames: set.targetFrames,
  newFrames: set.newFrames,
  historyFrames: set.historyFrames,
  effectiveFrames: set.effectiveFrames,
  correctionShareBeforeCap: set.correctionShareBeforeCap,
  correctionShareAfterCap: set.correctionShareAfterCap,
  needsLabelFrames: set.needsLabelFrames,
  failuresAdded: set.failures.addedEpisodes,
  failuresValid: set.failures.validEpisodes,
  failuresWaiting: set.failures.queuedForLabelEpisodes,
  sources: set.sources,
  bodies: set.bodies,
  bodiesLeftOut: set.bodiesLeftOut,
  strata: set.strata,
  learnedTasks: set.recipe?.learnedTasks ?? null,
  ...(set.favoured === undefined ? {} : { favoured: { ...set.favoured, labels: set.recipe?.favouredLabels ?? [] } }),
  ...(set.doubtful === undefined ? {} : { doubtful: { ...set.doubtful, by: set.recipe?.doubtBy ?? [] } }),
});

const trainingSection = (
  metrics: TrainingMetrics,
  seed: number | null,
  search: TrainingSection['search'],
): TrainingSection => ({
  hyperparameters: metrics.hyperparameters,
  warmStart: metrics.warmStart,
  search,
  seed,
  steps: metrics.steps,
  curve: metrics.curve.map(({ step, trainLoss, validationLoss }) => ({ step, trainLoss, validationLoss })),
});

async function evaluationSection(
  store: ObjectStore,
  evaluation: EvaluationDocument,
  { policy, outcome, championVersion: champion, training }: WriteReportInput,
): Promise<EvaluationSection> {
  const candidate = training?.candidateVersion;
  // What a bootstrap promoted had no trial.
  const isTried = outcome !== 'promoted' && champion !== undefined && candidate !== undefined;
  const without = isTried ? await bodiesWithoutStages(store, policy, { champion, candidate }) : new Set<string>();
  return {
    ...judgedSection(evaluation),
    bodies: evaluation.bodies.map((body) => (without.has(body.robotType) ? { ...body, isWithoutStages: true } : body)),
  };
}

const judgedSection = (evaluation: EvaluationDocument): Omit<EvaluationSection, 'bodies'> => ({
  accuracyFraction: evaluation.accuracyFraction,
  frames: evaluation.frames,
  episodes: evaluation.episodes,
  majorityFraction: evaluation.majorityFraction,
  linearFraction: evaluation.linearFraction,
  calibrationError: evaluation.calibrationError,
  calibrationCurve: evaluation.calibrationCurve,
  roc: evaluation.roc,
  precisionRecall: evaluation.precisionRecall,
  championFraction: evaluation.championFraction,
  tasks: evaluation.tasks,
  robots: evaluation.robots,
  robotsMeasured: evaluation.robotsMeasured,
  actionErrors: evaluation.actionErrors,
  errorFractions: evaluation.errorFractions,
  labels: evaluation.labels,
  confusion: evaluation.confusion,
  perLabel: evaluation.perLabel,
  gates: evaluation.gates,
  ...(evaluation.misclassified === undefined ? {} : { misclassified: evaluation.misclassified }),
  ...(evaluation.disagreements === undefined ? {} : { disagreements: evaluation.disagreements }),
});

const lineageSection = (input: WriteReportInput, set: SetFacts | undefined, codeBuild: string): LineageSection => ({
  datasetVersion: set?.datasetVersion ?? null,
  trainingSetDigest: input.training?.trainingSetDigest ?? null,
  modelSha256: input.training?.modelSha256 ?? null,
  parents: input.championVersion === undefined ? [] : [input.championVersion],
  codeBuild,
});
