import { z } from 'zod';

import { instantMsSchema, policyVersionSchema, robotIdSchema, trialIdSchema, urgencies } from '../protocol/index.ts';

const overrideSchema = z.strictObject({
  version: policyVersionSchema,
  trialId: trialIdSchema,
  urgency: z.enum(urgencies),
  robotIds: z.array(robotIdSchema).min(1).max(10_000).readonly(),
});

/** What every robot of a policy should run, whole: a reader needs no earlier record to know it. */
const snapshotShape = {
  /** What robots without an override run. */
  defaultVersion: policyVersionSchema,
  /** Where every robot goes when a lease ends. */
  championVersion: policyVersionSchema,
  /** Trial that the default is on; null when the default is the champion. */
  trialId: trialIdSchema.nullable(),
  /** How robots take the default. */
  urgency: z.enum(urgencies),
  overrides: z.array(overrideSchema).max(100).readonly(),
};

const originShape = {
  /** Names the decision, e.g. `trial/wall/rollout#17`; kept for people. */
  operationId: z.string().min(1).max(200),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
  /** When it was decided, by the decider's clock: the same on every attempt. */
  atMs: instantMsSchema,
};

/** One entry of `fleet/<policy>/assignments/<seq>.json`. `closeTrial` is a snapshot too, and ends its trial for good. */
export const assignmentRecordSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('assign'), ...snapshotShape, ...originShape }),
    z.strictObject({ kind: z.literal('closeTrial'), closedTrialId: trialIdSchema, ...snapshotShape, ...originShape }),
  ])
  .superRefine((record, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    const isTried = record.defaultVersion !== record.championVersion;
    if (isTried !== (record.trialId !== null))
      refuse('expected a trialId exactly when the default is not the champion');
    const robots = record.overrides.flatMap(({ robotIds }) => robotIds);
    if (new Set(robots).size !== robots.length) refuse('expected every robot in one override at most');
    if (record.kind === 'closeTrial' && trialsOf(record).has(record.closedTrialId))
      refuse('expected a snapshot that does not name the trial it closes');
  });

export type AssignmentRecord = z.infer<typeof assignmentRecordSchema>;
export type AssignmentOverride = AssignmentRecord['overrides'][number];
/** What a record says of robots, without where it comes from. */
export type AssignmentSnapshot = Pick<
  AssignmentRecord,
  'defaultVersion' | 'championVersion' | 'trialId' | 'urgency' | 'overrides'
>;

/** Every trial that the snapshot puts robots on. */
export const trialsOf = (record: Pick<AssignmentRecord, 'trialId' | 'overrides'>): ReadonlySet<string> =>
  new Set([...record.overrides.map(({ trialId }) => trialId), ...(record.trialId === null ? [] : [record.trialId])]);
