import { z } from 'zod';

import { writeLogEntry } from '../../store/append-log.ts';
import { failure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { durationMsSchema, instantMsSchema, policyNameSchema, seqSchema, trialIdSchema } from '../protocol/index.ts';
import { parse } from './parse.ts';
import { closedTrialOf } from './assignment-log.ts';
import { assignmentReader, type AssignmentReader } from './assignment-reader.ts';
import { assignmentRecordSchema, type AssignmentRecord } from './assignment-record.ts';
import { fleetKeys, logKey } from './keys.ts';
import { defaultLeaseMs, writeLease } from './lease.ts';
import { orderSealer, type SealerPorts, type SealOutcome } from './order-sealer.ts';

export interface WriteAssignmentInput {
  readonly policy: string;
  /** Position in the log that the caller decided on: one after the last it has seen. */
  readonly seq: number;
  readonly record: AssignmentRecord;
}

/**
 * `written`: this record stands at this seq, now or since an earlier attempt · `conflict`: another one does, read again and
 * decide anew · `refused`: the record names a trial that is closed, nothing was written.
 */
export type WriteAssignmentResult =
  | { readonly kind: 'written'; readonly seq: number }
  | { readonly kind: 'conflict'; readonly existingSeq: number }
  | { readonly kind: 'refused'; readonly closedTrialId: string };

export interface RenewLeaseInput {
  readonly policy: string;
  readonly trialId: string;
  /** When the caller decided to renew: a stalled attempt cannot stretch a lease beyond what was meant. */
  readonly atMs: number;
  /** Default 30 min. */
  readonly leaseMs?: number;
}

export type RenewLeaseResult =
  | { readonly kind: 'renewed'; readonly endMs: number }
  | { readonly kind: 'refused'; readonly closedTrialId: string };

/** What a workflow may do to the fleet. Every method is safe to repeat with the same input. */
export interface FleetDesk {
  /** Puts a snapshot (`assign`) or the end of a trial (`closeTrial`) at the seq the caller chose. Never re-reads and retries. */
  write(input: WriteAssignmentInput): Promise<WriteAssignmentResult>;
  renewLease(input: RenewLeaseInput): Promise<RenewLeaseResult>;
  /** Says by a fresh signature that what was ordered still holds; `undefined` where orders are not signed. */
  refreshOrders(policy: string): Promise<SealOutcome | undefined>;
  /** What robots are ordered now, in one line for a person. */
  describeOrders(policy: string): Promise<string>;
  /** Signs what the assignment log says now, whoever wrote it: a person has looked at it. */
  adoptOrders(policy: string): Promise<SealOutcome | undefined>;
}

/** With `sealing`, orders go out signed. */
export interface DeskPorts {
  readonly store: ObjectStore;
  readonly sealing?:
    | (Pick<SealerPorts, 'clock' | 'signer' | 'orders'> & { readonly onUnsealed: (why: string) => void })
    | undefined;
}

const writeSchema: z.ZodType<WriteAssignmentInput> = z.strictObject({
  policy: policyNameSchema,
  seq: seqSchema,
  record: assignmentRecordSchema,
});

const renewSchema = z.strictObject({
  policy: policyNameSchema,
  trialId: trialIdSchema,
  atMs: instantMsSchema,
  leaseMs: durationMsSchema.min(1_000).default(defaultLeaseMs),
});

/** The one writer of assignments and leases. Holds nothing but a reading of the log, which never changes behind it. */
export function openDesk(ports: DeskPorts): FleetDesk {
  const { store, sealing } = ports;
  const readers = new Map<string, AssignmentReader>();
  const stateOf = (policy: string) => {
    const reader = readers.get(policy) ?? assignmentReader(store, policy);
    readers.set(policy, reader);
    return reader.read();
  };
  const sealer = sealing === undefined ? undefined : orderSealer({ ...sealing, store, readAssignments: stateOf });
  /** What is decided is written, signed or not: what cannot be signed is told, and the monitor goes on telling. */
  const told = async (sealed: Promise<SealOutcome> | undefined): Promise<void> => {
    const outcome = await sealed;
    if (outcome?.kind === 'unsealed') sealing?.onUnsealed(outcome.why);
  };

  return {
    refreshOrders: async (policy) => sealer?.refresh(parse(policyNameSchema, policy)),
    async describeOrders(policy) {
      const { current } = await stateOf(parse(policyNameSchema, policy));
      if (current === undefined) return 'the champion of the alias log, for every robot';
      const { defaultVersion, overrides, operationId, who, why } = current.record;
      const others = overrides.map(({ version, robotIds }) => `, ${version} for ${robotIds.length}`).join('');
      return `${defaultVersion} for every robot${others}; ${operationId} by ${who}: ${why}`;
    },
    adoptOrders: async (policy) => sealer?.adopt(parse(policyNameSchema, policy)),
    async write(input) {
      const { policy, seq, record } = parse(writeSchema, input);
      const log = fleetKeys.assignmentLog(policy);
      const state = await stateOf(policy);
      if (seq > state.seq + 1)
        throw failure('InvalidInput', `expected seq ${state.seq + 1} at most, one after the last record, got ${seq}`, {
          coordinates: { log },
        });
      if (seq === state.seq + 1) {
        const closedTrialId = closedTrialOf(state, record);
        if (closedTrialId !== undefined) return { kind: 'refused', closedTrialId };
        if ((await writeLogEntry(store, log, seq, record)) === 'created') {
          await told(sealer?.sealAssignment(policy, seq, record));
          return { kind: 'written', seq };
        }
      }
      const standing = await readJson(store, logKey(log, seq), assignmentRecordSchema);
      const isSame = standing !== undefined && canonicalJson(standing) === canonicalJson(record);
      if (!isSame) return { kind: 'conflict', existingSeq: seq };
      // An earlier attempt may have died before it signed.
      if ((await stateOf(policy)).current?.seq === seq) await told(sealer?.sealAssignment(policy, seq, record));
      return { kind: 'written', seq };
    },

    async renewLease(input) {
      const { policy, trialId, atMs, leaseMs } = parse(renewSchema, input);
      if ((await stateOf(policy)).closedTrialIds.has(trialId)) return { kind: 'refused', closedTrialId: trialId };
      const { endMs } = await writeLease(store, policy, { trialId, renewedAtMs: atMs, endMs: atMs + leaseMs });
      // Signed is what was decided, not what was found in the store.
      await told(sealer?.renewLease(policy, trialId, atMs + leaseMs));
      return { kind: 'renewed', endMs };
    },
  };
}
