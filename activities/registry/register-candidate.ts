import { z } from 'zod';

import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { diffRobotTypes } from '../../datasets/robot-type-diff.ts';
import { taskIdSchema, type RobotType } from '../../datasets/robot-type.ts';
import { documentOf } from '../../datasets/taught-type.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { versionChange, type VersionChange } from '../../domain/registry/index.ts';
import type { ModelManifest } from '../../policies/model-manifest.ts';
import { evaluationSchema } from '../evaluation/evaluation-document.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { requireJson } from '../../store/json-objects.ts';
import { readRobotType, readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { versionBodiesFile } from './version-bodies-file.ts';
import { trainingFile } from './training-file.ts';
import { registeredSight, registeredType } from './registered-type.ts';
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
    // What it was measured against, whatever became champion since: asked again, the answer is the same.
    const champion = comparedSchema.parse(evaluation.input).champion ?? (await readAliases(ports)({ policy })).champion;
    const parent = champion === undefined ? undefined : await readManifest(ports, policy, champion);
    const tasks = await chosenTasks(ports, input.trainingSetDigest);
    return registerModel(ports)({
      operationId,
      policy,
      change: versionChange({
        bodyStep: parent === undefined ? 'none' : await bodyStep(ports, parent, type),
        sameArchitecture: isSameNetwork(parent, input.hyperparameters, evaluation),
        chosenTasks: tasks !== undefined,
      }),
      ...registeredType(type),
      ...registeredSight(evaluation),
      bodies: await versionBodiesFile(ports.store, type, evaluation),
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
        // Agents of versions before root keys refuse a manifest with a field they do not know.
        ...(tasks === undefined || ports.signer.rootVersion === 0 ? {} : { tasks }),
      },
      metrics: {
        accuracyFraction: evaluation.accuracyFraction,
        calibrationError: evaluation.calibrationError,
        latencyP99Ms: evaluation.latencyP99Ms,
      },
      gates: evaluation.gates.map(({ id, outcome, value, limit }) => ({ id, outcome, value, limit })),
    });
  };

const comparedSchema = z.looseObject({ champion: z.string().optional() });

const networkOf = (hyperparameters: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([
    hyperparameters['hiddenWidths'],
    hyperparameters['taskEmbeddingSize'],
    networksSchema.safeParse(hyperparameters['images']).data?.networks ?? [],
  ]);

/** How each camera is seen; how its images were varied makes no other network. */
const networksSchema = z.looseObject({ networks: z.array(z.unknown()) });

/** The baseline, which was not trained here, tells no network: it counts as the same. */
const isSameNetwork = (
  parent: ModelManifest | undefined,
  hyperparameters: Readonly<Record<string, unknown>>,
  { history, horizon, imageHistory }: Pick<ModelManifest, 'history' | 'horizon' | 'imageHistory'>,
): boolean =>
  !parent?.training ||
  (parent.history === history &&
    parent.horizon === horizon &&
    parent.imageHistory === imageHistory &&
    networkOf(parent.training.hyperparameters) === networkOf(hyperparameters));

/** What changed from the parent's robot type to this one; a parent whose document is gone can be compared with nothing. */
async function bodyStep({ store }: Ports, parent: ModelManifest, type: RobotType): Promise<VersionChange | 'none'> {
  const { id, version, digest } = parent.robotType;
  if (digest === robotTypeDigest(type)) return 'none';
  try {
    return diffRobotTypes(await readRobotType(store, id, version), documentOf(type)).step;
  } catch (error) {
    if (isFailure(error, 'NotFound')) return 'major';
    throw error;
  }
}

const madeForSchema = z.looseObject({
  recipe: z.looseObject({ learnedTasks: z.array(taskIdSchema).min(1).optional() }).optional(),
});

/** The tasks that the set was made to teach, as its manifest says; undefined where it teaches all of them. */
async function chosenTasks({ store }: Ports, digest: string): Promise<string[] | undefined> {
  const key = trainingSetFile(digest, 'manifest.json');
  return (await requireJson(store, key, madeForSchema, 'make the training set first')).recipe?.learnedTasks;
}

/** The job of the training: trainer, settings, seed, set and start, everything to repeat it by. Not there for trainings of earlier versions. */
async function trainingSource({ store }: Ports, modelKey: string): Promise<Readonly<Record<string, string>>> {
  const key = modelKey.replace(/model\.onnx$/, 'job.json');
  return key !== modelKey && (await store.get(key)) !== undefined ? { [trainingFile]: key } : {};
}
