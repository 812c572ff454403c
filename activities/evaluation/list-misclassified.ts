import { z } from 'zod';

import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readJson } from '../../store/json-objects.ts';
import { readEvaluation, type EvaluationDocument } from './evaluation-document.ts';
import { misclassifiedSchema } from './evaluation-frames.ts';

export interface ListMisclassifiedInput {
  readonly policy: string;
  /** Default: the champion. */
  readonly version?: string;
  /** Instead of a version: the cycle whose candidate it was, registered or held back. */
  readonly cycleId?: string;
}

export interface ListMisclassifiedResult {
  /** The version or the cycle. */
  readonly of: string;
  readonly heldoutFrames: number;
  /** All that are wrong; `listed` has those of which the model is surest. */
  readonly frames: number;
  readonly listed: NonNullable<EvaluationDocument['misclassified']>['listed'];
}

/** What is read of a cycle's report: it has the evaluation under the id that people know. */
const reportSchema = z.looseObject({
  evaluation: z.looseObject({ frames: z.int(), misclassified: misclassifiedSchema.optional() }).nullable(),
});

/** The held-out frames that a model got wrong when the gates judged it. It only reads. */
export const listMisclassified =
  ({ store }: { readonly store: ObjectStore }) =>
  async ({ policy, version, cycleId }: ListMisclassifiedInput): Promise<ListMisclassifiedResult> => {
    const of = cycleId ?? version ?? (await readAliases({ store })({ policy })).champion;
    if (of === undefined)
      throw failure('NotFound', `expected a champion of ${policy}, got none: name a version or a cycle`);
    const key = cycleId === undefined ? modelFile(policy, of, 'evaluation.json') : reportKey(cycleId);
    const evaluation =
      cycleId === undefined
        ? ((await inReport(store, await cycleOf(store, policy, of))) ?? (await readEvaluation(store, key)))
        : await inReport(store, cycleId);
    if (evaluation === undefined)
      throw failure(
        'NotFound',
        `expected an evaluation of ${of}, got none: a baseline has none, nor a cycle that ended before`,
        {
          coordinates: { key },
        },
      );
    const { misclassified, frames: heldoutFrames } = evaluation;
    return { of, heldoutFrames, frames: misclassified?.frames ?? 0, listed: misclassified?.listed ?? [] };
  };

const reportKey = (cycleId: string): string => `reports/${cycleId}.json`;

/** The evaluation in the report of a cycle: unlike the one in the registry it has images. */
async function inReport(store: ObjectStore, cycleId: string | undefined) {
  if (cycleId === undefined) return undefined;
  return (await readJson(store, reportKey(cycleId), reportSchema))?.evaluation ?? undefined;
}

async function cycleOf(store: ObjectStore, policy: string, version: string): Promise<string | undefined> {
  const signed = await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
  return signed?.manifest.training?.cycleId;
}
