import type { Client } from '@temporalio/client';

import {
  judgeSubmission,
  type JudgeSubmissionInput,
  type SubmissionVerdict,
} from '../activities/submissions/judge-submission.ts';
import { submitModel } from '../activities/submissions/submit-model.ts';
import { reproduceModel, type ReproduceModelResult } from '../activities/registry/reproduce-model.ts';
import type { TrialSlot } from '../activities/ports/trial-slot.ts';
import type { Settings } from '../workers/config.ts';
import { openFleet } from '../fleet/desk/index.ts';
import { openJudging, openTrialSlot } from '../workers/compose.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { ask, orchestrationQueue } from '../acts/ask-workflow.ts';
import type { CommandContext } from './context.ts';

/** What the offline gates say of a model file. Loads runtime and trainers, so only who judges imports it. */
export const judgeFile = async (context: CommandContext, input: JudgeSubmissionInput): Promise<SubmissionVerdict> =>
  judgeSubmission(await judging(context))(input);

/** Trains a registered version again and compares the bytes. */
export const reproduceVersion = async (
  context: CommandContext,
  input: { readonly policy: string; readonly version: string },
): Promise<ReproduceModelResult> => reproduceModel({ ...(await judging(context)), signer: context.signer() })(input);

type Submission = Parameters<ReturnType<typeof submitModel>>[0];

/** The same, then the model is registered and offered to the trial slot. */
export async function submitFile(
  context: CommandContext,
  client: Client,
  submission: Submission,
): Promise<Awaited<ReturnType<ReturnType<typeof submitModel>>>> {
  const { settings, store, clock } = context;
  return submitModel({
    ...(await judging(context)),
    signer: context.signer(),
    fleet: openFleet({ store, clock }),
    slot: await patientSlot(client, settings, submission.policy),
  })(submission);
}

/** What judging needs beside the context of every command. */
const judging = async (context: CommandContext) => ({ ...context, ...(await openJudging(context.settings)) });

/** The slot, with what is missing said where nobody answers; the model is registered by then, and can be offered again. */
async function patientSlot(client: Client, settings: Settings, policy: string): Promise<TrialSlot> {
  const slot = await openTrialSlot({ client, taskQueue: orchestrationQueue(settings) });
  const to = { client, settings, workflowId: workflowIds.trialPolicy(policy) };
  const then = 'the model is registered but not offered: use `flywheel trial offer`';
  return { offer: (offer) => ask(to, () => slot.offer(offer), then) };
}
