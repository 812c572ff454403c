import { z } from 'zod';

import { chooseRollback, undoneOrder, type RollbackChoice } from '../../domain/trial/index.ts';
import { aliasesAt } from '../../domain/registry/index.ts';
import { trialsOf, type Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import { readUndo, type PolicyLogs, type UndoPorts } from './read-undo.ts';

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

const rollbackSchema = z.strictObject({
  policy: z.string(),
  target: z.string().optional(),
  /** Who asks, where it makes a difference: to undo a rollback. */
  who: z.string().optional(),
});

export interface PlanRollbackResult {
  readonly seq: number;
  /** Trial whose robots run a candidate now. */
  readonly openTrialId: string | null;
  readonly choice: RollbackChoice;
}

/** Decides where a rollback goes from what the fleet runs now. Only reads; `NotFound` for a policy that does not exist. */
export const planRollback =
  (ports: UndoPorts & { readonly fleet: Fleet }) =>
  async (given: z.input<typeof rollbackSchema>): Promise<PlanRollbackResult> => {
    const { policy, target, who = '' } = parseActivityInput('planRollback', rollbackSchema, given);
    const log = await ports.fleet.readAssignments(policy);
    const { seq, current } = log;
    const history = await readAliasHistory(ports)({ policy });
    // Of a policy that nobody knows there is nothing to take back, and that is said as what it is.
    if (current === undefined && history.length === 0) await readPolicyDocument(ports.store, policy);
    const openTrialId = current === undefined ? undefined : [...trialsOf(current.record)][0];
    const order = undoneOrder(target);
    if (order !== undefined) {
      const choice = await chooseUndo(ports, { policy, log, history }, { order, who });
      return { seq, openTrialId: openTrialId ?? null, choice };
    }
    const choice = chooseRollback({
      target,
      history,
      openTrialId,
      aliases: aliasesAt(history),
      assigned: current?.record,
    });
    return { seq, openTrialId: openTrialId ?? null, choice };
  };

async function chooseUndo(
  ports: UndoPorts,
  logs: PolicyLogs,
  asked: { readonly order: number; readonly who: string },
): Promise<RollbackChoice> {
  const undo = await readUndo(ports, logs, asked);
  return undo.kind === 'no'
    ? { kind: 'nothing', reason: undo.reason }
    : {
        kind: 'assign',
        version: undo.version,
        reason: `undoes the rollback of order ${asked.order}: back to ${undo.version}`,
      };
}
