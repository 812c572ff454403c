import { setCurrentDetails, setHandler } from '@temporalio/workflow';

import { dataActivities } from './shared/activity-proxies.ts';
import { releaseStatusQuery, type ReleaseStatus } from './cycle/messages.ts';
import { parsedInput } from './shared/parse-input.ts';

export interface ReleaseResult {
  readonly landingKey: string;
  /** Rules the next validation will not apply to these bytes. */
  readonly waivedRules: readonly string[];
}

/** Puts a refused segment back into landing, with who released it and why; the next cycle reads it again. */
export async function releaseQuarantine(input?: unknown): Promise<ReleaseResult> {
  let status: ReleaseStatus = { stage: 'releasing' };
  setHandler(releaseStatusQuery, () => status);
  const request = await parsedInput('releaseQuarantine', input);
  const { landingKey, waivedRules } = await dataActivities().releaseQuarantinedSegment(request);
  status = { stage: 'ended' };
  setCurrentDetails(
    `Released by ${request.who}: ${request.reason}\n\nBack in landing as \`${landingKey}\`; waived: ${waivedRules.join(', ')}.`,
  );
  return { landingKey, waivedRules };
}
