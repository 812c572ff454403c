import { defineQuery, setHandler } from '@temporalio/workflow';

import type { MirrorRegistryResult } from '../activities/mirror/mirror-registry.ts';
import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { maintenanceActivities } from './shared/activity-proxies.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { keepDoing } from './shared/keep-doing.ts';
import { continueOnCurrentBuild } from './shared/next-run.ts';
import { parsedInput } from './shared/parse-input.ts';

export interface KeepMirrorStatus {
  readonly policy: string;
  /** Looks of this run. */
  readonly looks: number;
  readonly last: MirrorRegistryResult | null;
  /** Why the last look did not come to its end. */
  readonly failure: string | null;
}

const statusQuery = defineQuery<KeepMirrorStatus>(messageNames.status);
const lookEveryMs = { real: 600_000, compressed: 60_000 } as const;

/** Mirrors runs, versions and aliases to a tracker of experiments, for years. Nothing waits for it: what a tracker that was down missed, it hears later. */
export async function keepMirror(input?: unknown): Promise<void> {
  let status: KeepMirrorStatus = { policy: '', looks: 0, last: null, failure: null };
  setHandler(statusQuery, () => status);
  const asked = await parsedInput('keepMirror', input);
  const { policy, profile } = asked;
  const { everyMs = lookEveryMs[profile] } = asked;
  refuseOtherId(workflowIds.keepMirror(policy));
  status = { ...status, policy };
  await keepDoing({
    policy,
    everyMs,
    once: () => maintenanceActivities().mirrorRegistry({ policy }),
    tell: ({ times, ...done }) => {
      status = { policy, looks: times, ...done };
      return describe(status);
    },
  });
  return continueOnCurrentBuild<typeof keepMirror>(input);
}

function describe({ policy, looks, last, failure }: KeepMirrorStatus): string {
  const lines = [`Mirrors runs, versions and aliases of **${policy}**. Look ${looks} of this run.`, ''];
  if (last?.address === null) lines.push('No tracker is configured: set FLYWHEEL_MLFLOW_URL of the data workers.');
  else if (last !== null) {
    lines.push(
      `- ${last.address}: ${last.runs} runs, ${last.versions} versions and ${last.aliases} aliases at the last look`,
    );
    for (const refused of last.refused) lines.push(`- not told: ${refused}`);
  }
  if (failure !== null) lines.push('', `The last look failed: ${failure}`);
  return lines.join('\n');
}
