import { defineQuery, setHandler } from '@temporalio/workflow';

import type { SweepStoreResult } from '../activities/retention/sweep-store.ts';
import { fleetProfiles } from '../domain/trial/fleet-clock.ts';
import { maintenanceActivities } from './shared/activity-proxies.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { keepDoing } from './shared/keep-doing.ts';
import { continueOnCurrentBuild } from './shared/next-run.ts';
import { parsedInput } from './shared/parse-input.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { messageNames } from '../domain/contract/message-names.ts';

export interface KeepStoreStatus {
  readonly policy: string;
  readonly sweeps: number;
  readonly last: SweepStoreResult | null;
  /** Why the last sweep did not come to its end. */
  readonly failure: string | null;
}

const statusQuery = defineQuery<KeepStoreStatus>(messageNames.status);
const sweepEveryMs = { real: 3_600_000, compressed: 300_000 } as const;

/** Keeps a store from growing without end: a sweep every `everyMs`, for years. A sweep that fails is told and done again. */
export async function keepStore(input?: unknown): Promise<void> {
  let status: KeepStoreStatus = { policy: '', sweeps: 0, last: null, failure: null };
  setHandler(statusQuery, () => status);
  const asked = await parsedInput('keepStore', input);
  const { policy, profile } = asked;
  const { dayMs = fleetProfiles[profile].dayMs, everyMs = sweepEveryMs[profile] } = asked;
  refuseOtherId(workflowIds.keepStore(policy));
  status = { ...status, policy };
  await keepDoing({
    policy,
    everyMs,
    once: () => maintenanceActivities().sweepStore({ policy, dayMs, dryRun: false }),
    tell: ({ times, ...done }) => {
      status = { policy, sweeps: times, ...done };
      return describe(status);
    },
  });
  return continueOnCurrentBuild<typeof keepStore>(input);
}

function describe({ policy, sweeps, last, failure }: KeepStoreStatus): string {
  const swept = (last?.swept ?? []).map(({ kind, objects, bytes }) => `- ${kind}: ${objects} (${bytes} bytes)`);
  const lines = [`Keeps the store of **${policy}** small. Sweep ${sweeps} of this run:`, '', ...swept];
  if (swept.length === 0) lines.push('nothing was old enough to go');
  if (failure !== null) lines.push('', `The last sweep failed: ${failure}`);
  return lines.join('\n');
}
