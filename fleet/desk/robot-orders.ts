import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { ordersOf, type LoggedAssignment, type Order } from './assignment-log.ts';
import { assignmentReader } from './assignment-reader.ts';
import { trialsOf } from './assignment-record.ts';
import { openBodyFacts, type BodyFacts } from './body-facts.ts';
import { readLease } from './lease.ts';
import type { Quarantine, RobotRecord } from './robots.ts';

interface OrderPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** Each robot's order under a record, with the leases as they are now. */
export async function ordersUnder(
  { store, clock, bodyFacts }: OrderPorts & { readonly bodyFacts: BodyFacts },
  policy: string,
  entry: LoggedAssignment,
  robots: readonly RobotRecord[],
): Promise<(robotId: string) => Order | undefined> {
  const leaseEnds = new Map<string, number>();
  for (const trialId of trialsOf(entry.record)) {
    const lease = await readLease(store, policy, trialId);
    if (lease !== undefined) leaseEnds.set(trialId, lease.endMs);
  }
  const asked = ordersOf(entry, (trialId) => leaseEnds.get(trialId));
  const fitted = await bodyFacts.orders(policy, entry.record, robots);
  return (robotId) => fitted(robotId, asked(robotId, clock()));
}

/**
 * What a robot with this record is ordered now, as its quarantine keeps it: the alias where nothing was assigned yet. Undefined where the policy has no
 * champion, or none that serves its body.
 */
export async function orderedNow({ store, clock }: OrderPorts, robot: RobotRecord): Promise<Quarantine['keeps']> {
  const { policy, robotId } = robot;
  const bodyFacts = openBodyFacts(store);
  const { current } = await assignmentReader(store, policy).read();
  const { champion } = await readAliases({ store })({ policy });
  const order =
    current === undefined
      ? await championOf({ bodyFacts, policy, champion, robot })
      : (await ordersUnder({ store, clock, bodyFacts }, policy, current, [robot]))(robotId);
  if (order === undefined) return undefined;
  const { version, championVersion, trialId } = order;
  return { policy, version, trialId: version === championVersion ? null : trialId, atMs: clock() };
}

async function championOf({
  bodyFacts,
  policy,
  champion,
  robot,
}: {
  readonly bodyFacts: BodyFacts;
  readonly policy: string;
  readonly champion: string | undefined;
  readonly robot: RobotRecord;
}): Promise<Order | undefined> {
  if (champion === undefined) return undefined;
  const version = { version: champion, championVersion: champion };
  const order: Order = { ...version, seq: -1, trialId: null, urgency: 'whenIdle', leaseRemainingMs: null };
  const record = { championVersion: champion, defaultVersion: champion, overrides: [], operationId: '' };
  return (await bodyFacts.orders(policy, record, [robot]))(robot.robotId, order);
}
