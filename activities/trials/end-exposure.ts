import { z } from 'zod';

import { trialsOf, type Fleet, type AssignmentRecord, type AssignmentSnapshot } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';

const inputSchema = z.strictObject({
  policy: z.string(),
  /** Trial to close; undefined: none, only the version changes. */
  trialId: z.string().optional(),
  /** What everybody runs afterwards, as champion. */
  version: z.string(),
  /** Also changes a fleet that no longer runs this trial. Without it, a record of somebody else stays as it is. */
  isForced: z.boolean().default(false),
  /** Place in the assignment log the workflow decided on. */
  seq: z.int().min(0),
  urgency: z.enum(['whenIdle', 'safeStop']),
  operationId: z.string(),
  who: z.string(),
  why: z.string(),
  atMs: z.int(),
});
export type EndExposureInput = z.input<typeof inputSchema>;

export type EndExposureResult = { readonly kind: 'written'; readonly seq: number } | { readonly kind: 'conflict' };

/**
 * Ends a trial for good, everybody on one version: later records of the trial are ignored. What somebody else assigned
 * meanwhile stays. Idempotent by (policy, seq, content); a place that is taken is `conflict`: read again, decide anew.
 */
export const endExposure =
  (ports: { fleet: Fleet }) =>
  async (given: EndExposureInput): Promise<EndExposureResult> => {
    const input = parseActivityInput('endExposure', inputSchema, given);
    const { policy, seq, trialId } = input;
    const log = await ports.fleet.readAssignments(policy);
    const { current } = log;
    const mine =
      input.isForced || current === undefined || trialId === undefined || trialsOf(current.record).has(trialId);
    // Records before `seq` never change, so an attempt that comes again builds the same record or finds its place taken.
    const isAhead = log.seq >= seq;
    const snapshot: AssignmentSnapshot =
      mine || isAhead || current === undefined
        ? {
            defaultVersion: input.version,
            championVersion: input.version,
            trialId: null,
            urgency: input.urgency,
            overrides: [],
          }
        : snapshotOf(current.record);
    const origin = { operationId: input.operationId, who: input.who, why: input.why.slice(0, 500), atMs: input.atMs };
    const record: AssignmentRecord =
      trialId === undefined
        ? { kind: 'assign', ...snapshot, ...origin }
        : { kind: 'closeTrial', closedTrialId: trialId, ...snapshot, ...origin };
    const outcome = await ports.fleet.write({ policy, seq, record });
    return outcome.kind === 'written' ? outcome : { kind: 'conflict' };
  };

const snapshotOf = ({
  defaultVersion,
  championVersion,
  trialId,
  urgency,
  overrides,
}: AssignmentSnapshot): AssignmentSnapshot => ({
  defaultVersion,
  championVersion,
  trialId,
  urgency,
  overrides,
});
