import { ApplicationFailure, defineQuery, setCurrentDetails, setHandler, sleep } from '@temporalio/workflow';

import type { ErasureCertificate } from '../activities/erasure/certify-erasure.ts';
import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { dataActivities, fleetActivities } from './shared/activity-proxies.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { parsedInput } from './shared/parse-input.ts';

export interface EraseDataStatus {
  readonly stage: 'beginning' | 'searching' | 'erasing' | 'checking' | 'certifying' | 'ended';
  /** How often the store was looked through. */
  readonly passes: number;
  /** Objects that the last look found. */
  readonly objects: number;
}

const statusQuery = defineQuery<EraseDataStatus>(messageNames.status);
/** What comes back more often than this comes from somewhere that must be stopped first. */
const mostPasses = 50;
/** Nothing is left when so many looks in a row found nothing: a collection that was under way has ended in between. */
const cleanLooks = 2;

/** Erases what a request names, wherever it is, looks until nothing is left, has an independent reader check it, and signs it off. */
export async function eraseData(input?: unknown): Promise<ErasureCertificate> {
  let status: EraseDataStatus = { stage: 'beginning', passes: 0, objects: 0 };
  setHandler(statusQuery, () => status);
  const { erasureId, settleMs } = await parsedInput('eraseData', input);
  refuseOtherId(workflowIds.eraseData(erasureId));
  const { beginErasure, findErased, eraseFound, checkErased } = dataActivities();
  await beginErasure({ erasureId });
  let passes = 0;
  for (let clean = 0; clean < cleanLooks;) {
    if (passes === mostPasses) throw left(`${status.objects} objects after ${passes} passes`);
    if (clean > 0) await sleep(settleMs);
    passes += 1;
    status = { ...status, stage: 'searching', passes };
    const { objects } = await findErased({ erasureId, pass: passes });
    status = { stage: 'erasing', passes, objects };
    clean = objects === 0 ? clean + 1 : 0;
    if (objects > 0) await eraseFound({ erasureId, pass: passes });
  }
  status = { ...status, stage: 'checking' };
  const { leftovers } = await checkErased({ erasureId, passes });
  if (leftovers.length > 0) throw left(leftovers.slice(0, 5).join(', '));
  status = { ...status, stage: 'certifying' };
  const certificate = await fleetActivities().certifyErasure({ erasureId, passes });
  status = { ...status, stage: 'ended' };
  setCurrentDetails(describe(certificate));
  return certificate;
}

const left = (what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`expected nothing of it to be left, the check found ${what}`, 'CorruptData');

function describe({ target, erased, models, who, why }: ErasureCertificate): string {
  const named = models.map(({ policy, version }) => `${policy} ${version}`).join(', ') || 'none';
  return `Erased **${target}** for ${who}: ${why}\n\n${erased.episodes} episodes, ${erased.frames} frames; models that may have learned from it: ${named}.`;
}
