import { z } from 'zod';

import type { Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';

const inputSchema = z.strictObject({
  policy: z.string(),
  trialId: z.string(),
  atMs: z.int(),
  leaseMs: z.int().min(1_000),
});

/**
 * Lets a trial's candidate run until `atMs + leaseMs`, unless the trial is closed. Idempotent by (trial, atMs): an attempt
 * that comes late shortens and stretches nothing.
 */
export const renewLease =
  (ports: { fleet: Pick<Fleet, 'renewLease'> }) =>
  async (given: z.input<typeof inputSchema>): Promise<{ readonly kind: 'renewed' | 'refused' }> => {
    const { kind } = await ports.fleet.renewLease(parseActivityInput('renewLease', inputSchema, given));
    return { kind };
  };
