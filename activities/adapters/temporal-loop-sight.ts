import {
  ScheduleNotFoundError,
  WorkflowFailedError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';

import type { EndedRun, LoopSight, Retry } from '../../domain/monitoring/index.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { messageNames } from '../../domain/contract/message-names.ts';

const kinds: Readonly<Record<string, EndedRun['kind']>> = {
  weeklyCycle: 'cycle',
  abTest: 'abTest',
  rolloutPolicy: 'rollout',
  rollbackPolicy: 'rollback',
};
const mostRuns = 20;
const mostDescribed = 12;
const queryWithinMs = 2_000;
const longestCause = 200;
/** What a run says at its end, or what it waits for: a whole sentence with its figures. */
const longestReason = 480;
const weekMs = 7 * 24 * 3_600_000;

/**
 * How the workflows of a policy stand, as the server tells it: what ended, what is tried again, what waits for a person, and the
 * weekly schedule. Undefined when the server does not say.
 */
export async function readLoopSight(
  client: Client,
  policy: string,
  scheduleId: string,
  endedAfterMs: number,
): Promise<LoopSight | undefined> {
  try {
    const [schedule, ended, running] = await Promise.all([
      readSchedule(client, scheduleId),
      readEnded(client, policy, endedAfterMs),
      listed(client, `FlywheelPolicy = '${safe(policy)}' AND ExecutionStatus = 'Running'`),
    ]);
    const retries = await readRetries(
      client,
      running.map(({ workflowId }) => workflowId),
    );
    return { schedule, ended, retries, approvals: await readApprovals(client, policy, running) };
  } catch {
    return undefined;
  }
}

const safe = (text: string): string => text.replaceAll("'", '');

async function listed(client: Client, query: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query, pageSize: mostRuns })) {
    found.push(run);
    if (found.length >= mostRuns) break;
  }
  return found;
}

async function readSchedule(client: Client, scheduleId: string): Promise<LoopSight['schedule']> {
  try {
    const { state, info } = await client.schedule.getHandle(scheduleId).describe();
    if (state.paused) return { kind: 'paused', note: (state.note ?? '').slice(0, longestCause) };
    const [next, after] = info.nextActionTimes;
    const periodMs = next === undefined || after === undefined ? weekMs : after.getTime() - next.getTime();
    return { kind: 'on', periodMs };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { kind: 'missing' };
    throw error;
  }
}

async function readEnded(client: Client, policy: string, endedAfterMs: number): Promise<EndedRun[]> {
  const runs = await listed(
    client,
    `FlywheelPolicy = '${safe(policy)}' AND ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew' AND WorkflowType IN ('weeklyCycle', 'abTest', 'rolloutPolicy', 'rollbackPolicy')`,
  );
  const ended: EndedRun[] = [];
  for (const run of runs) {
    const kind = kinds[run.type];
    const endedMs = run.closeTime?.getTime() ?? 0;
    if (kind === undefined || endedMs <= endedAfterMs) continue;
    const end = await endOf(client, run);
    ended.push({ workflowId: run.workflowId, kind, ...end, endedMs, startedMs: run.startTime.getTime() });
  }
  return ended.toSorted((a, b) => a.endedMs - b.endedMs);
}

/** What a run said at its end; of one that was cut off, how. */
async function endOf(
  client: Client,
  run: WorkflowExecutionInfo,
): Promise<Pick<EndedRun, 'outcome' | 'reason' | 'version' | 'who'>> {
  const handle = client.workflow.getHandle(run.workflowId, run.runId, { followRuns: false });
  try {
    const { outcome, decision, reason, ...more } = (await handle.result()) as Record<string, unknown>;
    const said = { outcome: text(outcome ?? decision), reason: text(reason, longestReason) };
    return run.type === 'rollbackPolicy' ? { ...said, ...rollbackEnd(more) } : said;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const names: Readonly<Record<string, string>> = {
      TERMINATED: 'terminated',
      TIMED_OUT: 'timedOut',
      CANCELLED: 'aborted',
    };
    let inner: Error = error;
    while (inner.cause instanceof Error) inner = inner.cause;
    return { outcome: names[run.status.name] ?? 'failed', reason: text(inner.message) };
  }
}

/** Where a rollback went, and who asked for what it did last. */
function rollbackEnd({ version, requests }: Record<string, unknown>): Pick<EndedRun, 'version' | 'who'> {
  const asked = Array.isArray(requests) ? (requests as { who?: unknown; answer?: { kind?: unknown } }[]) : [];
  const last = asked.findLast(({ answer }) => answer?.kind === 'ordered') ?? asked.at(-1);
  return {
    ...(typeof version === 'string' ? { version: text(version) } : {}),
    ...(typeof last?.who === 'string' ? { who: text(last.who) } : {}),
  };
}

const text = (value: unknown, longest = longestCause): string =>
  typeof value === 'string' ? value.slice(0, longest) : 'unknown';

/** Of the runs and their children. A collection that does not get on is an incident of its own. */
async function readRetries(client: Client, workflowIds: readonly string[]): Promise<Retry[]> {
  const retries: Retry[] = [];
  const seen = new Set<string>();
  const waiting = [...workflowIds];
  for (let id = waiting.shift(); id !== undefined && seen.size < mostDescribed; id = waiting.shift()) {
    if (seen.has(id) || id.startsWith('collect/')) continue;
    seen.add(id);
    const { raw } = await client.workflow.getHandle(id).describe();
    waiting.push(...(raw.pendingChildren ?? []).flatMap(({ workflowId }) => (workflowId ? [workflowId] : [])));
    for (const { activityType, attempt, lastFailure } of raw.pendingActivities ?? [])
      if ((attempt ?? 1) > 1)
        retries.push({
          workflowId: id,
          what: activityType?.name ?? 'an activity',
          attempt: attempt ?? 1,
          cause: text(lastFailure?.message),
        });
    const task = raw.pendingWorkflowTask;
    if ((task?.attempt ?? 1) > 1)
      retries.push({
        workflowId: id,
        what: 'workflow task',
        attempt: task?.attempt ?? 1,
        cause: 'its worker fails at it or does not answer; see the history in the Temporal UI',
      });
  }
  return retries;
}

/** Workflows that do not answer are not waited for: what they need is told next time. */
async function readApprovals(
  client: Client,
  policy: string,
  running: readonly WorkflowExecutionInfo[],
): Promise<LoopSight['approvals']> {
  const isRunning = (id: string): boolean => running.some(({ workflowId }) => workflowId === id);
  const approvals: { workflowId: string; what: string }[] = [];
  const [trial, rollback] = [workflowIds.trialPolicy(policy), workflowIds.rollbackPolicy(policy)];
  const status = async (id: string): Promise<Record<string, unknown>> => {
    if (!isRunning(id)) return {};
    const query = (): Promise<Record<string, unknown>> => client.workflow.getHandle(id).query(messageNames.status);
    return client.withDeadline(Date.now() + queryWithinMs, query).catch(() => ({}));
  };
  const step = (await status(trial))['step'] as { kind?: string; reason?: string } | null | undefined;
  if (step?.kind === 'awaitingApproval')
    approvals.push({
      workflowId: trial,
      what: `the next stage waits for a person: ${text(step.reason, longestReason)}`,
    });
  const waiting = (await status(rollback))['waiting'] as { version?: string; who?: string } | null | undefined;
  if (waiting)
    approvals.push({
      workflowId: rollback,
      what: `the rollback to ${text(waiting.version)} that ${text(waiting.who)} asked for waits for a person`,
    });
  return approvals;
}
