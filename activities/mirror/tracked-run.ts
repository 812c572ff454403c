import { z } from 'zod';

import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import type { ModelManifest } from '../../policies/model-manifest.ts';
import type { TrackedMetric, TrackedRun } from '../ports/run-tracker.ts';

const value = z.number().nullable().catch(null);

/** What is read of a cycle's report; reports of every version have these, or nothing is told of them. */
export const trackedReportSchema = z.looseObject({
  cycleId: z.string(),
  policy: z.string(),
  outcome: z.string(),
  reason: z.string(),
  writtenAtMs: z.int(),
  candidateVersion: z.string().nullable().catch(null),
  mix: z.looseObject({ newFrames: value, historyFrames: value, effectiveFrames: value }).nullable().catch(null),
  training: z
    .looseObject({
      seed: value,
      steps: z.int(),
      curve: z.array(z.looseObject({ step: z.int(), trainLoss: value, validationLoss: value })),
      hyperparameters: dictionarySchema(z.unknown()),
    })
    .nullable()
    .catch(null),
  evaluation: z
    .looseObject({
      accuracyFraction: value,
      championFraction: value,
      calibrationError: value,
      gates: z.array(z.looseObject({ id: z.string(), outcome: z.string(), value })).catch([]),
    })
    .nullable()
    .catch(null),
  lineage: z
    .looseObject({
      datasetVersion: z.looseObject({ episodes: z.int(), frames: z.int() }).nullable().catch(null),
      trainingSetDigest: z.string().nullable().catch(null),
      modelSha256: z.string().nullable().catch(null),
      codeBuild: z.string().catch('unknown'),
    })
    .nullable()
    .catch(null),
});
export type TrackedReport = z.infer<typeof trackedReportSchema>;
type Training = NonNullable<TrackedReport['training']>;
type Artifacts = TrackedRun['artifacts'];

const textOf = (given: unknown): string => (typeof given === 'string' ? given : JSON.stringify(given));
const known = (values: Readonly<Record<string, string | null | undefined>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(values).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])));

/** A cycle that trained, whatever became of its candidate. Frames shown are not in it: what is told outside cannot be erased here. */
export function runOfCycle(report: TrackedReport, training: Training, artifacts: Artifacts): TrackedRun {
  const { policy, cycleId, outcome, reason, candidateVersion, lineage, writtenAtMs } = report;
  const digest = lineage?.trainingSetDigest ?? null;
  return {
    key: `cycle/${policy}/${cycleId}`,
    experiment: policy,
    name: cycleId,
    startedMs: writtenAtMs,
    endedMs: writtenAtMs,
    isFailed: outcome === 'failed',
    tags: known({
      'flywheel.policy': policy,
      'flywheel.cycle': cycleId,
      'flywheel.outcome': outcome,
      'flywheel.reason': reason,
      'flywheel.candidate': candidateVersion,
      'flywheel.modelSha256': lineage?.modelSha256,
      'flywheel.trainingSetDigest': digest,
      'flywheel.datasetVersion': lineage?.datasetVersion && textOf(lineage.datasetVersion),
      'flywheel.codeBuild': lineage?.codeBuild,
    }),
    parameters: new Map([
      ...Object.entries(training.hyperparameters).map(([name, given]) => [name, textOf(given)] as const),
      ['steps', String(training.steps)],
      ...(training.seed === null ? [] : [['seed', String(training.seed)] as const]),
    ]),
    metrics: metricsOf(report, training),
    datasets: digest === null ? [] : [{ name: `training set of ${cycleId}`, digest, context: 'training' }],
    artifacts,
  };
}

function metricsOf({ mix, evaluation }: TrackedReport, { curve, steps }: Training): TrackedMetric[] {
  const once = {
    'mix/new_frames': mix?.newFrames,
    'mix/history_frames': mix?.historyFrames,
    'mix/effective_frames': mix?.effectiveFrames,
    'evaluation/accuracy': evaluation?.accuracyFraction,
    'evaluation/champion_accuracy': evaluation?.championFraction,
    'evaluation/calibration_error': evaluation?.calibrationError,
  };
  const gates = (evaluation?.gates ?? []).flatMap(({ id, outcome, value: measured }) => [
    [`gate/${id}`, measured] as const,
    [`gate/${id}/passed`, outcome === 'notApplicable' ? null : Number(outcome === 'pass')] as const,
  ]);
  return [
    ...curve.flatMap(({ step, trainLoss, validationLoss }) => [
      ...metric('loss/train', trainLoss, step),
      ...metric('loss/validation', validationLoss, step),
    ]),
    ...[...Object.entries(once), ...gates].flatMap(([name, measured]) => metric(name, measured, steps)),
  ];
}

const metric = (name: string, measured: number | null | undefined, step: number): TrackedMetric[] =>
  typeof measured === 'number' ? [{ name, value: measured, step }] : [];

/** A version that no cycle here made: a baseline, or one that was handed in. */
export const runOfVersion = (manifest: ModelManifest, artifacts: Artifacts): TrackedRun => ({
  key: `version/${manifest.policy}/${manifest.version}`,
  experiment: manifest.policy,
  name: `${manifest.policy} ${manifest.version}`,
  startedMs: manifest.registeredAtMs,
  endedMs: manifest.registeredAtMs,
  isFailed: false,
  tags: known({
    'flywheel.policy': manifest.policy,
    'flywheel.submittedBy': manifest.submitted?.who,
    'flywheel.why': manifest.submitted?.why,
    'flywheel.codeBuild': manifest.codeBuild,
  }),
  parameters: new Map(),
  metrics: Object.entries(manifest.metrics).flatMap(([name, measured]) => metric(name, measured, 0)),
  datasets: [],
  artifacts,
});
