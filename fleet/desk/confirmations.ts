import type { FleetView, RobotView } from './fleet-view.ts';
import { windowWait, type OrderAsked, type WindowWait } from './window-waits.ts';

/** Where every robot stands towards its order; each robot is in exactly one list, in order of id. */
export interface Confirmations {
  /** Position of the record the orders come from. */
  readonly seq: number;
  /** Holds this order or a later one, and runs what it says. */
  readonly confirmed: readonly string[];
  /** Online, and may not follow it yet: the update windows of their site are closed. */
  readonly windowed: readonly WindowWait[];
  /** Online and not there yet. */
  readonly waiting: readonly string[];
  /** Online, and said that it cannot do it. */
  readonly failed: readonly { readonly robotId: string; readonly reason: string }[];
  /** Have a body that nothing serves: they have no order. Absent where there is none. */
  readonly unserved?: readonly string[];
  /** Silent or unknown: the order waits for them. */
  readonly offline: readonly string[];
}

/**
 * Compares what robots run with what they were ordered. Running the right version is not enough: a robot that does not hold
 * the order yet may still be about to follow an older one.
 */
export function confirmOrders(
  view: FleetView,
  order: { readonly seq: number; readonly of: (robotId: string) => OrderAsked | undefined },
): Confirmations {
  const confirmed: string[] = [];
  const waiting: string[] = [];
  const offline: string[] = [];
  const windowed: WindowWait[] = [];
  const unserved: string[] = [];
  const failed: { robotId: string; reason: string }[] = [];
  for (const robot of view.robots) {
    const { robotId, heldSeq, version, contact } = robot;
    const reason = failureReason(robot, order.seq);
    const asked = order.of(robotId);
    const wait = windowWait(robot, asked);
    if (asked === undefined) unserved.push(robotId);
    else if (heldSeq !== null && heldSeq >= order.seq && version === asked.version) confirmed.push(robotId);
    else if (contact !== 'online') offline.push(robotId);
    else if (reason !== undefined) failed.push({ robotId, reason });
    else if (wait !== undefined) windowed.push(wait);
    else waiting.push(robotId);
  }
  const none = unserved.length === 0 ? {} : { unserved };
  return { seq: order.seq, confirmed, windowed, waiting, failed, ...none, offline };
}

function failureReason({ lastInstall }: RobotView, seq: number): string | undefined {
  if (lastInstall === null) return undefined;
  const { outcome, reason, assignmentSeq } = lastInstall.report;
  return outcome !== 'installed' && (assignmentSeq ?? -1) >= seq ? reason : undefined;
}
