import { createHash } from 'node:crypto';

import { z } from 'zod';

import { stageWords } from '../../domain/words/stage-words.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { recordAct } from '../../store/records/audit-log.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trialKeys } from './trial-keys.ts';

const inputSchema = z.strictObject({
  trialId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** Stage that waited to begin. */
  stage: z.int().min(0).max(3),
  answer: z.enum(['approved', 'rejected']),
  reason: z.string(),
  who: z.string(),
  atMs: z.int(),
});

/**
 * Keeps who let a stage begin or did not, when and why, also in the audit log: whichever way the answer came to the workflow. Idempotent by (trial, stage): the
 * first answer stays.
 */
export const recordApproval =
  (ports: { store: ObjectStore }) =>
  async (given: z.input<typeof inputSchema>): Promise<{ readonly key: string }> => {
    const approval = parseActivityInput('recordApproval', inputSchema, given);
    const { trialId, stage, answer, who, reason, atMs } = approval;
    const key = trialKeys.approval(trialId, stage);
    await ports.store.putIfAbsent(key, jsonBytes(approval));
    await recordAct(
      { store: ports.store, clock: () => atMs },
      {
        actId: `temporal-${createHash('sha256').update(key).digest('hex')}`,
        outcome: 'done',
        who,
        role: null,
        via: 'temporal',
        act: answer === 'approved' ? 'trial.approve' : 'trial.reject',
        policy: null,
        subject: `${trialId}, ${stageWords(stage)}`,
        reason,
        answer: `the workflow took it: ${stageWords(stage)} is ${answer}`,
      },
    );
    return { key };
  };
