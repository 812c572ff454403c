import { evaluationSchema } from '../evaluation/evaluation-document.ts';
import { failure } from '../../store/failures.ts';
import { requireJson } from '../../store/json-objects.ts';
import type { SubmissionVerdict } from './judge-submission.ts';
import { mendedFileName } from './mended-file.ts';
import { readTaughtType } from '../../store/records/robot-types.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { registeredSight, registeredType } from '../registry/registered-type.ts';
import { versionBodiesFile } from '../registry/version-bodies-file.ts';
import { registerModel, type RegisterModelResult } from '../registry/register-model.ts';

export interface RegisterSubmissionInput {
  readonly verdict: SubmissionVerdict;
  readonly who: string;
  readonly why: string;
}

/**
 * Registers a model that was made elsewhere as a candidate; one that any gate holds back, or that could not be compared with a
 * champion, is refused. Its network is unknown, so it is a new major version. Idempotent by (policy, content of the model).
 */
export const registerSubmission =
  (ports: Parameters<typeof registerModel>[0]) =>
  async ({ verdict, who, why }: RegisterSubmissionInput): Promise<RegisterModelResult> => {
    const { policy, robotType, modelSha256, judged } = verdict;
    const evaluation =
      judged && (await requireJson(ports.store, judged.evaluationKey, evaluationSchema, 'judge the model first'));
    if (judged?.champion === undefined || evaluation?.passed !== 'pass')
      throw failure('InvalidInput', 'expected a model that passed every offline gate against the champion', {
        coordinates: { policy, modelSha256 },
      });
    // A key that did not sign the champion signs nothing the robots would take.
    await readManifest(ports, policy, judged.champion);
    const type = await readTaughtType(ports.store, robotType);
    return registerModel(ports)({
      operationId: `submission-${modelSha256.slice(0, 16)}`,
      policy,
      change: 'major',
      ...registeredType(type),
      ...registeredSight(evaluation),
      bodies: await versionBodiesFile(ports.store, type, evaluation),
      sources: {
        'model.onnx': judged.modelKey,
        'evaluation.json': judged.evaluationKey,
        'golden.json': judged.goldenKey,
        ...(judged.mendedKey === undefined ? {} : { [mendedFileName]: judged.mendedKey }),
      },
      modelSha256,
      parents: [judged.champion],
      training: null,
      submitted: { who, why },
      metrics: {
        accuracyFraction: evaluation.accuracyFraction,
        calibrationError: evaluation.calibrationError,
        latencyP99Ms: evaluation.latencyP99Ms,
      },
      gates: evaluation.gates.map(({ id, outcome, value, limit }) => ({ id, outcome, value, limit })),
    });
  };
