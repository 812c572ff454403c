import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { versionChange } from '../../domain/registry/index.ts';
import type { ModelManifest } from '../../policies/model-manifest.ts';
import { evaluationSchema } from '../evaluation/evaluation-document.ts';
import { failure } from '../../store/failures.ts';
import { requireJson } from '../../store/json-objects.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { trainingFile } from './training-file.ts';
import { registeredType } from './registered-type.ts';
import { registerModel, type RegisterModelResult } from './register-model.ts';

type Ports = Parameters<typeof registerModel>[0];

export interface RegisterCandidateInput {
  readonly operationId: string;
  readonly policy: string;
  readonly robotType: RobotTypeReference;
  readonly modelKey: string;
  readonly modelSha256: string;
  readonly evaluationKey: string;
  readonly goldenKey: string;
  readonly datasetVersion: DatasetVersion;
  readonly trainingSetDigest: string;
  readonly seed: number;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

/**
 * Registers a trained candidate with its evaluation and golden answers; one that a gate holds back is refused. Idempotent
 * by (policy, operationId).
 */
export const registerCandidate =
  (ports: Ports) =>
  async (input: RegisterCandidateInput): Promise<RegisterModelResult> => {
    const { operationId, policy, evaluationKey, modelSha256 } = input;
    const evaluation = await requireJson(ports.store, evaluationKey, evaluationSchema, 'judge the candidate first');
    if (evaluation.passed !== 'pass')
      throw failure('InvalidInput', 'expected a candidate that passed every offline gate, got one that is held back', {
        coordinates: { evaluationKey },
      });
    const type = await readTaughtType(ports.store, input.robotType);
    const { champion } = await readAliases(ports)({ policy });
    const parent = champion === undefined ? undefined : await readManifest(ports, policy, champion);
    return registerModel(ports)({
      operationId,
      policy,
      change: changeAgainst(parent, robotTypeDigest(type), input.hyperparameters),
      ...registeredType(type),
      sources: {
        'model.onnx': input.modelKey,
        'evaluation.json': evaluationKey,
        'golden.json': input.goldenKey,
        ...(await trainingSource(ports, input.modelKey)),
      },
      modelSha256,
      parents: champion === undefined ? [] : [champion],
      training: {
        cycleId: operationId,
        datasetVersion: { ...input.datasetVersion },
        trainingSetDigest: input.trainingSetDigest,
        seed: input.seed,
        hyperparameters: { ...input.hyperparameters },
      },
      metrics: {
        accuracyFraction: evaluation.accuracyFraction,
        calibrationError: evaluation.calibrationError,
        latencyP99Ms: evaluation.latencyP99Ms,
      },
      gates: evaluation.gates.map(({ id, outcome, value, limit }) => ({ id, outcome, value, limit })),
    });
  };

const networkOf = (hyperparameters: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([hyperparameters['hiddenWidths'], hyperparameters['taskEmbeddingSize']]);

/** Another network or robot type than the champion's is major; the baseline, which was not trained here, tells no network. */
function changeAgainst(
  parent: ModelManifest | undefined,
  digest: string,
  hyperparameters: Readonly<Record<string, unknown>>,
): 'major' | 'minor' | 'patch' {
  return versionChange({
    sameRobotType: parent === undefined || parent.robotType.digest === digest,
    sameArchitecture:
      parent === undefined ||
      parent.training === null ||
      networkOf(parent.training.hyperparameters) === networkOf(hyperparameters),
    singleTask: false,
  });
}

/** The job of the training: trainer, settings, seed, set and start, everything to repeat it by. Not there for trainings of earlier versions. */
async function trainingSource({ store }: Ports, modelKey: string): Promise<Readonly<Record<string, string>>> {
  const key = modelKey.replace(/model\.onnx$/, 'job.json');
  return key !== modelKey && (await store.get(key)) !== undefined ? { [trainingFile]: key } : {};
}
