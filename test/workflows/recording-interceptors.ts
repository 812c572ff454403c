import { proxySinks, type Sinks, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** What a workflow asked for, with its content; a plain replay compares only kind and order. */
export interface RecordedCommand {
  readonly kind: 'activity' | 'timer' | 'child' | 'continueAsNew' | 'result';
  readonly name: string;
  readonly content: unknown;
}

export interface RecordingSinks extends Sinks {
  recorder: { command(command: RecordedCommand): void };
}

/** Sends every command's content out of the sandbox, in replay too. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const { recorder } = proxySinks<RecordingSinks>();
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const result = await next(input);
          recorder.command({ kind: 'result', name: '', content: result });
          return result;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => {
          recorder.command({ kind: 'activity', name: input.activityType, content: input.args });
          return next(input);
        },
        startTimer: (input, next) => {
          recorder.command({ kind: 'timer', name: '', content: input.durationMs });
          return next(input);
        },
        startChildWorkflowExecution: (input, next) => {
          recorder.command({
            kind: 'child',
            name: input.workflowType,
            content: [input.options.workflowId, ...(input.options.args ?? [])],
          });
          return next(input);
        },
        continueAsNew: (input, next) => {
          recorder.command({ kind: 'continueAsNew', name: input.options.workflowType ?? '', content: input.args });
          return next(input);
        },
      },
    ],
  };
};
