import { WorkflowNotFoundError } from '@temporalio/client';

import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { openTrialSlot } from '../workers/compose.ts';
import type { RolloutStatus, TrialResult, TrialStatus } from '../workflows/trial/messages.ts';
import type { Installation } from './installation.ts';
import { waitUntil } from './processes.ts';

/** The trial slot of a world: what one offers to it, sees of it and says to it. */
export interface WorldTrial {
  /** Offers a version to the trial slot, in the compressed profile. */
  offer(candidateVersion: string, request?: Readonly<Record<string, unknown>>): Promise<string>;
  trial(): Promise<TrialStatus>;
  /** How the slot's trial was ended from outside, e.g. `terminated`; undefined when it was not. */
  trialBrokenOff(): Promise<string | undefined>;
  /** The rollout of the trial; undefined while there is none. */
  rollout(): Promise<RolloutStatus | undefined>;
  /** Waits until the trial's status is as asked. */
  trialIs(what: string, condition: (status: TrialStatus) => boolean, limitMs?: number): Promise<TrialStatus>;
  /** An operator's word to the trial. */
  operate(update: 'pause' | 'resume' | 'abort' | 'approve' | 'reject', reason: string): Promise<string>;
  /** How the slot's last trial ended. */
  trialEnd(): Promise<TrialResult>;
}

const trialLimitMs = 1_200_000;
const brokenOff: readonly string[] = ['TERMINATED', 'CANCELLED', 'FAILED', 'TIMED_OUT'];

export function worldTrial(installation: Installation, say: (line: string) => void, who: string): WorldTrial {
  const { client, policy } = installation;
  const handle = client.workflow.getHandle(workflowIds.trialPolicy(policy));
  const trial = (): Promise<TrialStatus> => handle.query<TrialStatus>(messageNames.status);
  return {
    trial,
    offer: offering(installation, say, who),
    async trialBrokenOff() {
      const { name } = (await handle.describe()).status;
      return brokenOff.includes(name) ? name.toLowerCase().replace('_', ' ') : undefined;
    },
    async rollout() {
      const rollout = client.workflow.getHandle(workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy)));
      try {
        return await rollout.query<RolloutStatus>(messageNames.status);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    async trialIs(what, condition, limitMs = trialLimitMs) {
      let last = await trial();
      await waitUntil(
        async () => {
          last = await trial();
          return condition(last);
        },
        () => `a trial that is ${what}; at last it was ${JSON.stringify(last)}`,
        limitMs,
      );
      return last;
    },
    operate: (update, reason) => handle.executeUpdate<string, [unknown]>(update, { args: [{ reason, who }] }),
    trialEnd: () => handle.result() as Promise<TrialResult>,
  };
}

function offering(
  { client, policy, taskQueue }: Installation,
  say: (line: string) => void,
  who: string,
): WorldTrial['offer'] {
  const begunMs = Date.now();
  let offers = 0;
  return async (candidateVersion, request = {}) => {
    offers += 1;
    const slot = await openTrialSlot({ client, taskQueue });
    const { kind, answer } = await slot.offer({
      policy,
      candidateVersion,
      who,
      why: 'shown by temporal-dev.sh',
      request: { profile: 'compressed', ...request },
      operationId: `dev-${begunMs}-${offers}`,
    });
    if (kind === 'refused') throw new Error(`the slot refused ${candidateVersion}: ${answer}`);
    say(`offered ${candidateVersion}: ${answer}`);
    return answer;
  };
}
