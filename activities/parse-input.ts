import { failure } from './failures.ts';
import { describeIssues } from './json-objects.ts';
import { workflowInputSchemas, type ParsedInput, type WorkflowName } from './workflow-inputs.ts';

/** Fills defaults into what a person typed, or fails at once with `InvalidInput` that names the field. Pure, so idempotent. */
export async function parseInput<Name extends WorkflowName>(input: {
  workflow: Name;
  input: unknown;
}): Promise<ParsedInput<Name>> {
  const parsed = workflowInputSchemas[input.workflow].safeParse(input.input ?? {});
  if (parsed.success) return parsed.data as ParsedInput<Name>;
  throw failure('InvalidInput', `${input.workflow}: ${describeIssues(parsed.error)}`);
}
