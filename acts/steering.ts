import { setTimeout as sleep } from 'node:timers/promises';

import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type Workflow,
} from '@temporalio/client';

import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import type { Acknowledgement } from '../workflows/monitor/messages.ts';
import type {
  OperatorWord,
  RollbackAnswer,
  RollbackOrder,
  RollbackResult,
  RollbackStatus,
  TrialStatus,
} from '../workflows/trial/messages.ts';
import { whyOwn, type AskedBy } from '../domain/trial/own-request.ts';
import { ActError } from './act-error.ts';
import { ask, orchestrationQueue, type Asked, type QueueSettings } from './ask-workflow.ts';

export type TrialMessage = 'pause' | 'resume' | 'approve' | 'reject' | 'abort';

/** Which act it is: the same one again is answered by what the first time was answered. */
interface Same {
  readonly actId: string;
}

type Approval = Required<Pick<OperatorWord, 'reason' | 'who' | 'meant'>> & Pick<OperatorWord, 'waitsFor'>;
type Word = Same & (OperatorWord | Acknowledgement);
type Wish = Omit<RollbackOrder, 'requestId'> & Required<Pick<OperatorWord, 'who'>>;

/**
 * What people do by way of workflows. Everything is answered in the workflow's words within 5 s, or fails as an {@link ActError} that says who is missing
 * or why it was refused. The same `actId` again does nothing twice.
 */
export interface Steering {
  /** Fails as `missing` where no server answers: nothing was done then. */
  requireServer(): Promise<void>;
  tellTrial(policy: string, message: TrialMessage, word: OperatorWord & Same): Promise<string>;
  /** Starts a rollback unless one runs, and tells that one if it does. */
  orderRollback(policy: string, order: Wish & Same): Promise<RollbackAnswer>;
  answerRollback(policy: string, answer: 'approve' | 'reject', word: OperatorWord & Same): Promise<string>;
  /**
   * The same by somebody who may not approve their own: refused where `who` asked for it, or nobody knows who did. `meant`: the candidate of the trial, or the
   * request for a rollback, that was looked at.
   */
  approveAnothers(of: 'trial' | 'rollback', policy: string, word: Approval & Same): Promise<string>;
  acknowledge(policy: string, word: Acknowledgement & Same): Promise<string>;
  /** `name` tells cycles of a policy apart. Gives the id of the workflow. */
  startCycle(policy: string, name: string, input: Readonly<Record<string, unknown>>): Promise<string>;
  abortCycle(workflowId: string, word: OperatorWord & Same): Promise<string>;
}

interface SteeringPorts {
  readonly client: () => Promise<Client>;
  readonly settings: QueueSettings;
}

export function steering({ client: connect, settings }: SteeringPorts): Steering {
  const to = async (workflowId: string): Promise<Asked> => ({ client: await connected(connect), settings, workflowId });
  const update = async (workflowId: string, name: string, { actId, ...word }: Word): Promise<string> => {
    const asked = await to(workflowId);
    const handle = asked.client.workflow.getHandle(workflowId);
    return ask(asked, () => handle.executeUpdate<string, [unknown]>(name, { args: [word], updateId: actId }));
  };
  const status = async <T>(workflowId: string): Promise<T> => {
    const asked = await to(workflowId);
    return ask(asked, () => asked.client.workflow.getHandle(workflowId).query<T>(messageNames.status));
  };
  const rollbackAsker = async (workflowId: string): Promise<AskedBy> => {
    const { waiting } = await status<RollbackStatus>(workflowId);
    if (waiting === null) throw new ActError('no', 'nothing waits for approval');
    return { who: waiting.who, cause: 'a rollback' };
  };
  return {
    requireServer: async () => {
      const client = await connected(connect);
      try {
        await client.withDeadline(Date.now() + serverWithinMs, () => client.workflowService.getSystemInfo({}));
      } catch (cause) {
        throw noServer(cause);
      }
    },
    tellTrial: (policy, message, word) => update(workflowIds.trialPolicy(policy), messageNames[message], word),
    orderRollback: async (policy, order) => orderRollback(await to(workflowIds.rollbackPolicy(policy)), policy, order),
    answerRollback: (policy, answer, word) => update(workflowIds.rollbackPolicy(policy), messageNames[answer], word),
    approveAnothers: async (of, policy, word) => {
      const workflowId = of === 'trial' ? workflowIds.trialPolicy(policy) : workflowIds.rollbackPolicy(policy);
      // The workflow checks it with the approval; one that runs on an older build knows nothing of it.
      const askedBy =
        of === 'trial' ? (await status<TrialStatus>(workflowId)).askedBy : await rollbackAsker(workflowId);
      const refusal = whyOwn(askedBy, word.who);
      if (refusal !== undefined) throw new ActError('no', refusal);
      return update(workflowId, messageNames.approve, { ...word, isNotOwn: true });
    },
    acknowledge: (policy, word) => update(workflowIds.fleetMonitor(policy), messageNames.acknowledge, word),
    startCycle: async (policy, name, input) =>
      startCycle(await to(workflowIds.weeklyCycle(policy, name)), policy, input),
    abortCycle: (workflowId, word) => update(workflowId, messageNames.abort, word),
  };
}

