import type { DesiredAnswer, ModelReference, Urgency } from '../../protocol/index.ts';
import type { Slot } from './installation.ts';
import type { InstallReason } from './model-refusal.ts';

/** No word from any gateway for this long, by the monotonic clock, and the robot goes to the baseline. */
export const contactLimitMs = 14 * 24 * 3_600_000;

export interface VersionFacts {
  /** The last order; null before the first. */
  readonly order: DesiredAnswer | null;
  readonly isLeaseAlive: boolean;
  readonly contactlessMs: number;
  /** How long nothing fresh was signed; 0 where orders are not signed. */
  readonly unfreshMs: number;
  readonly baseline: Slot | null;
  readonly current: Slot | null;
  /** `current` is a candidate, which runs only while it is ordered and its lease lives. */
  readonly isLeased: boolean;
  readonly isBlocked: (version: string, trialId: string | null) => boolean;
}

/** What the robot should run, and why. */
export interface VersionChoice {
  readonly slot: Slot;
  readonly reason: Extract<InstallReason, 'ordered' | 'leaseExpired' | 'noContact' | 'noFreshOrder'>;
  readonly urgency: Urgency;
  readonly trialId: string | null;
  readonly isLeased: boolean;
  readonly orderSeq: number | null;
}

export const slotOf = (policy: string, { version, sha256 }: ModelReference): Slot => ({ policy, version, sha256 });

/**
 * Decides what a robot should run. Without contact, or without a freshly signed word, for 14 days the baseline; without a living lease the champion instead of
 * the candidate; else the order. A version that is blocked here is replaced by the champion if it is a candidate. Undefined:
 * stay with what runs, which is never a candidate: what was taken back is left even if the champion failed here, for the baseline if that
 * may run, else for the champion all the same.
 */
export function chooseVersion(facts: VersionFacts): VersionChoice | undefined {
  const { order, baseline } = facts;
  const reason = lonelyReason(facts);
  if (reason !== undefined && baseline !== null)
    return { slot: baseline, reason, urgency: 'whenIdle', trialId: null, isLeased: false, orderSeq: null };
  if (order === null) return undefined;
  const plain = (slot: Slot, why: VersionChoice['reason']): VersionChoice => {
    const { urgency, seq: orderSeq } = order;
    return { slot, reason: why, urgency, trialId: null, isLeased: false, orderSeq };
  };
  const champion = (why: VersionChoice['reason']): VersionChoice | undefined => {
    const slot = slotOf(order.policy, order.champion);
    if (!facts.isBlocked(slot.version, null)) return plain(slot, why);
    if (!facts.isLeased) return undefined;
    return plain(baseline === null || facts.isBlocked(baseline.version, null) ? slot : baseline, why);
  };
  const { trialId, isLeased } = order;
  if (isLeased && !facts.isLeaseAlive) return champion('leaseExpired');
  if (!facts.isBlocked(order.model.version, trialId))
    return {
      slot: slotOf(order.policy, order.model),
      reason: 'ordered',
      urgency: order.urgency,
      trialId,
      isLeased,
      orderSeq: order.seq,
    };
  return trialId === null && !facts.isLeased ? undefined : champion('ordered');
}

function lonelyReason({ contactlessMs, unfreshMs }: VersionFacts): 'noContact' | 'noFreshOrder' | undefined {
  if (contactlessMs >= contactLimitMs) return 'noContact';
  return unfreshMs >= contactLimitMs ? 'noFreshOrder' : undefined;
}
