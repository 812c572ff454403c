import { z } from 'zod';

import { jsonBytes } from '../../store/json-objects.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trialKeys } from './trial-keys.ts';

const inputSchema = z.strictObject({
  trialId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  policy: z.string(),
  candidateVersion: z.string().nullable(),
  outcome: z.string(),
  reason: z.string(),
  atMs: z.int(),
  /** Whatever else the trial wants kept: decisions, approvals, robots. */
  facts: z.record(z.string(), z.unknown()).default({}),
});

/** Keeps how a trial or an offer ended. Idempotent by trial: the first end stays. */
export const recordTrialEnd =
  (ports: { store: ObjectStore }) =>
  async (given: z.input<typeof inputSchema>): Promise<{ readonly key: string }> => {
    const end = parseActivityInput('recordTrialEnd', inputSchema, given);
    const key = trialKeys.end(end.trialId);
    await ports.store.putIfAbsent(key, jsonBytes(end));
    return { key };
  };
