import { isRevoked, orderKeyFor, type Root } from '../../../domain/trust/root.ts';
import { countSigners, type Envelope } from '../../../domain/trust/signed.ts';
import { bodyName, isSameBody } from '../../../policies/version-bodies.ts';
import { sealSchema, transferSchema, transferValidForMs, type Transfer } from '../../protocol/index.ts';
import { judgeOrder, type OrderFacts, type OrderVerdict, type Word } from './order-rules.ts';
import { refusedOrder, type Refused } from './refused-order.ts';
import { earliestNow, type TrustState } from './trust-state.ts';

/** `late`: overtaken by a transfer that was taken a moment ago · `known`: this is the one that was taken last. */
export type TransferVerdict =
  | { readonly kind: 'take'; readonly transfer: Transfer; readonly state: TrustState }
  | { readonly kind: 'known' | 'late' }
  | Refused;

/** A gateway that looked at the robot's record a little earlier than another one is late, and no attacker. */
const lateMs = 5 * 60_000;
/** Policies whose last place a robot remembers. */
const mostRemembered = 32;

/**
 * Judges a signed transfer by what the robot knows: whether the order key signed it, for this robot, from the policy that it follows, for its own
 * type, after every transfer that it took, and not too long ago. The state it gives follows the other policy from the last place that the robot
 * ever held there, so that coming back makes no old order new.
 */
export function judgeTransfer(envelope: Envelope, root: Root, facts: OrderFacts): TransferVerdict {
  const { robotId, robotType, state, now } = facts;
  const parsed = transferSchema.safeParse(envelope.signed);
  if (!parsed.success)
    return refusedOrder('forgedOrder', `expected a transfer, got ${parsed.error.issues[0]?.message ?? 'none'}`);
  const transfer = parsed.data;
  const unsigned = signerProblem(envelope, transfer, root, facts);
  if (unsigned !== undefined) return unsigned;
  if (transfer.robotId !== robotId)
    return refusedOrder('wrongRobot', `expected a transfer of ${robotId}, got one of ${transfer.robotId}`);
  const last = state.transfer;
  const isLast = last?.epoch === transfer.epoch && last.seq === transfer.seq;
  if (isLast) return { kind: 'known' };
  const nowMs = Math.max(earliestNow(state, now), root.issuedAtMs);
  if (last !== null && (transfer.epoch < last.epoch || (transfer.epoch === last.epoch && transfer.seq < last.seq)))
    return nowMs - last.issuedAtMs <= lateMs
      ? { kind: 'late' }
      : refusedOrder('replayedOrder', `expected no transfer before number ${last.seq}, got number ${transfer.seq}`);
  // Where it is already, the word changes nothing but its number.
  if (state.policy === null || state.policy === transfer.to)
    return { kind: 'take', transfer, state: { ...state, transfer: numberOf(transfer) } };
  if (nowMs - transfer.issuedAtMs > Math.min(transfer.validForMs, transferValidForMs))
    return refusedOrder('expiredOrder', `a transfer to ${transfer.to} that was signed longer ago than it is valid`);
  if (!isSameBody(transfer.robotType, robotType))
    return refusedOrder(
      'wrongRobotType',
      `expected a policy for ${bodyName(robotType)}, got a transfer to ${transfer.to} for ${bodyName(transfer.robotType)}`,
    );
  const { policy } = state;
  if (!transfer.from.includes(policy))
    return refusedOrder('wrongPolicy', `expected a transfer from ${policy}, got one from ${transfer.from.join(', ')}`);
  return { kind: 'take', transfer, state: transferred(state, policy, transfer) };
}

function signerProblem(
  envelope: Envelope,
  { issuedAtMs, epoch }: Transfer,
  root: Root,
  { crypto }: OrderFacts,
): Refused | undefined {
  for (const { keyId } of envelope.signatures) {
    const verdict = orderKeyFor(root, keyId, issuedAtMs);
    if (!('key' in verdict) || countSigners(envelope, [verdict.key], crypto) !== 1) continue;
    return verdict.key.epoch === epoch
      ? undefined
      : refusedOrder('forgedOrder', `expected a transfer of epoch ${verdict.key.epoch}, got ${epoch}`);
  }
  return envelope.signatures.some(({ keyId }) => isRevoked(root, keyId))
    ? refusedOrder('revokedKey', 'a transfer by a key that is revoked')
    : refusedOrder('forgedOrder', 'expected a transfer as an order key signed it, got another');
}

const numberOf = ({ epoch, seq, issuedAtMs }: Transfer) => ({ epoch, seq, issuedAtMs });

/** Follows the other policy; what was held of each is remembered by policy. */
function transferred(state: TrustState, policy: string, transfer: Transfer): TrustState {
  const { held, left } = state;
  const { to } = transfer;
  const others = left.filter((each) => each.policy !== policy && each.policy !== to);
  return {
    ...state,
    policy: to,
    held: left.find((each) => each.policy === to)?.held ?? null,
    left: [...others, ...(held === null ? [] : [{ policy, held }])].slice(-mostRemembered),
    transfer: numberOf(transfer),
  };
}

/**
 * Judges an answer by facts that a transfer may have changed; `policy`: the one followed without it. The transfer is taken with an order of the
 * other policy, or not at all: a robot never follows a policy of which it has no order. What was signed before the transfer says
 * nothing of what holds now.
 */
export function judgeUnderTransfer(word: Word, root: Root, facts: OrderFacts, policy: string | null): OrderVerdict {
  const { transfer, policy: followed } = facts.state;
  if (transfer === null || policy === null || followed === policy) return judgeOrder(word, root, facts);
  // The transfer was judged by the clock, so its epoch does not begin time anew.
  const verdict = judgeOrder(word, root, { ...facts, movedInEpoch: transfer.epoch });
  if (verdict.kind === 'renewed') return { kind: 'askAgain' };
  if (verdict.kind !== 'obey') return verdict;
  return sealedAtMs(word) < transfer.issuedAtMs - lateMs
    ? refusedOrder(
        'replayedOrder',
        `expected an order of ${followed} signed after the transfer to it, got one before`,
        {
          seq: verdict.order.seq,
          version: verdict.order.model.version,
        },
      )
    : verdict;
}

const sealedAtMs = ({ envelope }: Word): number => {
  const sealed = sealSchema.safeParse(envelope.signed);
  return sealed.success ? sealed.data.issuedAtMs : 0;
};
