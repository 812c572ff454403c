import { canonicalJson } from '../../../domain/canonical-json.ts';
import { covers, rootOf } from '../../../domain/trust/order-tree.ts';
import { isRevoked, orderKeyFor, type Root } from '../../../domain/trust/root.ts';
import { countSigners, type Envelope, type TrustCrypto } from '../../../domain/trust/signed.ts';
import {
  desiredAnswerSchema,
  maxLeaseMs,
  orderDigest,
  robotDigest,
  robotOrderSchema,
  sealSchema,
  sealValidForMs,
  type DesiredAnswer,
  type RobotOrder,
  type Seal,
  type SignedDesired,
} from '../../protocol/index.ts';
import { bodyName, isSameBody } from '../../../policies/version-bodies.ts';
import type { MachineMoment } from '../local/times.ts';
import { refusedOrder, type Refused } from './refused-order.ts';
import { earliestNow, type TrustState } from './trust-state.ts';

/** A gateway that looked a little earlier than another one is late; one that is later than this serves what was overtaken. */
const lateMs = 5 * 60_000;

export interface OrderFacts {
  readonly robotId: string;
  readonly robotType: { readonly id: string; readonly version: number; readonly digest: string };
  readonly state: TrustState;
  readonly now: MachineMoment;
  readonly crypto: TrustCrypto;
  /** Epoch of the transfer that brings the robot to the policy of the order; absent where it is there already. */
  readonly movedInEpoch?: number | undefined;
}

/** What a gateway answered to `desired`: a seal, and an order unless nothing is new. */
export interface Word {
  readonly envelope: Envelope;
  readonly body: SignedDesired | undefined;
  /** What the gateway says remains of the lease: it may shorten one, never stretch it. */
  readonly leaseHeaderMs: number | undefined;
}

/**
 * `obey`: follow the order · `renewed`: what is followed still holds · `late`: overtaken, by a gateway that looked a moment
 * earlier · `askAgain`: the seal is about orders that did not come with it · `refused`: looks like an attack. `leaseMs`: how long a
 * candidate may run from now; undefined where the order needs no lease.
 */
export type OrderVerdict =
  | {
      readonly kind: 'obey';
      readonly order: DesiredAnswer;
      readonly leaseMs: number | undefined;
      readonly isFresh: boolean;
      readonly state: TrustState;
    }
  | {
      readonly kind: 'renewed';
      readonly leaseMs: number | undefined;
      readonly isFresh: boolean;
      readonly state: TrustState;
    }
  | { readonly kind: 'late' }
  | { readonly kind: 'askAgain' }
  | Refused;

/** Judges a signed answer by what the robot knows: signature, moment, place in the log, and whether it is meant at all. */
export function judgeOrder(word: Word, root: Root, facts: OrderFacts): OrderVerdict {
  const opened = openSeal(word.envelope, root, facts);
  if (opened.kind === 'refused') return opened;
  const seal = opened;
  const overtaken = judgePlace(seal, facts);
  if (overtaken !== undefined) return overtaken;
  const { held } = facts.state;
  const isHeld = held?.epoch === seal.epoch && held.seq === seal.seq && held.orders === seal.orders;
  if (word.body === undefined) {
    if (held === null || !isHeld) return { kind: 'askAgain' };
    const { isFresh, state } = taken(seal, held, facts);
    return { kind: 'renewed', isFresh, state, leaseMs: leaseOf(held, seal, word, state, facts) };
  }
  const order = readOrder(word.body, seal, facts);
  if ('kind' in order) return order;
  const acting = facts.crypto.sha256(canonicalJson(actingPart(order)));
  const { epoch, seq, orders } = seal;
  const about = { seq, version: order.model.version };
  const { fit = 0 } = order;
  if (held?.epoch === epoch && held.seq === seq && held.acting !== acting && fit <= (held.fit ?? 0))
    return refusedOrder('mixedOrder', `expected one order under place ${seq}, got a second one`, about);
  const { trialId, isLeased } = order;
  const next = { epoch, seq, orders, acting, ...(fit === 0 ? {} : { fit }), trialId, isLeased };
  const { isFresh, state } = taken(seal, next, facts);
  const { robotType: _type, asked: _asked, fit: _fit, ...desired } = order;
  return {
    kind: 'obey',
    order: desiredAnswerSchema.parse(desired),
    isFresh,
    state,
    leaseMs: leaseOf(next, seal, word, state, facts),
  };
}

