import { z } from 'zod';

import { chooseRollback, type RollbackChoice } from '../../domain/trial/index.ts';
import { aliasesAt } from '../../domain/registry/index.ts';
import { trialsOf, type Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';

const stateSchema = z.strictObject({ policy: z.string(), trialId: z.string() });

export interface TrialState {
  /** Last record of the assignment log; -1 for none. */
  readonly seq: number;
  readonly isClosed: boolean;
}

/** Where the assignment log ends, and whether a trial is closed. Only reads. */
export const readTrialState =
  (ports: { fleet: Fleet }) =>
  async (given: z.input<typeof stateSchema>): Promise<TrialState> => {
    const { policy, trialId } = parseActivityInput('readTrialState', stateSchema, given);
    const { seq, closedTrialIds } = await ports.fleet.readAssignments(policy);
    return { seq, isClosed: closedTrialIds.has(trialId) };
  };

const rollbackSchema = z.strictObject({ policy: z.string(), target: z.string().optional() });

export interface PlanRollbackResult {
  readonly seq: number;
  /** Trial whose robots run a candidate now. */
  readonly openTrialId: string | null;
  readonly choice: RollbackChoice;
}

/** Decides where a rollback goes from what the fleet runs now. Only reads; `NotFound` for a policy that does not exist. */
export const planRollback =
  (ports: { store: ObjectStore; fleet: Fleet }) =>
  async (given: z.input<typeof rollbackSchema>): Promise<PlanRollbackResult> => {
    const { policy, target } = parseActivityInput('planRollback', rollbackSchema, given);
    const { seq, current } = await ports.fleet.readAssignments(policy);
    const history = await readAliasHistory(ports)({ policy });
    // Of a policy that nobody knows there is nothing to take back, and that is said as what it is.
    if (current === undefined && history.length === 0) await readPolicyDocument(ports.store, policy);
    const openTrialId = current === undefined ? undefined : [...trialsOf(current.record)][0];
    const choice = chooseRollback({
      target,
      history,
      openTrialId,
      aliases: aliasesAt(history),
      assigned: current?.record,
    });
    return { seq, openTrialId: openTrialId ?? null, choice };
  };
