import { createHash } from 'node:crypto';

import { modelFile } from '../../policies/model-manifest.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Signer } from '../../policies/signer.ts';
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
 * Trains a registered version again, by the job that its signed manifest names, and compares the bytes. Stores nothing. The
 * embedded trainer gives the same bytes with as many threads as the first time. `InvalidInput` for a version that was not
 * trained here, or before the job was kept; `UntrustedArtifact` for a job that was changed.
 */
export const reproduceModel =
  (ports: TrainModelPorts & { readonly store: ObjectStore; readonly signer: Signer }) =>
  async ({ policy, version }: { readonly policy: string; readonly version: string }): Promise<ReproduceModelResult> => {
    const { files } = await readManifest(ports, policy, version);
    const known = files[trainingFile];
    if (known === undefined)
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
    const { modelSha256 } = await trainAgain(ports, JSON.parse(new TextDecoder().decode(bytes)));
    const registeredSha256 = files['model.onnx']?.sha256 ?? '';
    return { version, registeredSha256, trainedSha256: modelSha256, isSame: modelSha256 === registeredSha256 };
  };