/** Whether the robot never took anything of the seal's epoch, from any policy; false before the first order. */
function isNewEpoch({ epoch }: Seal, { state: { held, left }, movedInEpoch }: OrderFacts): boolean {
  const known = [held, ...left.map((each) => each.held)]
    .flatMap((each) => each?.epoch ?? [])
    .concat(movedInEpoch ?? []);
  return known.length > 0 && known.every((each) => epoch > each);
}

/** What the order makes the robot do; the baseline is only kept on its disk. */
const actingPart = ({ model, champion, trialId, isLeased, urgency }: RobotOrder) => ({
  model,
  champion,
  trialId,
  isLeased,
  urgency,
});

function openSeal(envelope: Envelope, root: Root, facts: OrderFacts): Seal | Refused {
  const { crypto, state, now } = facts;
  const parsed = sealSchema.safeParse(envelope.signed);
  if (!parsed.success)
    return refusedOrder('forgedOrder', `expected a seal, got ${parsed.error.issues[0]?.message ?? 'none'}`);
  const seal = parsed.data;
  const { seq } = seal;
  const refusals: string[] = [];
  const key = envelope.signatures.flatMap(({ keyId }) => {
    const verdict = orderKeyFor(root, keyId, seal.issuedAtMs);
    if ('refusal' in verdict) refusals.push(verdict.refusal);
    return 'key' in verdict && countSigners(envelope, [verdict.key], crypto) === 1 ? [verdict.key] : [];
  })[0];
  if (key === undefined) {
    const isByRevoked = envelope.signatures.some(({ keyId }) => isRevoked(root, keyId));
    const why = refusals[0] ?? 'expected a seal as the order key signed it, got a changed one';
    return refusedOrder(isByRevoked ? 'revokedKey' : 'forgedOrder', why, { seq });
  }
  if (key.epoch !== seal.epoch)
    return refusedOrder('forgedOrder', `expected epoch ${key.epoch} of key ${key.keyId}, got ${seal.epoch}`, { seq });
  if (state.policy !== null && state.policy !== seal.policy)
    return refusedOrder('wrongPolicy', `expected orders of policy ${state.policy}, got those of ${seal.policy}`, {
      seq,
    });
  const lateByMs = Math.max(earliestNow(state, now), root.issuedAtMs) - seal.issuedAtMs;
  if (lateByMs > Math.min(seal.validForMs, sealValidForMs) && !isNewEpoch(seal, facts))
    return refusedOrder(
      'expiredOrder',
      `signed at least ${Math.round(lateByMs / 60_000)} min ago, longer than it is valid`,
      { seq },
    );
  return seal;
}

/** An epoch, a place in it and a moment: what is behind what the robot holds is never taken. */
function judgePlace(seal: Seal, { state, now }: OrderFacts): Refused | { readonly kind: 'late' } | undefined {
  const { held, signed } = state;
  if (held === null || seal.epoch > held.epoch) return undefined;
  const isBehind =
    seal.epoch < held.epoch || seal.seq < held.seq || (seal.seq === held.seq && seal.issuedAtMs < (signed?.atMs ?? 0));
  if (!isBehind) return undefined;
  const isLate = seal.epoch === held.epoch && earliestNow(state, now) - seal.issuedAtMs <= lateMs;
  if (isLate) return { kind: 'late' };
  const place = `place ${seal.seq} of epoch ${seal.epoch}, signed at ${seal.issuedAtMs}`;
  const has = `place ${held.seq} of epoch ${held.epoch}, signed at ${signed?.atMs ?? 0}`;
  return refusedOrder('replayedOrder', `expected nothing before ${has}, got ${place}`, { seq: seal.seq });
}

