import { parseInput } from '../activities/parse-workflow-input.ts';
import { requireVersion } from '../store/records/manifests.ts';
import { openTrialSlot } from '../workers/compose.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { ask, orchestrationQueue } from '../acts/ask-workflow.ts';
import { requireNotFrozen } from '../acts/not-frozen.ts';
import { actByCommand } from './act.ts';
import { withClient } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { parseJsonObject } from './parse-json-object.ts';
import type { PersonalWord } from './person.ts';
import { say } from './print.ts';

export interface OfferOptions extends PersonalWord {
  readonly input: string;
}

/** `flywheel trial offer`. Loads what input of workflows is checked with, so only who offers imports it. */
export async function offerTrial(candidateVersion: string, options: OfferOptions): Promise<void> {
  const { policy, reason: why, who } = options;
  const request = parseJsonObject('--input', options.input);
  await parseInput({ workflow: 'trialPolicy', input: { ...request, policy, candidateVersion, who } });
  const { settings, clock, store } = await openPolicy(policy);
  await requireVersion(store, policy, candidateVersion);
  await withClient(settings, async (client) => {
    const slot = await openTrialSlot({ client, taskQueue: orchestrationQueue(settings) });
    const to = { client, settings, workflowId: workflowIds.trialPolicy(policy) };
    const act = { act: 'trial.offer', policy, subject: candidateVersion, reason: why, who };
    const offer = async (operationId: string): Promise<string> => {
      await requireNotFrozen({ store, clock }, policy);
      const offered = { policy, candidateVersion, who, why, request, operationId };
      const { kind, answer } = await ask(to, () => slot.offer(offered), 'nothing is offered: try again');
      if (kind === 'refused') throw new CommandError('no', answer);
      return answer;
    };
    say(await actByCommand({ store, clock }, act, offer, String));
  });
}
