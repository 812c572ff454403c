import { createHash } from 'node:crypto';

import { z } from 'zod';

import { modelFile } from '../../policies/model-manifest.ts';
import { failure } from '../../store/failures.ts';
import type { Signer } from '../../policies/signer.ts';
import { readTaughtType, robotTypeReferenceSchema } from '../../store/records/robot-types.ts';
import type { SetPorts } from '../mix/ports.ts';
import { remakeTrainingSet } from '../mix/remake-set.ts';
import { trainAgain, type TrainModelPorts } from '../training/train-model.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { trainingFile } from './training-file.ts';

export interface ReproduceModelResult {
  readonly version: string;
  readonly registeredSha256: string;
  readonly trainedSha256: string;
  readonly isSame: boolean;
}

/**
 * Trains a registered version again, by the job that its signed manifest names, and compares the bytes. Stores nothing but the rows
 * of its training set, where they were swept and made again. The embedded trainer gives the same bytes with as many threads as the first time. `InvalidInput` for a version that was not
 * trained here, or before the job was kept; `UntrustedArtifact` for a job that was changed.
 */
export const reproduceModel =
  (ports: TrainModelPorts & SetPorts & { readonly signer: Signer }) =>
  async ({ policy, version }: { readonly policy: string; readonly version: string }): Promise<ReproduceModelResult> => {
    const { files, training, robotType } = await readManifest(ports, policy, version);
    const known = files[trainingFile];
    if (known === undefined || training === null)
      throw failure(
        'InvalidInput',
        `expected a version that was trained here and keeps its training, got one without ${trainingFile}`,
        {
          coordinates: { policy, version },
        },
      );
    const key = modelFile(policy, version, trainingFile);
    const bytes = (await ports.store.get(key)) ?? new Uint8Array(0);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== known.sha256)
      throw failure('UntrustedArtifact', `expected the training with sha256 ${known.sha256}, got ${sha256}`, {
        coordinates: { key },
      });
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { catalogue } = z.looseObject({ robotType: robotTypeReferenceSchema }).parse(stored).robotType;
    const { id, version: typeVersion } = robotType;
    const reference = { id, version: typeVersion, ...(catalogue === undefined ? {} : { catalogue }) };
    const type = await readTaughtType(ports.store, reference);
    await remakeTrainingSet(ports, training.trainingSetDigest, type);
    const job = withUsedSettings(stored, training.hyperparameters);
    const { modelSha256 } = await trainAgain(ports, job);
    const registeredSha256 = files['model.onnx']?.sha256 ?? '';
    return { version, registeredSha256, trainedSha256: modelSha256, isSame: modelSha256 === registeredSha256 };
  };

const ownTrainerSchema = z.looseObject({ trainer: z.object({ kind: z.literal('onnx') }) });

/** What was left to the defaults of then must not become those of now: the embedded trainer reported all that it used. */
function withUsedSettings(job: unknown, used: Readonly<Record<string, unknown>>): unknown {
  const own = ownTrainerSchema.safeParse(job);
  return own.success ? { ...own.data, trainer: { kind: 'onnx' }, hyperparameters: used } : job;
}
