import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

import type { ParsedInput, WorkflowName } from '../../activities/workflow-inputs.ts';
import { inputActivities } from './activity-proxies.ts';

/** The input with its defaults; ends the workflow at once, naming the field, when a person typed something else. */
export async function parsedInput<Name extends WorkflowName>(
  workflow: Name,
  input: unknown,
): Promise<ParsedInput<Name>> {
  try {
    return (await inputActivities().parseInput({ workflow, input })) as ParsedInput<Name>;
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw error.cause;
    throw error;
  }
}
