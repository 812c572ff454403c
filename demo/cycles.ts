import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ScheduleOverlapPolicy, type WorkflowHandle } from '@temporalio/client';

import type { Settings } from '../workers/config.ts';
import type { CycleResult, CycleStatus } from '../workflows/cycle/messages.ts';
import { weeklyScheduleId } from '../activities/schedule-id.ts';
import type { Installation } from './installation.ts';
import { waitFor } from './wait-for.ts';
import { messageNames } from '../domain/contract/message-names.ts';

const followEveryMs = 1_000;

/** The cycle that the weekly schedule has running now, if any. */
export async function runningCycle({ client, policy }: Installation): Promise<WorkflowHandle | undefined> {
  const { info } = await client.schedule.getHandle(weeklyScheduleId(policy)).describe();
  const [running] = info.runningActions;
  return running?.type === 'startWorkflow' ? client.workflow.getHandle(running.workflow.workflowId) : undefined;
}

/** Has the weekly schedule start a cycle now; where one runs already, that one is meant. */
export async function startCycle(installation: Installation): Promise<WorkflowHandle> {
  const { client, policy } = installation;
  const schedule = client.schedule.getHandle(weeklyScheduleId(policy));
  const before = (await schedule.describe()).info.numActionsTaken;
  await schedule.trigger(ScheduleOverlapPolicy.SKIP);
  let started: WorkflowHandle | undefined;
  await waitFor({
    what: `a cycle of the schedule ${weeklyScheduleId(policy)}`,
    say: installation.say,
    lookEveryMs: 200,
    async look() {
      started = await runningCycle(installation);
      if (started === undefined) {
        const { numActionsTaken, recentActions } = (await schedule.describe()).info;
        const last = recentActions.at(-1)?.action;
        if (numActionsTaken > before && last?.type === 'startWorkflow')
          started = client.workflow.getHandle(last.workflow.workflowId);
      }
      return { isDone: started !== undefined, state: 'it started none' };
    },
  });
  if (started === undefined) throw new Error('expected a cycle that was just seen, got none');
  return started;
}

/** Prints the stages of a cycle as it passes them, and how it ended; throws when it has no end of its own. */
export async function followCycle(
  handle: WorkflowHandle,
  { context: { settings }, say }: Installation,
): Promise<CycleResult> {
  let stage = '';
  const startedMs = Date.now();
  const ended = handle.result().then(
    (result) => ({ result: result as CycleResult }),
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const end = await Promise.race([ended, sleep(followEveryMs)]);
    const status = await handle.query<CycleStatus>(messageNames.status).catch(() => undefined);
    if (end === undefined) {
      if (status !== undefined && status.stage !== stage) {
        stage = status.stage;
        say(`  ${stage} …`);
      }
      continue;
    }
    if ('error' in end) {
      const reason = status?.reason ?? reasonOf(end.error);
      say(`  failed: ${reason}`);
      if (status?.reportKey !== undefined) say(`  report    ${reportPlace(settings, status.reportKey)}`);
      throw new Error(`it failed: ${reason}`);
    }
    const { result } = end;
    say(`  ${result.outcome}: ${result.reason}`);
    if (result.candidateVersion !== undefined)
      say(
        `  candidate ${result.candidateVersion}, held-out agreement ${percent(result.accuracyFraction)}, sha256 ${result.modelSha256 ?? 'unknown'}`,
      );
    say(`  report    ${reportPlace(settings, result.reportKey)}`);
    say(`  took      ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    return result;
  }
}

/** `Workflow execution terminated` and the like say little alone; what caused it says more. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

const percent = (fraction: number | null | undefined): string =>
  fraction === null || fraction === undefined ? 'unknown' : `${(fraction * 100).toFixed(1)} %`;

const reportPlace = (settings: Settings, key: string): string =>
  settings.store.kind === 'file' ? path.join(settings.store.directory, key) : `s3://${settings.store.bucket}/${key}`;
