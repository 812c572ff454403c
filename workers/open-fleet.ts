import type { RobotStanding } from '../activities/collection/waiting.ts';
import type { Fleet, TelemetryLog } from '../activities/fleet-port.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import {
  changeRobot,
  openDesk,
  openFleetReader,
  readLease,
  readRobots,
  readTelemetryObject,
  telemetryKeys,
  type AssignmentRecord,
  type DeskPorts,
} from '../fleet/desk/index.ts';

/** The desk and the fleet's state in the object store, as activities ask for them. */
export function openFleet(ports: { readonly clock: Clock } & DeskPorts): Fleet {
  const desk = openDesk(ports);
  const reader = openFleetReader(ports);
  return {
    write: (input) => desk.write({ ...input, record: structuredClone(input.record) as AssignmentRecord }),
    renewLease: (input) => desk.renewLease(input),
    refreshOrders: (policy) => desk.refreshOrders(policy),
    readLeaseEnd: async (policy, trialId) => (await readLease(ports.store, policy, trialId))?.endMs,
    readAssignments: (policy) => reader.readAssignments(policy),
    readFleet: (policy) => reader.readFleet(policy),
    readConfirmations: (policy) => reader.readConfirmations(policy),
    quarantineRobot: async ({ robotId, who, why }) => {
      await changeRobot(ports, { robotId, who, why }, () => ({ isQuarantined: true }));
    },
  };
}

/** Who may be learned from, by what the desk has registered. */
export async function robotStandings(store: ObjectStore): Promise<ReadonlyMap<string, RobotStanding>> {
  const robots = await readRobots(store);
  return new Map(
    [...robots].map(([robotId, { isQuarantined, tokenHashes }]) => [
      robotId,
      isQuarantined ? 'quarantined' : tokenHashes.length === 0 ? 'revoked' : 'welcome',
    ]),
  );
}

export const openTelemetry = (store: ObjectStore): TelemetryLog => ({
  keys: (policy, startMs, endMs) => telemetryKeys(store, policy, startMs, endMs),
  read: (key, onDamage) => readTelemetryObject(store, key, onDamage),
});
