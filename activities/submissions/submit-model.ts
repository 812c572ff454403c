import type { Fleet } from '../../fleet/desk/index.ts';
import type { PortMap } from '../../policies/fit-model.ts';
import { judgeSubmission, type JudgeSubmissionPorts, type SubmissionVerdict } from './judge-submission.ts';
import { registerSubmission } from './register-submission.ts';
import type { TrialSlot } from '../ports/trial-slot.ts';
import { offerCandidate, type OfferResult } from '../trials/offer-candidate.ts';

export type SubmitModelPorts = JudgeSubmissionPorts &
  Parameters<typeof registerSubmission>[0] & { readonly fleet: Pick<Fleet, 'readFleet'>; readonly slot: TrialSlot };

export interface SubmitModelInput {
  readonly policy: string;
  readonly filePath: string;
  readonly portMap?: PortMap | undefined;
  readonly who: string;
  readonly why: string;
  /** Input of `trialPolicy` beside version, who and why. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** `version` and `offer` are there when every gate passed. */
export interface SubmitModelResult {
  readonly verdict: SubmissionVerdict;
  readonly version: string | null;
  readonly offer: OfferResult | null;
}

/**
 * Takes a model that was made elsewhere the way every candidate goes: all gates, the registry, the trial slot. Idempotent by
 * (policy, content of the file, port map): the same file is the same version, and the slot knows an offer it has.
 */
export const submitModel =
  (ports: SubmitModelPorts) =>
  async (input: SubmitModelInput): Promise<SubmitModelResult> => {
    const { policy, filePath, portMap, who, why, request } = input;
    const verdict = await judgeSubmission(ports)({ policy, filePath, portMap });
    if (!verdict.mayBeOffered) return { verdict, version: null, offer: null };
    const { version } = await registerSubmission(ports)({ verdict, who, why });
    const operationId = `submission-${verdict.modelSha256.slice(0, 16)}`;
    const offer = await offerCandidate(ports)({ policy, candidateVersion: version, operationId, who, why, request });
    return { verdict, version, offer };
  };
