import { maxLeaseMs, type DesiredAnswer } from '../../protocol/index.ts';
import { isUnleasedCandidate, type OrderVerdict } from './order-rules.ts';
import { refusedOrder } from './refused-order.ts';
import type { TrustState } from './trust-state.ts';

/** An order as fleets give it that sign none yet, by what can be told without a signature. */
export function judgePlainOrder(
  order: DesiredAnswer,
  leaseHeaderMs: number | undefined,
  state: TrustState,
): OrderVerdict {
  const about = { seq: order.seq, version: order.model.version };
  if (state.root !== null)
    return refusedOrder('unsignedOrder', 'expected a signed order, as this fleet gives them, got one without', about);
  if (state.plainSeq !== null && order.seq < state.plainSeq)
    return refusedOrder(
      'replayedOrder',
      `expected no order before place ${state.plainSeq}, got place ${order.seq}`,
      about,
    );
  if (isUnleasedCandidate(order))
    return refusedOrder(
      'unleasedCandidate',
      `expected a lease behind ${order.model.version}, which is not the champion`,
      about,
    );
  return {
    kind: 'obey',
    order,
    isFresh: true,
    leaseMs: cappedLease(leaseHeaderMs),
    state: { ...state, plainSeq: order.seq },
  };
}

export const cappedLease = (leaseMs: number | undefined): number | undefined =>
  leaseMs === undefined ? undefined : Math.min(leaseMs, maxLeaseMs);
