import type { RobotType } from '../datasets/robot-type.ts';
import { isHorizon, type ChunkPlan } from './chunks.ts';
import { imagesOfPort } from './image-windows.ts';
import type { CameraShape } from './images/camera-layers.ts';
import type { NetworkShape } from './network.ts';
import { misfitAdvice, missingAdvice } from './port-advice.ts';
import type { ModelPort } from './runtime.ts';
import { cameraOfPort, seenCamerasOf, type SeenCamera } from './seen-images.ts';
import type { NetworkSpecification } from './specification.ts';
import { isHistory } from './windows.ts';

/**
 * What every model.onnx looks like from outside, whoever made it: `observation` float32 [batch, o] in the robot type's units
 * and order, `task` int32 [batch] as index into its tasks (may be missing where there is one task only); out comes
 * `probabilities` float32 [batch, actions] or, for continuous actions, `action` float32 [batch, a] in the robot type's units.
 * The batch size must be open. A model that reads history (contract 2) has `observation` float32 [batch, frames, o], oldest first, the present last. One that sees has beside these, for any of the robot type's cameras,
 * `image.<camera>` uint8 [batch, height, width, 3] of its learned size, or [batch, images, height, width, 3], oldest first. One that answers a chunk has [batch, steps, actions] as its output, the present action first.
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
  /** What a model may see; absent for a robot type without cameras. */
  readonly cameras?: readonly SeenCamera[];
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
    ...(type.cameras === undefined ? {} : { cameras: seenCamerasOf(type) }),
  };
}

/** `images`: how the network sees each of its cameras; left out for one of readings alone. `history`: frames that it reads at once; `chunk`: actions that it answers at once. */
export const networkShape = (
  { head, observationSize, actionSize, taskCount }: PolicySizes,
  specification: NetworkSpecification,
  images: readonly CameraShape[] = [],
  history = 1,
  chunk?: ChunkPlan,
): NetworkShape => ({
  head,
  observationSize: observationSize * history,
  ...(history === 1 ? {} : { history }),
  actionSize: actionSize * (chunk?.horizon ?? 1),
  ...(chunk === undefined ? {} : { chunk }),
  taskCount,
  ...specification,
  ...(images.length === 0 ? {} : { images }),
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
  const more = model.inputs.filter((port) => wanted.every(({ name }) => name !== port.name));
  return [
    ...more
      .filter(({ name }) => cameraOfPort(name) === undefined)
      .map((port) => `expected inputs ${wanted.map(({ name }) => name).join(', ')}, got one more: ${port.name}`),
    ...more.flatMap((port) => imageProblems(port, cameraOfPort(port.name), sizes.cameras ?? [])),
    ...wanted.flatMap((port) => portProblems('input', port, withoutHistory(model.inputs), more)),
    ...portProblems(
      'output',
      output,
      withoutSteps(model.outputs, output.name),
      model.outputs.filter(({ name }) => name !== output.name),
    ),
  ];
}

/** As if each reading axis of history were not there. */
const withoutHistory = (ports: readonly ModelPort[]): readonly ModelPort[] =>
  ports.map((port) => {
    const [batch, frames, size] = port.shape;
    const reads = port.name === policyPorts.observation && port.shape.length === 3 && isHistory(frames);
    return reads && batch !== undefined && size !== undefined ? { ...port, shape: [batch, size] } : port;
  });

/** As if the axis of a chunk's actions were not there. */
const withoutSteps = (ports: readonly ModelPort[], name: string): readonly ModelPort[] =>
  ports.map((port) => {
    const [batch, steps, size] = port.shape;
    const answers = port.name === name && port.shape.length === 3 && isHorizon(steps);
    return answers && batch !== undefined && typeof size === 'number' ? { ...port, shape: [batch, size] } : port;
  });

function imageProblems(port: ModelPort, name: string | undefined, cameras: readonly SeenCamera[]): readonly string[] {
  if (name === undefined) return [];
  const camera = cameras.find((each) => each.name === name);
  if (camera === undefined) {
    const known = cameras.length === 0 ? 'no images: the robot type has no cameras' : `images of ${namesOf(cameras)}`;
    return [`expected ${known}, got an input ${port.name}`];
  }
  const sizes = [camera.height, camera.width, 3];
  const [batch, ...axes] = port.shape;
  const own = imagesOfPort(port) > 1 ? axes.slice(1) : axes;
  const fits =
    port.type === 'uint8' &&
    typeof batch === 'string' &&
    own.length === sizes.length &&
    sizes.every((size, index) => own[index] === size);
  return fits
    ? []
    : [
        `expected input ${port.name} uint8 [batch, ${sizes.join(', ')}] with an open batch size, or [batch, images, ${sizes.join(', ')}] of 2 to 16 at once, got ${port.type} [${port.shape.join(', ')}]`,
      ];
}

const namesOf = (cameras: readonly SeenCamera[]): string => cameras.map(({ name }) => name).join(', ');

function portProblems(
  kind: 'input' | 'output',
  wanted: { name: string; type: string; width: number | undefined; isOptional: boolean },
  ports: readonly ModelPort[],
  others: readonly ModelPort[],
): readonly string[] {
  const shape = wanted.width === undefined ? '[batch]' : `[batch, ${wanted.width}]`;
  const found = ports.find((port) => port.name === wanted.name);
  const expected = `expected ${kind} ${wanted.name} ${wanted.type} ${shape} with an open batch size`;
  if (found === undefined)
    return wanted.isOptional ? [] : [`${expected}, got none${missingAdvice({ kind, ...wanted }, others)}`];
  const rank = wanted.width === undefined ? 1 : 2;
  const width = found.shape[1];
  const fits =
    found.type === wanted.type &&
    found.shape.length === rank &&
    typeof found.shape[0] === 'string' &&
    (rank === 1 || width === wanted.width || (kind === 'output' && typeof width === 'string'));
  return fits
    ? []
    : [`${expected}, got ${found.type} [${found.shape.join(', ')}]${misfitAdvice({ kind, ...wanted }, found)}`];
}
