import { fileURLToPath } from 'node:url';

import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker, type InjectedSinks, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

import type { RecordedCommand, RecordingSinks } from './recording-interceptors.ts';

type History = ReturnType<typeof historyFromJSON>;

export interface RecordedHistory {
  readonly name: string;
  readonly workflowId: string;
  readonly history: unknown;
}

const quiet = (): void => undefined;

/** Workflow code at `workflowsPath` with the recording interceptors in it. */
export const replayBundle = (workflowsPath: URL): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(workflowsPath),
    workflowInterceptorModules: [fileURLToPath(new URL('./recording-interceptors.ts', import.meta.url))],
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  });

/**
 * Replays histories against the code and compares what the code asks for now, content included, with what each history holds. Gives
 * the first difference in words of each that has one, by name. Histories are of different runs.
 */
export async function replayDifferences(
  bundle: WorkflowBundleWithSourceMap,
  recorded: readonly RecordedHistory[],
): Promise<ReadonlyMap<string, string>> {
  const asked = new Map<string, RecordedCommand[]>();
  const sinks: InjectedSinks<RecordingSinks> = {
    recorder: {
      command: {
        fn: ({ runId }, command) => void asked.set(runId, [...(asked.get(runId) ?? []), command]),
        callDuringReplay: true,
      },
    },
  };
  const byRun = new Map(
    recorded.map(({ name, workflowId, history }) => {
      const parsed = historyFromJSON(history);
      return [runIdOf(parsed), { name, workflowId, history: parsed }];
    }),
  );
  if (byRun.size < recorded.length) throw new Error('expected histories of different runs');
  const differences = new Map<string, string>();
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle: bundle, sinks }, byRun.values())) {
    const replayed = byRun.get(runId);
    if (replayed === undefined) throw new Error(`expected a run that was given, got ${runId}`);
    byRun.delete(runId);
    const difference = error?.message ?? firstDifference(commandsOf(replayed.history), asked.get(runId) ?? []);
    if (difference !== undefined) differences.set(replayed.name, difference);
  }
  for (const { name } of byRun.values()) differences.set(name, 'was not replayed');
  return differences;
}

const runIdOf = ({ events }: History): string =>
  events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';

function firstDifference(expected: readonly RecordedCommand[], got: readonly RecordedCommand[]): string | undefined {
  for (let index = 0; index < Math.max(expected.length, got.length); index += 1) {
    const [want, have] = [canonical(expected[index]), canonical(got[index])];
    if (want !== have) return `command ${index}: the history holds ${want}, the code asks for ${have}`;
  }
  return undefined;
}

/** As JSON carries it: a payload has no `undefined`. */
const canonical = (command: RecordedCommand | undefined): string =>
  JSON.stringify(command === undefined ? 'nothing' : [command.kind, command.name, command.content ?? null]);

function commandsOf(history: History): RecordedCommand[] {
  return (history.events ?? []).flatMap((event): RecordedCommand[] => {
    const activity = event.activityTaskScheduledEventAttributes;
    if (activity)
      return [{ kind: 'activity', name: activity.activityType?.name ?? '', content: values(activity.input) }];
    const timer = event.timerStartedEventAttributes;
    if (timer) {
      const { seconds, nanos } = timer.startToFireTimeout ?? {};
      return [{ kind: 'timer', name: '', content: Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6 }];
    }
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
    if (child)
      return [
        { kind: 'child', name: child.workflowType?.name ?? '', content: [child.workflowId, ...values(child.input)] },
      ];
    const next = event.workflowExecutionContinuedAsNewEventAttributes;
    if (next) return [{ kind: 'continueAsNew', name: next.workflowType?.name ?? '', content: values(next.input) }];
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed) return [{ kind: 'result', name: '', content: values(completed.result)[0] }];
    return [];
  });
}

type Payloads = NonNullable<NonNullable<History['events']>[number]['activityTaskScheduledEventAttributes']>['input'];

const values = (payloads: Payloads): unknown[] =>
  (payloads?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
