import {
  aliasesAt,
  decidePromotionWithoutTrial,
  promotionMoves,
  type PromotionDecision,
} from '../../domain/registry/index.ts';
import { failure } from '../failures.ts';
import type { Clock, ObjectStore } from '../ports.ts';
import type { Signer } from '../signer-port.ts';
import { moveAliases, readAliasHistory, type MoveAliasesInput } from './aliases.ts';
import { readManifest } from './read-manifest.ts';

export interface PromoteWithoutTrialInput extends MoveAliasesInput {
  readonly candidateVersion: string;
  readonly bootstrap: boolean;
  readonly gates: 'pass' | 'hold';
}

/**
 * Makes the candidate champion if it may become so without a trial (only the baseline's first successor may), else says
 * why not. Idempotent by (policy, operationId): an operation that promoted answers the same again.
 */
export const promoteWithoutTrial =
  (ports: { store: ObjectStore; clock: Clock; signer: Signer }) =>
  async (input: PromoteWithoutTrialInput): Promise<PromotionDecision> => {
    const history = await readAliasHistory(ports)(input);
    const done = history.find((record) => record.operationId === input.operationId);
    if (done !== undefined) return { kind: 'promote', reason: done.why };
    const decision = decidePromotionWithoutTrial({ ...input, aliases: aliasesAt(history) });
    if (decision.kind === 'notOffered') return decision;
    await readManifest(ports, input.policy, input.candidateVersion);
    await moveAliases(ports, { ...input, why: `${decision.reason}; asked: ${input.why}` }, (aliases) => {
      if (decidePromotionWithoutTrial({ ...input, aliases }).kind !== 'promote')
        throw failure(
          'Conflict',
          `expected the champion to stay ${input.candidateVersion}'s parent, it moved meanwhile`,
          {
            coordinates: { policy: input.policy },
          },
        );
      return promotionMoves(aliases, input.candidateVersion, true);
    });
    return decision;
  };
