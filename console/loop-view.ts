import type { Client } from '@temporalio/client';
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';

import { messageNames } from '../domain/contract/message-names.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { openCyclesPort } from '../workers/compose.ts';
import { ConsoleError } from './errors.ts';
import { pendingSteps, type RunStep } from './pending-steps.ts';

/** How a run stands, and what it says of itself. */
export interface RunView {
  readonly workflowId: string;
  /** As the Temporal server has it: RUNNING, COMPLETED, FAILED, … */
  readonly run: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
  /** What it answers to its query; null when no worker answers. */
  readonly status: unknown;
  /** What it does now, of runs whose steps are long; at most 20. */
  readonly steps?: readonly RunStep[];
}

export interface RunningCycle {
  readonly cycle: RunView;
  /** What it collects, or trains, with; null at another step, and where nobody tells. */
  readonly collection: RunView | null;
  readonly training: RunView | null;
}

/** What running workflows say. Every question is answered within seconds or fails with `temporalUnavailable`. */
export interface LoopView {
  /** The trial of a policy; null: there is none, and was none lately. */
  trial(policy: string): Promise<RunView | null>;
  /** The steps of that trial that say how far they are. */
  trialSteps(policy: string): Promise<{ readonly abTest: RunView | null; readonly rollout: RunView | null }>;
  rollback(policy: string): Promise<RunView | null>;
  /** One cycle, by its id. */
  cycle(workflowId: string): Promise<RunView | null>;
  /** The cycle of a policy that runs, and the step that it is at; null: none runs. */
  runningCycle(policy: string, robotTypeId: string): Promise<RunningCycle | null>;
}

const answerWithinMs = 3_000;
const mostSteps = 20;

export function temporalLoopView(connect: () => Promise<Client>, taskQueue: string): LoopView {
  /** Since when nothing was answered; undefined: the last question was. */
  let awaySinceMs: number | undefined;
  const inTime = async <T>(work: (client: Client) => Promise<T>): Promise<T | null> => {
    const askedMs = Date.now();
    try {
      const client = await connect();
      const answer = await client.withDeadline(Date.now() + answerWithinMs, () => work(client));
      awaySinceMs = undefined;
      return answer;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        awaySinceMs = undefined;
        return null;
      }
      awaySinceMs ??= askedMs;
      const since = new Date(awaySinceMs).toISOString().replace(/\.\d+Z$/, 'Z');
      throw new ConsoleError(
        'temporalUnavailable',
        `the Temporal server has not answered this console since ${since}; try again later`,
        { cause: error },
      );
    }
  };
  const ended = new EndedStatuses();
  const viewWithSteps = (workflowId: string) => inTime((client) => viewOf(client, workflowId, ended));
  const view = async (workflowId: string): Promise<RunView | null> => {
    const found = await viewWithSteps(workflowId);
    if (found === null) return null;
    const { steps: _, ...run } = found;
    return run;
  };
  const runningView = async (workflowId: string): Promise<RunView | null> => {
    const found = await viewWithSteps(workflowId);
    return found?.run === 'RUNNING' ? found : null;
  };
  return {
    trial: (policy) => view(workflowIds.trialPolicy(policy)),
    trialSteps: async (policy) => {
      const slot = workflowIds.trialPolicy(policy);
      const [abTest, rollout] = await Promise.all([
        view(workflowIds.abTest(slot)),
        view(workflowIds.rolloutPolicy(slot)),
      ]);
      return { abTest, rollout };
    },
    rollback: (policy) => view(workflowIds.rollbackPolicy(policy)),
    cycle: view,
    runningCycle: async (policy, robotTypeId) => {
      const holder = await inTime(async (client) => (await openCyclesPort({ client, taskQueue })).turnHolder(policy));
      const cycle = holder === null ? null : await runningView(holder);
      if (cycle === null) return null;
      const { stage, cycleId } = (cycle.status ?? {}) as { readonly stage?: unknown; readonly cycleId?: unknown };
      return {
        cycle,
        collection: stage === 'collecting' ? await runningView(workflowIds.collectExperience(robotTypeId)) : null,
        training:
          stage === 'training' && typeof cycleId === 'string'
            ? await runningView(workflowIds.trainPolicy(cycleId))
            : null,
      };
    },
  };
}

const mostEnded = 100;

/** What runs that ended answer: it changes no more, and to ask one again makes a worker replay its whole history, which takes a second or more. */
class EndedStatuses {
  readonly #known = new Map<string, unknown>();

  get(runId: string): unknown {
    return this.#known.get(runId);
  }

  keep(runId: string, status: unknown): void {
    if (this.#known.size >= mostEnded) this.#known.clear();
    this.#known.set(runId, status);
  }
}

async function viewOf(client: Client, workflowId: string, ended: EndedStatuses): Promise<RunView> {
  const handle = client.workflow.getHandle(workflowId);
  const { status, startTime, closeTime, raw, runId } = await handle.describe();
  const facts = {
    workflowId,
    run: status.name,
    startedMs: startTime.getTime(),
    endedMs: closeTime?.getTime() ?? null,
    steps: pendingSteps(raw.pendingActivities ?? [], mostSteps),
  };
  const known = closeTime === undefined ? undefined : ended.get(runId);
  if (known !== undefined) return { ...facts, status: known };
  try {
    const said = await client.workflow.getHandle(workflowId, runId).query<unknown>(messageNames.status);
    if (closeTime !== undefined) ended.keep(runId, said);
    return { ...facts, status: said };
  } catch (error) {
    // No worker, or none that answers in time: how the run stands is known all the same.
    if (error instanceof ServiceError || isGrpcServiceError(error)) return { ...facts, status: null };
    throw error;
  }
}
