import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcDeadlineError,
  isGrpcServiceError,
  type Client,
} from '@temporalio/client';

import { ActError } from './act-error.ts';

/** Who asks is answered within 5 s; the rest of that time is for saying what is missing. */
const answerWithinMs = 3_500;
const explainWithinMs = 1_000;
/** A worker that polls is heard of this often at least. */
const pollEveryMs = 90_000;

/** What a queue hands out, as the server numbers it. */
const workflowTasks = 1;
const activityTasks = 2;

export interface Asked {
  readonly client: Client;
  readonly settings: QueueSettings;
  readonly workflowId: string;
}

/** Of the settings of every process what names queues. */
export interface QueueSettings {
  readonly temporal: { readonly queuePrefix: string };
}

/** The queue workflows run on. */
export const orchestrationQueue = ({ temporal }: QueueSettings): string => `${temporal.queuePrefix}orchestration`;

/**
 * What a workflow answers to a query or an update, within 5 s. A refusal comes in its words; where nobody answers, the error
 * names the worker that is missing, or what the workflow waits for. `unlessAnswered` says what is true then.
 */
export async function ask<T>(to: Asked, asking: () => Promise<T>, unlessAnswered = ''): Promise<T> {
  try {
    return await to.client.withDeadline(Date.now() + answerWithinMs, asking);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ActError('wrong', `expected ${to.workflowId} to be running, it is not`, { cause: error });
    if (error instanceof WorkflowUpdateFailedError) throw failedAs(error);
    if (
      !(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) &&
      !isGrpcDeadlineError(error) &&
      !isNotReady(error)
    )
      throw error;
    const told = unlessAnswered === '' ? '' : `; ${unlessAnswered}`;
    throw new ActError(
      'missing',
      `expected an answer of ${to.workflowId} within 5 s, got none: ${await whyNoAnswer(to)}${told}`,
      { cause: error },
    );
  }
}

/** The server's words for a workflow that no worker has taken up yet, or that it has no time to ask now. */
function isNotReady(error: unknown): boolean {
  const inner = error instanceof ServiceError ? error.cause : error;
  const code: number | undefined = isGrpcServiceError(inner) ? inner.code : undefined;
  return code !== undefined && notNow.includes(code);
}
/** Codes of gRPC for what may well be answered later: cancelled, exhausted, a workflow not taken up yet, aborted, unavailable. */
const notNow: readonly number[] = [1, 8, 9, 10, 14];

/** A failure or refusal of a workflow in its own words: those of the innermost cause. */
export function failedAs(error: Error): ActError {
  let inner: Error = error;
  while (inner.cause instanceof Error) inner = inner.cause;
  const isUnknown = 'type' in inner && inner.type === 'NotFound';
  return new ActError(isUnknown ? 'wrong' : 'no', inner.message, { cause: error });
}

/** In words why a workflow does not answer; never throws. */
async function whyNoAnswer({ client, settings, workflowId }: Asked): Promise<string> {
  try {
    return await client.withDeadline(Date.now() + explainWithinMs, async () => {
      const missing: string[] = [];
      for (const [queue, type] of [
        ['orchestration', workflowTasks],
        ['fleet', activityTasks],
      ] as const)
        if (!(await isServed(client, `${settings.temporal.queuePrefix}${queue}`, type))) missing.push(queue);
      if (missing.length > 0)
        return `no worker serves ${missing.map((name) => `the queue ${settings.temporal.queuePrefix}${name}`).join(' and ')}; start one with \`npm run worker\``;
      return (await pendingTrouble(client, workflowId)) ?? 'a worker runs, but did not answer in time';
    });
  } catch {
    return 'the Temporal server does not say why';
  }
}

/** Was a poller heard of lately? The server remembers those that are gone for some minutes. */
async function isServed(client: Client, name: string, taskQueueType: number): Promise<boolean> {
  const question: object = { namespace: client.options.namespace, taskQueue: { name }, taskQueueType };
  const { pollers } = await client.workflowService.describeTaskQueue(question);
  return (pollers ?? []).some(
    ({ lastAccessTime }) => Date.now() - 1_000 * Number(lastAccessTime?.seconds ?? 0) < pollEveryMs,
  );
}

/** What the workflow tries for the `fromAttempt`th time or more, and why it fails. */
export async function pendingTrouble(client: Client, workflowId: string, fromAttempt = 1): Promise<string | undefined> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const [pending] = (raw.pendingActivities ?? []).toSorted((a, b) => (b.attempt ?? 0) - (a.attempt ?? 0));
  if (pending === undefined || (pending.attempt ?? 1) < fromAttempt) return undefined;
  const name = pending.activityType?.name ?? 'an activity';
  const cause = pending.lastFailure?.message;
  return `${name} is at attempt ${pending.attempt ?? 1}${cause ? `, the last one failed: ${cause.slice(0, 300)}` : ''}`;
}
