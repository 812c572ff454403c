import { z } from 'zod';

import type { Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';

const inputSchema = z.strictObject({
  policy: z.string(),
  /** The order asked about; a later one that somebody else gave answers too. */
  seq: z.int().min(-1),
});

/** Who follows the order; lists hold at most {@link mostNames} names, counts are whole. */
export interface ConfirmationsResult {
  readonly seq: number;
  readonly confirmed: number;
  readonly waiting: readonly string[];
  /** Who waits for the update windows of its site and when they open; absent where nobody does. */
  readonly windowed?: readonly string[];
  readonly failed: readonly string[];
  readonly offline: readonly string[];
  readonly confirmedRobots: readonly string[];
}

const mostNames = 500;

/** One look at which robots follow the newest order. Only reads. */
export const readConfirmations =
  (ports: { fleet: Fleet }) =>
  async (given: z.input<typeof inputSchema>): Promise<ConfirmationsResult> => {
    const { policy, seq } = parseActivityInput('readConfirmations', inputSchema, given);
    const seen = await ports.fleet.readConfirmations(policy);
    if (seen === undefined) return { seq, confirmed: 0, waiting: [], failed: [], offline: [], confirmedRobots: [] };
    const windowed = seen.windowed.map(
      ({ robotId, site, opensMs }) =>
        `${robotId}: waits for its window at site ${site}, opens ${new Date(opensMs).toISOString().slice(0, 16)}Z`,
    );
    return {
      seq: seen.seq,
      confirmed: seen.confirmed.length,
      waiting: seen.waiting.slice(0, mostNames),
      ...(windowed.length === 0 ? {} : { windowed: windowed.slice(0, mostNames) }),
      failed: seen.failed.map(({ robotId, reason }) => `${robotId}: ${reason}`).slice(0, mostNames),
      offline: seen.offline.slice(0, mostNames),
      confirmedRobots: seen.confirmed.slice(0, mostNames),
    };
  };
