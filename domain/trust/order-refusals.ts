/** What a robot refused to obey, by the attack it looks like. A gateway that is merely old or late can look like one too. */
export const orderRefusals = [
  /** An order without a signature, though this fleet signs its orders: forged, or a gateway that knows none yet. */
  'unsignedOrder',
  /** A signature or proof that does not hold. */
  'forgedOrder',
  /** An order that was overtaken by another one this robot has seen: replay, rollback. */
  'replayedOrder',
  /** A true order, signed too long ago: freeze. */
  'expiredOrder',
  /** Two different orders under one number, or a manifest that is not the one that was ordered: mix and match. */
  'mixedOrder',
  'wrongRobot',
  'wrongPolicy',
  'wrongRobotType',
  /** A candidate that nobody would take back. */
  'unleasedCandidate',
  /** Signed by a key that is revoked. */
  'revokedKey',
  /** A root document that does not follow from the one this robot trusts. */
  'forgedRoot',
  /** An answer that does not end. */
  'endlessData',
  /** Nothing fresh was signed for a day or longer, though gateways answer: freeze, or a desk that is down. */
  'noFreshOrder',
] as const;
export type OrderRefusal = (typeof orderRefusals)[number];
export const isOrderRefusal = (reason: string): reason is OrderRefusal =>
  orderRefusals.some((refusal) => refusal === reason);
