import { z } from 'zod';

import type { Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { TrialSlot } from '../ports/trial-slot.ts';

const inputSchema = z.strictObject({
  policy: z.string(),
  candidateVersion: z.string(),
  operationId: z.string().min(1).max(200),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(200),
  /** Input of `trialPolicy` beside version, who and why. */
  request: z.record(z.string(), z.unknown()).default({}),
});

export interface OfferResult {
  readonly kind: 'offered' | 'notOffered';
  /** One sentence for people: what becomes of it, or why nothing does. */
  readonly reason: string;
}

/** Offers a candidate to the trial slot of its policy. Idempotent by operation: the slot knows an offer it has. */
export const offerCandidate =
  (ports: { fleet: Pick<Fleet, 'readFleet'>; slot: TrialSlot }) =>
  async (given: z.input<typeof inputSchema>): Promise<OfferResult> => {
    const offer = parseActivityInput('offerCandidate', inputSchema, given);
    const { robots } = await ports.fleet.readFleet(offer.policy);
    if (robots.length === 0)
      return { kind: 'notOffered', reason: `policy ${offer.policy} has no robot to try ${offer.candidateVersion} on` };
    const { kind, answer } = await ports.slot.offer(offer);
    return { kind: kind === 'offered' ? 'offered' : 'notOffered', reason: answer };
  };
