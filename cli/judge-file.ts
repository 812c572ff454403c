import type { Client } from '@temporalio/client';

import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxRuntimeProcess } from '../activities/adapters/onnx-runtime-process.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { temporalTrialSlot } from '../activities/adapters/temporal-trial-slot.ts';
import { judgeSubmission, type SubmissionVerdict } from '../activities/submissions/judge-submission.ts';
import { submitModel } from '../activities/submissions/submit-model.ts';
import { reproduceModel, type ReproduceModelResult } from '../activities/registry/reproduce-model.ts';
import type { TrialSlot } from '../activities/ports/trial-slot.ts';
import type { Settings } from '../workers/config.ts';
import { openFleet } from '../fleet/desk/index.ts';
import { openTrainers } from '../workers/open-trainers.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { ask, orchestrationQueue } from './ask-workflow.ts';
import type { CommandContext } from './context.ts';

/** What the offline gates say of a model file. Loads runtime and trainers, so only who judges imports it. */
export const judgeFile = (context: CommandContext, policy: string, filePath: string): Promise<SubmissionVerdict> =>
  judgeSubmission(judging(context))({ policy, filePath });

/** Trains a registered version again and compares the bytes. */
export const reproduceVersion = (
  context: CommandContext,
  input: { readonly policy: string; readonly version: string },
): Promise<ReproduceModelResult> => reproduceModel({ ...judging(context), signer: context.signer() })(input);

type Submission = Parameters<ReturnType<typeof submitModel>>[0];

/** The same, then the model is registered and offered to the trial slot. */
export function submitFile(
  context: CommandContext,
  client: Client,
  submission: Submission,
): ReturnType<ReturnType<typeof submitModel>> {
  const { settings, store, clock } = context;
  return submitModel({
    ...judging(context),
    signer: context.signer(),
    fleet: openFleet({ store, clock }),
    slot: patientSlot(client, settings, submission.policy),
  })(submission);
}

/** What judging needs beside the context of every command. */
function judging(context: CommandContext) {
  const { threads } = context.settings;
  return {
    ...context,
    runtime: onnxRuntimeProcess({ threads }),
    trainers: openTrainers(context.settings, onnxRuntime({ threads })),
    openRows: openArrowRows,
  };
}

/** The slot, with what is missing said where nobody answers; the model is registered by then, and can be offered again. */
function patientSlot(client: Client, settings: Settings, policy: string): TrialSlot {
  const slot = temporalTrialSlot({ client, taskQueue: orchestrationQueue(settings) });
  const to = { client, settings, workflowId: workflowIds.trialPolicy(policy) };
  const then = 'the model is registered, and not offered: `flywheel trial offer` does it';
  return { offer: (offer) => ask(to, () => slot.offer(offer), then) };
}
