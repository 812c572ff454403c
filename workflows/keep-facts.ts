import { defineQuery, setHandler } from '@temporalio/workflow';

import type { CompactFactsResult } from '../activities/facts/compact-facts.ts';
import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { maintenanceActivities } from './shared/activity-proxies.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { keepDoing } from './shared/keep-doing.ts';
import { continueOnCurrentBuild } from './shared/next-run.ts';
import { parsedInput } from './shared/parse-input.ts';

export interface KeepFactsStatus {
  readonly policy: string;
  /** Compactions of this run. */
  readonly compactions: number;
  readonly last: CompactFactsResult | null;
  /** Why the last compaction did not come to its end. */
  readonly failure: string | null;
}

const statusQuery = defineQuery<KeepFactsStatus>(messageNames.status);
const compactEveryMs = { real: 3_600_000, compressed: 60_000 } as const;

/** Makes tables of what robots told, every `everyMs`, for years. A compaction that fails is told and done again. */
export async function keepFacts(input?: unknown): Promise<void> {
  let status: KeepFactsStatus = { policy: '', compactions: 0, last: null, failure: null };
  setHandler(statusQuery, () => status);
  const asked = await parsedInput('keepFacts', input);
  const { policy, profile } = asked;
  const { everyMs = compactEveryMs[profile] } = asked;
  refuseOtherId(workflowIds.keepFacts(policy));
  status = { ...status, policy };
  await keepDoing({
    policy,
    everyMs,
    once: () => maintenanceActivities().compactFacts({ policy }),
    tell: ({ times, ...done }) => {
      status = { policy, compactions: times, ...done };
      return describe(status);
    },
  });
  return continueOnCurrentBuild<typeof keepFacts>(input);
}

function describe({ policy, compactions, last, failure }: KeepFactsStatus): string {
  const lines = [`Makes facts of what the robots of **${policy}** tell. Compaction ${compactions} of this run.`, ''];
  if (last !== null) {
    // Histories of before have no numbers of the later kinds: they are not above 0 either.
    const { outcomes, tooOld, beforeRegistration, mayRepeat, damaged } = last.totals;
    lines.push(`- ${outcomes} episodes since the first one, as of ${new Date(last.asOfMs).toISOString()}`);
    if (tooOld > 0) lines.push(`- ${tooOld} entries came too late to be told from a repetition`);
    if (beforeRegistration > 0) lines.push(`- ${beforeRegistration} entries ended before their robot was registered`);
    if (mayRepeat > 0) lines.push(`- ${mayRepeat} entries without a time are counted that may be repetitions`);
    if (damaged > 0) lines.push(`- ${damaged} telemetry objects could not be read, or not whole`);
  }
  if (failure !== null) lines.push('', `The last compaction failed: ${failure}`);
  return lines.join('\n');
}
