import { z } from 'zod';

import type { OrderSigner } from '../../policies/signer.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  instantMsSchema,
  mostFormerPolicies,
  robotIdSchema,
  transferSchema,
  transferValidForMs,
  type Transfer,
} from '../protocol/index.ts';
import { fleetKeys } from './keys.ts';
import { orderedNow } from './robot-orders.ts';
import { changeRobot, keeping, mostMoves, requireRobot, type RobotChange, type RobotRecord } from './robots.ts';

const agentNoteSchema = z.object({
  robotId: robotIdSchema,
  agentVersion: z.string().max(100),
  /** Whether it would take a transfer to another policy; agents of earlier versions refuse every order of one. */
  knowsTransfers: z.boolean(),
  /** When it said so first, by the gateway's clock. */
  atMs: instantMsSchema,
});
/** `agents/<robotId>.json`: what a robot's agent said of itself in its last handshake. Unsigned: it says what to try, not what is true. */
export type AgentNote = z.infer<typeof agentNoteSchema>;

export const writeAgentNote = (store: ObjectStore, note: AgentNote): Promise<void> =>
  store.put(fleetKeys.agent(note.robotId), jsonBytes(note));

export const readAgentNote = (store: ObjectStore, robotId: string): Promise<AgentNote | undefined> =>
  readJson(store, fleetKeys.agent(robotId), agentNoteSchema);

export interface TransferChange extends RobotChange {
  readonly to: string;
  /** The robot's own, which the other policy must serve. */
  readonly robotType: Transfer['robotType'];
}

/**
 * Puts a robot to another policy: its record says so, and carries the word of the order key without which the robot would obey nobody else.
 * For a robot that was moved there already the word is signed anew, should it have been away for longer than one is valid. `Conflict` where
 * it never had another policy, or has another robot type; `KeysUnavailable` without the order key.
 */
export async function transferRobot(
  ports: { readonly store: ObjectStore; readonly clock: Clock; readonly orders: OrderSigner },
  { to, robotType, ...change }: TransferChange,
): Promise<RobotRecord> {
  const before = await requireRobot(ports.store, change.robotId);
  const keeps = before.isQuarantined ? await orderedNow(ports, { ...before, policy: to }) : undefined;
  return changeRobot(ports, change, (now) => {
    const { robotId, policy, moves = [] } = now;
    if (now.robotType.id !== robotType.id || now.robotType.version !== robotType.version)
      throw failure(
        'Conflict',
        `expected a transfer for robots of type ${now.robotType.id}@${now.robotType.version}, got ${to} for ${robotType.id}@${robotType.version}`,
        { coordinates: { robotId } },
      );
    const last = trustedTransfer(now, ports.orders);
    if (policy === to && last === undefined)
      throw failure('Conflict', 'expected another policy, got the robot’s current one', {
        coordinates: { robotId, policy },
      });
    const nowMs = ports.clock();
    const from = [...new Set([...(last?.from ?? []), policy])].filter((name) => name !== to);
    const transfer: Transfer = {
      kind: 'flywheel.transfer/1',
      robotId,
      from: from.slice(-mostFormerPolicies),
      to,
      robotType,
      epoch: ports.orders.epoch,
      // By the clock, so that a number is never given again although the store was set back.
      seq: Math.max(nowMs, (last?.seq ?? 0) + 1),
      issuedAtMs: nowMs,
      validForMs: transferValidForMs,
    };
    const move = policy === to ? [] : [{ from: policy, to, atMs: nowMs }];
    return {
      policy: to,
      ...keeping(now, keeps),
      moves: [...moves, ...move].slice(-mostMoves),
      transfer: ports.orders.sign(transfer, nowMs),
    };
  });
}

/** The transfer in a record, if an order key that counts signed it: a store is not to be believed. */
function trustedTransfer({ robotId, transfer }: RobotRecord, orders: OrderSigner): Transfer | undefined {
  if (transfer === undefined) return undefined;
  const parsed = transferSchema.safeParse(transfer.signed);
  if (!parsed.success || parsed.data.robotId !== robotId) return undefined;
  return orders.trusts({ signed: transfer.signed, signatures: transfer.signatures }, parsed.data.issuedAtMs)
    ? parsed.data
    : undefined;
}