const serverWithinMs = 3_000;
const noServer = (cause: unknown): ActError =>
  new ActError('missing', 'the Temporal server does not answer; nothing was done: try again later', { cause });

/** A client that takes long to come is none: whoever acts hears so. */
async function connected(connect: () => Promise<Client>): Promise<Client> {
  try {
    const late = sleep(serverWithinMs + 500, undefined, { ref: false }).then(() => {
      throw new Error('no connection in time');
    });
    return await Promise.race([connect(), late]);
  } catch (cause) {
    if (cause instanceof ActError) throw cause;
    throw noServer(cause);
  }
}

/** One call that starts the rollback unless one runs, and tells that one if it does. */
async function orderRollback(
  to: Asked,
  policy: string,
  { actId: requestId, ...word }: Wish & Same,
): Promise<RollbackAnswer> {
  const { client, settings, workflowId } = to;
  const request = { ...word, requestId } satisfies RollbackOrder;
  const startWorkflowOperation = new WithStartWorkflowOperation('rollbackPolicy', {
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: orchestrationQueue(settings),
    staticSummary: `rollback of ${policy}`,
    memo: { requestId },
    args: [{ policy, ...request }],
  });
  const asking = (): Promise<RollbackAnswer> =>
    client.workflow.executeUpdateWithStart<Workflow, RollbackAnswer, [RollbackOrder]>(messageNames.order, {
      args: [request],
      updateId: requestId,
      startWorkflowOperation,
    });
  try {
    return (await ask(to, () => endedAnswer(client, workflowId, requestId))) ?? (await ask(to, asking));
  } catch (error) {
    if (!(error instanceof ActError) || error.kind !== 'missing') throw error;
    const isStarted = await startedBy(client, workflowId, requestId);
    const then = isStarted ? 'it is started, and acts as soon as one runs' : 'nothing is ordered: try again';
    throw new ActError('missing', `${error.message}; ${then}`, { cause: error });
  }
}

/**
 * What a request became whose run has ended: the same request again must not begin another run, which would find no trial to end any more and take the
 * fleet one champion further back.
 */
async function endedAnswer(client: Client, workflowId: string, requestId: string): Promise<RollbackAnswer | undefined> {
  const handle = client.workflow.getHandle<() => Promise<RollbackResult>>(workflowId);
  try {
    const { status } = await handle.describe();
    if (status.name !== 'COMPLETED') return undefined;
    const { requests = [] } = await handle.result();
    return requests.find((request) => request.requestId === requestId)?.answer;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** What a request became, in one line. `no` where nothing was ordered and nothing waits. */
export function rollbackText({ kind, version, seq, reason }: RollbackAnswer): string {
  if (kind === 'ordered') return `ordered ${version}, assignment ${seq}: ${reason}`;
  if (kind === 'awaitingApproval') return `${askedFor}${version} waits for an approval: ${reason}`;
  throw new ActError('no', `nothing was ordered: ${reason}`);
}

const askedFor = 'nothing is ordered yet: ';
/** Whether that line says that somebody has to approve first; it is kept in the audit log, and read there when the same is asked again. */
export const isAskedFor = (text: string): boolean => text.startsWith(askedFor);

/** Was the run that waits now started by this request? Then nothing is lost when nobody answers. */
async function startedBy(client: Client, workflowId: string, requestId: string): Promise<boolean> {
  try {
    const { memo } = await client.withDeadline(Date.now() + 500, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return memo?.['requestId'] === requestId;
  } catch {
    return false;
  }
}

async function startCycle(to: Asked, policy: string, input: Readonly<Record<string, unknown>>): Promise<string> {
  const { client, settings, workflowId } = to;
  const options = {
    workflowId,
    taskQueue: orchestrationQueue(settings),
    args: [input],
    staticSummary: `cycle of ${policy}`,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  } as const;
  try {
    await ask(
      to,
      () => client.workflow.start('weeklyCycle', options),
      'whether it is started, is not known: ask again',
    );
  } catch (error) {
    // The same act again, after its cycle ended.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return workflowId;
}
