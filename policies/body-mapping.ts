import type { RobotType } from '../datasets/robot-type.ts';
import { highestIndex } from './agreement.ts';
import { policySizes, type PolicySizes } from './policy-io.ts';
import { seenCamerasOf } from './seen-images.ts';
import {
  bodyName,
  isSameBody,
  modelSizesOf,
  versionBodiesProblems,
  type BodyReference,
  type VersionBodies,
  type VersionBody,
} from './version-bodies.ts';

/** How one robot's readings become a model's inputs, and the model's answer the robot's action. */
export interface BodyMapping {
  /** The model's inputs; not finite where a scaled reading leaves the range of float32. `observation` has the body's size. */
  readonly inputsOf: (observation: ArrayLike<number>) => Float32Array;
  /** As a robot's program takes it: one index of its own actions if they are discrete, else one number for each of its ranges. */
  readonly actionOf: (answer: Float32Array) => readonly number[];
}

/** A robot's body and a model that serves it. */
export interface ServedBody {
  /** Of the model, not of the body. */
  readonly sizes: Omit<PolicySizes, 'taskCount'>;
  readonly mapping: BodyMapping;
}

/** Why a version cannot run on a robot. */
export interface NotServed {
  /** `wrongRobotType`: not for this body · `cannotLoad`: what it says of this body cannot be. */
  readonly refusal: 'wrongRobotType' | 'cannotLoad';
  readonly problem: string;
}

interface ServingVersion {
  /** Robot type of the manifest: the model's own body. */
  readonly model: BodyReference;
  /** Undefined for a version that serves its own body alone. */
  readonly bodies: VersionBodies | undefined;
}

/** How a robot with the body `own`, whose document is `type`, runs a version; or why it must not. */
export function servedBody(
  { model, bodies }: ServingVersion,
  type: RobotType,
  own: BodyReference,
): ServedBody | NotServed {
  if (bodies === undefined) return ownBody(model, type, own);
  const [problem] = versionBodiesProblems(bodies, model);
  if (problem !== undefined) return { refusal: 'cannotLoad', problem };
  const body = bodies.bodies.find(({ robotType }) => isSameBody(robotType, own));
  if (body === undefined) {
    const served = bodies.bodies.map(({ robotType }) => bodyName(robotType)).join(', ');
    return {
      refusal: 'wrongRobotType',
      problem: `expected a policy that serves ${bodyName(own)}, got one for ${served}`,
    };
  }
  const mapping = mappingFor(body, type);
  return 'problem' in mapping
    ? { refusal: 'cannotLoad', problem: mapping.problem }
    : { sizes: { ...modelSizesOf(bodies, model), ...camerasOfBody(type) }, mapping };
}

/** Cameras have no map: one of the same name and learned size is the same on every body. */
const camerasOfBody = (type: RobotType): Pick<PolicySizes, 'cameras'> =>
  type.cameras === undefined ? {} : { cameras: seenCamerasOf(type) };

function ownBody(model: BodyReference, type: RobotType, own: BodyReference): ServedBody | NotServed {
  if (model.id !== own.id || model.version !== own.version)
    return {
      refusal: 'cannotLoad',
      problem: `expected a policy for ${own.id}@${own.version}, got one for ${model.id}@${model.version}`,
    };
  if (model.digest !== own.digest)
    return {
      refusal: 'wrongRobotType',
      problem: `expected a policy for ${own.id} with digest ${own.digest}, got one for ${model.digest}`,
    };
  const sizes = policySizes(type);
  if (sizes === undefined) return { refusal: 'cannotLoad', problem: `robot type ${type.id} has no actions to decide` };
  return { sizes, mapping: plainMapping(sizes.head) };
}

/** For a robot of the model's own body: everything as it is. */
export const plainMapping = (head: PolicySizes['head']): BodyMapping => ({
  inputsOf: (observation) => Float32Array.from(observation),
  actionOf: (answer) => (head === 'discrete' ? [highestIndex(answer)] : [...answer]),
});

/** The mapping for robots of this type, or what does not fit, as a sentence: every name must be one that the type has. */
export function mappingFor(
  body: Pick<VersionBody, 'observations' | 'actions'>,
  type: Pick<RobotType, 'observations' | 'actions'>,
): BodyMapping | { readonly problem: string } {
  const indexes = indexesOf(type.observations.map(({ name }) => name));
  if (indexes.size < type.observations.length) return { problem: 'expected every reading once, got one name twice' };
  const inputs: { readonly index: number; readonly factor: number; readonly offset: number }[] = [];
  for (const each of body.observations) {
    const index = 'fill' in each ? -1 : indexes.get(each.from);
    if (index === undefined) return { problem: `expected readings that this robot has, got ${nameOf(each)}` };
    inputs.push('fill' in each ? { index, factor: 0, offset: each.fill } : { ...each, index });
  }
  const actionOf = actionsFor(body.actions, type.actions);
  if ('problem' in actionOf) return actionOf;
  const inputsOf: BodyMapping['inputsOf'] = (observation) =>
    Float32Array.from(inputs, ({ index, factor, offset }) =>
      index < 0 ? offset : factor * (observation[index] ?? Number.NaN) + offset,
    );
  return { inputsOf, actionOf };
}

function actionsFor(
  actions: VersionBody['actions'],
  own: RobotType['actions'],
): BodyMapping['actionOf'] | { readonly problem: string } {
  if (actions.kind === 'discrete' && own.kind === 'discrete') return discreteActions(actions.names, own.names);
  if (actions.kind === 'continuous' && own.kind === 'continuous') {
    const names = own.ranges.map(({ name }) => name);
    return continuousActions(actions.ranges, names);
  }
  return { problem: `expected ${own.kind} actions, as this robot has, got ${actions.kind}` };
}

/** What the body cannot do is never chosen: the best of the rest is. */
function discreteActions(
  names: readonly (string | null)[],
  own: readonly string[],
): BodyMapping['actionOf'] | { readonly problem: string } {
  const indexes = indexesOf(own);
  const outputs: { readonly output: number; readonly action: number }[] = [];
  for (const [output, name] of names.entries()) {
    if (name === null) continue;
    const action = indexes.get(name);
    if (action === undefined) return { problem: `expected actions that this robot has, got ${JSON.stringify(name)}` };
    outputs.push({ output, action });
  }
  if (outputs.length === 0) return { problem: 'expected at least one action that this robot has, got none' };
  return (answer) => {
    const best = highestIndex(outputs.map(({ output }) => answer[output] ?? Number.NaN));
    return [outputs[best]?.action ?? 0];
  };
}

function continuousActions(
  ranges: Extract<VersionBody['actions'], { kind: 'continuous' }>['ranges'],
  own: readonly string[],
): BodyMapping['actionOf'] | { readonly problem: string } {
  const wrong = Math.max(ranges.length, own.length);
  for (let index = 0; index < wrong; index += 1)
    if (ranges[index]?.name !== own[index])
      return {
        problem: `expected the actions of this robot in their order, got ${JSON.stringify(ranges[index]?.name ?? null)} for ${JSON.stringify(own[index] ?? null)}`,
      };
  return (answer) =>
    ranges.map((range) =>
      'fill' in range ? range.fill : range.factor * (answer[range.from] ?? Number.NaN) + range.offset,
    );
}

const indexesOf = (names: readonly string[]): ReadonlyMap<string, number> =>
  new Map(names.map((name, index) => [name, index]));

const nameOf = (each: VersionBody['observations'][number]): string =>
  'fill' in each ? 'a constant' : JSON.stringify(each.from);
