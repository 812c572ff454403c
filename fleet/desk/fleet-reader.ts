import type { DamagedObject, OnDamage } from '../../store/damaged-objects.ts';
import { readAliases } from '../../store/records/aliases.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { AssignmentState, Order } from './assignment-log.ts';
import { assignmentReader, type AssignmentReader } from './assignment-reader.ts';
import { confirmOrders, type Confirmations } from './confirmations.ts';
import { viewFleet, type FleetView, type ViewLimits } from './fleet-view.ts';
import { installReader, type InstallReader } from './install-log.ts';
import { readPresences } from './presence.ts';
import { ordersUnder } from './robot-orders.ts';
import { readRobots, type RobotRecord } from './robots.ts';
import { openBodyFacts } from './body-facts.ts';
import { closedSites, followWindows } from './windows.ts';

/** What workflows and people may ask about a fleet. Nothing here writes. */
export interface FleetReader {
  /** The assignment log folded; `current` undefined before the first assignment. */
  readAssignments(policy: string): Promise<AssignmentState>;
  /** Every registered robot of the policy: contact, what it runs, its last install report. */
  readFleet(policy: string): Promise<FleetView & { readonly damaged: readonly DamagedObject[] }>;
  /** Each robot's order now, undefined for one with a body that nothing serves; undefined before the first assignment. */
  readOrders(policy: string): Promise<((robotId: string) => Order | undefined) | undefined>;
  /**
   * One look at who follows the current order; undefined before the first assignment. A caller that waits asks again, and
   * sees by `seq` when somebody assigned anew.
   */
  readConfirmations(policy: string): Promise<Confirmations | undefined>;
}

export function openFleetReader(
  ports: { readonly store: ObjectStore; readonly clock: Clock },
  limits?: ViewLimits,
): FleetReader {
  const { store, clock } = ports;
  const readers = new Map<string, AssignmentReader>();
  const seenRobots = new Map<string, RobotRecord>();
  const installReaders = new Map<string, InstallReader>();
  const windows = followWindows(store);
  const bodyFacts = openBodyFacts(store);

  async function readAssignments(policy: string): Promise<AssignmentState> {
    const reader = readers.get(policy) ?? assignmentReader(store, policy);
    readers.set(policy, reader);
    return reader.read();
  }

  async function robotsOf(policy: string, onDamage?: OnDamage): Promise<readonly RobotRecord[]> {
    const robots = await readRobots(store, seenRobots, onDamage ?? (() => undefined));
    return [...robots.values()].filter((robot) => robot.policy === policy);
  }

  async function readFleet(policy: string): Promise<FleetView & { readonly damaged: readonly DamagedObject[] }> {
    const damaged: DamagedObject[] = [];
    const onDamage: OnDamage = (object) => damaged.push(object);
    const everybody = [...(await readRobots(store, seenRobots, onDamage)).values()];
    const robots = everybody.filter((robot) => robot.policy === policy);
    const moved = movedFrom(policy, everybody);
    const installs = installReaders.get(policy) ?? installReader(store, policy);
    installReaders.set(policy, installs);
    const presences = await readPresences(store, policy, onDamage);
    const lastInstalls = await installs.read(
      robots.map(({ robotId }) => robotId),
      onDamage,
    );
    const nowMs = clock();
    const closedUntil = closedSites(await windows(onDamage), nowMs);
    const { current } = await readAssignments(policy);
    const champion = current?.record.championVersion ?? (await readAliases({ store })({ policy })).champion;
    const notServed = champion === undefined ? undefined : await bodyFacts.notServed(policy, champion, robots);
    const bodies = notServed === undefined ? {} : { notServed };
    const facts = { robots, presences, installs: lastInstalls, moved, nowMs, closedUntil, ...bodies };
    return { ...viewFleet(facts, limits), damaged };
  }

  async function readOrders(policy: string): Promise<((robotId: string) => Order | undefined) | undefined> {
    const { current } = await readAssignments(policy);
    if (current === undefined) return undefined;
    return ordersUnder({ store, clock, bodyFacts }, policy, current, await robotsOf(policy));
  }

  return {
    readAssignments,
    readFleet,
    readOrders,
    async readConfirmations(policy) {
      const { current } = await readAssignments(policy);
      const orders = await readOrders(policy);
      if (current === undefined || orders === undefined) return undefined;
      return confirmOrders(await readFleet(policy), { seq: current.seq, of: orders });
    },
  };
}

/** Robots that left the policy for another one, and when. */
const movedFrom = (policy: string, robots: readonly RobotRecord[]): FleetView['moved'] =>
  robots.flatMap(({ robotId, moves = [] }) =>
    moves.flatMap(({ from, atMs }) => (from === policy ? [{ robotId, atMs }] : [])),
  );
