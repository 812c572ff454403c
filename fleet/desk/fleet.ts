import type { Clock } from '../../store/clock.ts';
import { openDesk, type DeskPorts, type FleetDesk } from './desk.ts';
import { openFleetReader, type FleetReader } from './fleet-reader.ts';
import { readLease } from './lease.ts';
import { quarantineFaultyRobot } from './robot-life.ts';
import type { RobotChange } from './robots.ts';

/** One fleet as activities use it: what may be ordered and what may be asked. Every method is safe to repeat with the same input. */
export interface Fleet
  extends
    Pick<FleetDesk, 'write' | 'renewLease' | 'refreshOrders'>,
    Pick<FleetReader, 'readAssignments' | 'readFleet' | 'readConfirmations'> {
  /** When the lease of a trial ends; undefined without one. */
  readLeaseEnd(policy: string, trialId: string): Promise<number | undefined>;
  /** Takes a robot out of trials and out of what is learned. `NotFound` when it was never added. */
  quarantineRobot(change: RobotChange): Promise<void>;
}

export function openFleet(ports: { readonly clock: Clock } & DeskPorts): Fleet {
  return {
    ...openDesk(ports),
    ...openFleetReader(ports),
    readLeaseEnd: async (policy, trialId) => (await readLease(ports.store, policy, trialId))?.endMs,
    quarantineRobot: (change) => quarantineFaultyRobot(ports, change),
  };
}
