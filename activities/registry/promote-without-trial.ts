import {
  aliasesAt,
  decidePromotionWithoutTrial,
  promotionMoves,
  type PromotionDecision,
} from '../../domain/registry/index.ts';
import type { ChampionDesk, ChampionOrders } from '../../fleet/desk/champion-desk.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Signer } from '../../policies/signer.ts';
import { moveAliases, readAliasHistory, type MoveAliasesInput } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';

export interface PromoteWithoutTrialInput extends MoveAliasesInput {
  readonly candidateVersion: string;
  readonly bootstrap: boolean;
  readonly gates: 'pass' | 'hold';
  /** Where the order to the robots goes: one after the last that was there when the decision was prepared. */
  readonly assignmentSeq: number;
}

export interface PromoteWithoutTrialPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly desk: ChampionDesk;
}

/**
 * Makes the candidate champion if it may become so without a trial (only the baseline's first successor may), else says
 * why not: the robots are ordered first, the alias follows. Idempotent by (policy, operationId): an operation that promoted
 * answers the same again, and one that died between the two goes on.
 */
export const promoteWithoutTrial =
  (ports: PromoteWithoutTrialPorts) =>
  async (input: PromoteWithoutTrialInput): Promise<PromotionDecision> => {
    const { policy, operationId, candidateVersion: version } = input;
    const orders = await ports.desk.readOrders(policy);
    await repairChampionAlias(ports, policy, orders);
    const history = await readAliasHistory(ports)(input);
    const done = history.find((record) => record.operationId === operationId);
    if (done !== undefined) return { kind: 'promote', reason: done.why };
    const decision = decidePromotionWithoutTrial({ ...input, aliases: aliasesAt(history) });
    if (decision.kind === 'notOffered') return decision;
    const [trialId] = orders.current?.trialIds ?? [];
    if (trialId !== undefined) return notOffered(`robots are on trial ${trialId}: a promotion waits for its end`);
    await readManifest(ports, policy, version);
    const origin = {
      policy,
      operationId,
      who: input.who,
      why: `${decision.reason}; asked: ${input.why}`.slice(0, 500),
    };
    const written = await ports.desk.orderChampion({
      ...origin,
      seq: input.assignmentSeq,
      version,
      atMs: ports.clock(),
    });
    // Another attempt of this operation may have given the order with another time.
    const isOurs = written === 'written' || (await ports.desk.readOrders(policy)).current?.operationId === operationId;
    if (!isOurs)
      return notOffered(`expected to give order ${input.assignmentSeq} to the fleet, others were given meanwhile`);
    await moveAliases(ports, origin, (aliases) => promotionMoves(aliases, version, true));
    return decision;
  };

const notOffered = (reason: string): PromotionDecision => ({ kind: 'notOffered', reason });

/** Robots obey the assignment log: an order whose alias never followed, because its writer died in between, is caught up on. */
async function repairChampionAlias(
  ports: PromoteWithoutTrialPorts,
  policy: string,
  { current }: ChampionOrders,
): Promise<void> {
  if (current === undefined) return;
  const { championVersion, operationId, who, why } = current;
  const history = await readAliasHistory(ports)({ policy });
  const isFollowed = history.some((record) => record.operationId === operationId);
  if (isFollowed || aliasesAt(history).champion === championVersion) return;
  await moveAliases(ports, { policy, operationId, who, why }, (aliases) =>
    promotionMoves(aliases, championVersion, true),
  );
}
