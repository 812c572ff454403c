import { failure } from '../store/failures.ts';
import { describeIssues } from '../domain/describe-issues.ts';
import { workflowInputSchemas, type ParsedInput, type WorkflowName } from './workflow-inputs.ts';

/** How fast a fleet day passes where nobody says: that of the installation. */
export type TrialProfile = 'real' | 'compressed';

/** The profile of the installation where the input names none: of a trial, of the fleet's monitor, of a cycle's trial. */
export function withProfile(workflow: WorkflowName, input: unknown, profile: TrialProfile): unknown {
  if (typeof input !== 'object' || Array.isArray(input)) return input;
  const given = { ...input } as Record<string, unknown>;
  if (workflow === 'weeklyCycle') {
    const { trial = {} } = given;
    if (typeof trial !== 'object' || trial === null || Array.isArray(trial)) return given;
    return { ...given, trial: { profile, ...trial } };
  }
  return ['trialPolicy', 'abTest', 'rolloutPolicy', 'fleetMonitor', 'keepStore', 'keepFacts', 'keepMirror'].includes(
    workflow,
  )
    ? { profile, ...given }
    : given;
}

/** The same as {@link parseInput} with the installation's profile. */
export const parseInputWith =
  (profile: TrialProfile): typeof parseInput =>
  ({ workflow, input }) =>
    parseInput({ workflow, input: withProfile(workflow, input ?? {}, profile) });

/** Fills defaults into what a person typed, or fails at once with `InvalidInput` that names the field. Pure, so idempotent. */
export async function parseInput<Name extends WorkflowName>(input: {
  workflow: Name;
  input: unknown;
}): Promise<ParsedInput<Name>> {
  const parsed = workflowInputSchemas[input.workflow].safeParse(input.input ?? {});
  if (parsed.success) return parsed.data as ParsedInput<Name>;
  throw failure('InvalidInput', `${input.workflow}: ${describeIssues(parsed.error)}`);
}
