import type { Order } from './assignment-log.ts';
import type { RobotView } from './fleet-view.ts';

/** A robot that has an order it may not follow yet: the update windows of its site are closed. */
export interface WindowWait {
  readonly robotId: string;
  readonly site: string;
  readonly opensMs: number;
}

/** What of an order says whether it waits. */
export type OrderAsked = Pick<Order, 'version'> & Partial<Pick<Order, 'championVersion' | 'urgency'>>;

/** When the windows of the robot's site open for this order; undefined where it does not wait for them. The robot's own rule decides: this tells people what it does. */
export function windowWait(
  { robotId, site, version, closedUntilMs, lastInstall }: RobotView,
  order: OrderAsked | undefined,
): WindowWait | undefined {
  if (closedUntilMs === undefined || version === null || order === undefined || version === order.version)
    return undefined;
  const runsCandidate = lastInstall?.report.version === version && lastInstall.report.trialId !== null;
  const isWayBack = runsCandidate && order.version === order.championVersion;
  return order.urgency === 'safeStop' || isWayBack ? undefined : { robotId, site, opensMs: closedUntilMs };
}

/** `2 of 8 wait for their window at site hall, opens 2026-11-26T21:00Z`, one sentence a site; empty for nobody. */
export function describeWaits(waits: readonly WindowWait[], robots: number): readonly string[] {
  const bySite = new Map<string, { readonly opensMs: number; count: number }>();
  for (const { site, opensMs } of waits) {
    const found = bySite.get(site) ?? { opensMs, count: 0 };
    found.count += 1;
    bySite.set(site, found);
  }
  return [...bySite].map(
    ([site, { count, opensMs }]) =>
      `${count} of ${robots} wait for their window at site ${site}, opens ${new Date(opensMs).toISOString().slice(0, 16)}Z`,
  );
}
