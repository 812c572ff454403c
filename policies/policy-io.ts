import type { RobotType } from '../datasets/robot-type.ts';
import type { NetworkShape } from './network.ts';
import type { ModelPort } from './runtime.ts';
import type { NetworkSpecification } from './specification.ts';

/**
 * What every model.onnx looks like from outside, whoever made it: `observation` float32 [batch, o] in the robot type's units
 * and order, `task` int32 [batch] as index into its tasks (may be missing where there is one task only); out comes
 * `probabilities` float32 [batch, actions] or, for continuous actions, `action` float32 [batch, a] in the robot type's units.
 * The batch size must be open.
 */
export const policyPorts = {
  observation: 'observation',
  task: 'task',
  discrete: 'probabilities',
  continuous: 'action',
} as const;

/** Index into `metadata_props` of a model made here: names and units, no version, time or id. */
export const policyMetadataKey = 'flywheel.policy';

export interface PolicySizes {
  readonly head: 'discrete' | 'continuous';
  readonly observationSize: number;
  readonly actionSize: number;
  readonly taskCount: number;
}

/** Undefined for a robot type without commands: nothing can be learned from it. */
export function policySizes(type: RobotType): PolicySizes | undefined {
  if (type.actions.kind === 'none') return undefined;
  const actionSize = type.actions.kind === 'discrete' ? type.actions.names.length : type.actions.ranges.length;
  return {
    head: type.actions.kind,
    observationSize: type.observations.length,
    actionSize,
    taskCount: type.tasks.length,
  };
}

export const networkShape = (sizes: PolicySizes, specification: NetworkSpecification): NetworkShape => ({
  ...sizes,
  ...specification,
});

export const policyOutput = (head: PolicySizes['head']): string =>
  head === 'discrete' ? policyPorts.discrete : policyPorts.continuous;

/** Everything about a model's inputs and outputs that does not fit the robot type, as sentences; empty when it fits. */
export function ioProblems(
  model: { readonly inputs: readonly ModelPort[]; readonly outputs: readonly ModelPort[] },
  sizes: PolicySizes,
): readonly string[] {
  const wanted = [
    { name: policyPorts.observation, type: 'float32', width: sizes.observationSize, isOptional: false },
    { name: policyPorts.task, type: 'int32', width: undefined, isOptional: sizes.taskCount === 1 },
  ];
  const output = { name: policyOutput(sizes.head), type: 'float32', width: sizes.actionSize, isOptional: false };
  const unknown = model.inputs
    .filter((port) => wanted.every(({ name }) => name !== port.name))
    .map((port) => `expected inputs ${wanted.map(({ name }) => name).join(', ')}, got one more: ${port.name}`);
  return [
    ...unknown,
    ...wanted.flatMap((port) => portProblems('input', port, model.inputs)),
    ...portProblems('output', output, model.outputs),
  ];
}

function portProblems(
  kind: 'input' | 'output',
  wanted: { name: string; type: string; width: number | undefined; isOptional: boolean },
  ports: readonly ModelPort[],
): readonly string[] {
  const shape = wanted.width === undefined ? '[batch]' : `[batch, ${wanted.width}]`;
  const found = ports.find((port) => port.name === wanted.name);
  const expected = `expected ${kind} ${wanted.name} ${wanted.type} ${shape} with an open batch size`;
  if (found === undefined) return wanted.isOptional ? [] : [`${expected}, got none`];
  const rank = wanted.width === undefined ? 1 : 2;
  const width = found.shape[1];
  const fits =
    found.type === wanted.type &&
    found.shape.length === rank &&
    typeof found.shape[0] === 'string' &&
    (rank === 1 || width === wanted.width || (kind === 'output' && typeof width === 'string'));
  return fits ? [] : [`${expected}, got ${found.type} [${found.shape.join(', ')}]`];
}
