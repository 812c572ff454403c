import { z } from 'zod';

import type { Fleet } from '../../fleet/desk/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';

const inputSchema = z.strictObject({ robotId: z.string(), who: z.string(), why: z.string() });

/** Leaves a robot out of trials and of what is learned until somebody looked at it. Idempotent: one in quarantine stays there. */
export const quarantineRobot =
  (ports: { fleet: Pick<Fleet, 'quarantineRobot'> }) =>
  async (given: z.input<typeof inputSchema>): Promise<void> => {
    const { robotId, who, why } = parseActivityInput('quarantineRobot', inputSchema, given);
    await ports.fleet.quarantineRobot({ robotId, who, why: why.slice(0, 500) });
  };