function readOrder(body: SignedDesired, seal: Seal, facts: OrderFacts): RobotOrder | Refused {
  const { crypto, robotId, robotType } = facts;
  const { seq } = seal;
  if (rootOf(body.place, orderDigest(body.order, crypto), body.path, crypto) !== seal.orders)
    return refusedOrder('forgedOrder', 'expected an order that the seal covers, got another', { seq });
  const parsed = robotOrderSchema.safeParse(body.order);
  if (!parsed.success)
    return refusedOrder(
      'forgedOrder',
      `expected an order this agent can read: ${parsed.error.issues[0]?.message ?? ''}`,
      {
        seq,
      },
    );
  const order = parsed.data;
  const about = { seq, version: order.model.version };
  if (!covers(body.place, robotDigest(robotId, crypto)))
    return refusedOrder('wrongRobot', 'expected the order of this robot, got that of another', about);
  if (order.policy !== seal.policy || order.seq !== seq)
    return refusedOrder('mixedOrder', `expected an order of place ${seq}, got one of place ${order.seq}`, about);
  if (!isSameBody(order.robotType, robotType))
    return refusedOrder(
      'wrongRobotType',
      `expected an order for ${bodyName(robotType)}, got one for ${bodyName(order.robotType)}`,
      about,
    );
  return isUnleasedCandidate(order)
    ? refusedOrder(
        'unleasedCandidate',
        `expected a lease behind ${order.model.version}, which is not the champion`,
        about,
      )
    : order;
}

/** Whoever is neither champion nor on trial under a lease would run for ever if nobody spoke again. */
export const isUnleasedCandidate = ({ model, champion, isLeased, trialId }: DesiredAnswer): boolean =>
  (model.sha256 !== champion.sha256 || model.version !== champion.version) && (!isLeased || trialId === null);

/** The state after a seal was taken. A new epoch begins time anew: an earlier key may have signed moments that never come. */
function taken(
  seal: Seal,
  held: NonNullable<TrustState['held']>,
  facts: OrderFacts,
): { readonly isFresh: boolean; readonly state: TrustState } {
  const { state, now } = facts;
  const isNew = isNewEpoch(seal, facts);
  const isFresh = isNew || state.signed === null || seal.issuedAtMs > state.signed.atMs;
  // A later moment of signing that came late says less than an earlier one that came at once.
  const saysMore = isNew || seal.issuedAtMs >= earliestNow(state, now);
  const seen = saysMore ? { atMs: seal.issuedAtMs, seen: now } : undefined;
  const kept =
    seen ??
    (isFresh
      ? { atMs: seal.issuedAtMs, seen: backdated(now, earliestNow(state, now) - seal.issuedAtMs) }
      : state.signed);
  return {
    isFresh,
    state: {
      ...state,
      policy: seal.policy,
      held,
      signed: kept,
      ...(isFresh ? { unfresh: { forMs: 0, at: now } } : {}),
    },
  };
}

/** As if the moment had been seen this much earlier: the time counted since stays what it was. */
const backdated = (now: MachineMoment, byMs: number): MachineMoment => ({
  ...now,
  monotonicMs: now.monotonicMs - Math.max(0, byMs),
});

function leaseOf(
  { isLeased, trialId }: Pick<NonNullable<TrustState['held']>, 'isLeased' | 'trialId'>,
  seal: Seal,
  { leaseHeaderMs = Number.POSITIVE_INFINITY }: Word,
  state: TrustState,
  { now }: OrderFacts,
): number | undefined {
  if (!isLeased) return undefined;
  const lease = seal.leases.find((each) => each.trialId === trialId);
  if (lease === undefined) return 0;
  const leaseMs = Math.min(lease.leaseMs, maxLeaseMs);
  const sinceMs = Math.max(0, earliestNow(state, now) - seal.issuedAtMs);
  return Math.max(0, Math.min(leaseMs - sinceMs, leaseHeaderMs));
}
