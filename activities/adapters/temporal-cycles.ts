import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';

import type { CyclesPort } from '../ports/cycles.ts';
import { weeklyScheduleId } from '../schedule-id.ts';
import { readLoopSight } from './temporal-loop-sight.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { monitorName } from '../../domain/trial/index.ts';

const listed = 20;

/**
 * Sees cycles by visibility, and starts them by fixed ids, so that a second start of the same thing is the first one. A server
 * that does not answer a question means that nobody can tell.
 * https://docs.temporal.io/list-filter
 */
export function temporalCycles(options: { readonly client: Client; readonly taskQueue: string }): CyclesPort {
  const { client, taskQueue } = options;
  return {
    async cycles(policy) {
      const found: { isRunning: boolean; startedMs: number }[] = [];
      try {
        // Newest first, as visibility lists them.
        const query = `WorkflowType = 'weeklyCycle' AND FlywheelPolicy = '${policy.replaceAll("'", '')}'`;
        for await (const { status, startTime } of client.workflow.list({ query, pageSize: listed })) {
          found.push({ isRunning: status.name === 'RUNNING', startedMs: startTime.getTime() });
          if (found.length >= listed) break;
        }
      } catch {
        return undefined;
      }
      const running = found.filter(({ isRunning }) => isRunning).length;
      return { running, lastStartedMs: found.length === 0 ? null : Math.max(...found.map((one) => one.startedMs)) };
    },
    sight: (policy, endedAfterMs) => readLoopSight(client, policy, weeklyScheduleId(policy), endedAfterMs),
    async turnHolder(policy) {
      const turn = await describeRunning(client, workflowIds.cycleTurn(policy));
      if (turn === undefined) return null;
      const parent = turn.raw.workflowExecutionInfo?.parentExecution?.workflowId;
      if (!parent) return turn.workflowId;
      return (await describeRunning(client, parent)) === undefined ? null : parent;
    },
    async startCycle({ policy, cause, request }) {
      const workflowId = workflowIds.triggeredCycle(policy);
      try {
        await client.workflow.start('weeklyCycle', {
          workflowId,
          taskQueue,
          args: [{ ...request, policy, cause }],
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: `cycle of ${policy}`,
          staticDetails: cause,
        });
        return { kind: 'started', workflowId };
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'running', workflowId };
        throw error;
      }
    },
    async startRollback({ policy, reason }) {
      const workflowId = workflowIds.rollbackPolicy(policy);
      await client.workflow.start('rollbackPolicy', {
        workflowId,
        taskQueue,
        args: [{ policy, target: 'previous', reason, who: monitorName }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `rollback of ${policy}`,
      });
      return { workflowId };
    },
  };
}

/** Undefined when it does not run. */
async function describeRunning(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const described = await client.workflow.getHandle(workflowId).describe();
    return described.status.name === 'RUNNING' ? described : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
