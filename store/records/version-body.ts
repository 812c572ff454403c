import {
  actionMap,
  observationMap,
  partialObservations,
  type BodyMap,
  type MappedValue,
} from '../../datasets/bodies/body-map.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { isFailure } from '../failures.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import { readRobotType, readRobotTypeVersions } from './robot-types.ts';

/** A registered version whose own body is another version of the robot type. */
export interface VersionBody {
  readonly type: RobotType;
  /** Its readings from those of `type`; undefined for one that nothing can be read from. */
  readonly readings: readonly (MappedValue | undefined)[];
  /** Its actions as those of `type`. */
  readonly actions: BodyMap['actions'];
  /** Why not every reading of it can be had; undefined where each can. */
  readonly incomplete: string | undefined;
}

/** The robot type that a version was made for, as its manifest says; undefined for one that nobody registered. */
export async function readMadeFor(
  store: ObjectStore,
  policy: string,
  version: string,
): Promise<ModelManifest['robotType'] | undefined> {
  const key = modelFile(policy, version, 'manifest.json');
  return (await readJson(store, key, signedManifestSchema))?.manifest.robotType;
}

/**
 * How a registered version is read for `type`, whose body it was not made for. Undefined where it is its own or reads the same, and where its robot
 * type has gone: then it is taken as it is. A text says why the one cannot be read as the other.
 */
export async function readVersionBody(
  store: ObjectStore,
  type: RobotType,
  policy: string,
  version: string,
): Promise<VersionBody | string | undefined> {
  const robotType = await readMadeFor(store, policy, version);
  if (robotType === undefined || robotType.digest === robotTypeDigest(type) || robotType.id !== type.id)
    return undefined;
  const own = await documentOf(store, robotType);
  if (own === undefined) return undefined;
  const chain = await readRobotTypeVersions(store, type.id);
  const readings = partialObservations({ from: type, to: own, chain });
  const actions = actionMap({ from: own, to: type, chain });
  if ('reason' in readings || 'reason' in actions) {
    if (layoutOf(own) === layoutOf(type)) return undefined;
    return [readings, actions].flatMap((found) => ('reason' in found ? [found.reason] : []))[0];
  }
  if (isSameReading(own, type, readings, actions)) return undefined;
  const whole = observationMap({ from: type, to: own, chain });
  return { type: own, readings, actions, incomplete: 'reason' in whole ? whole.reason : undefined };
}

const named = ({ name, unit }: { readonly name: string; readonly unit: string }) => [name, unit];

/** What a model reads and answers, in its order. */
function layoutOf({ observations, actions }: RobotType): string {
  const answers =
    actions.kind === 'continuous' ? actions.ranges.map(named) : actions.kind === 'discrete' && actions.names;
  return JSON.stringify([observations.map(named), answers]);
}

const isSame = (value: MappedValue | undefined, name: string | undefined): boolean =>
  value !== undefined && 'from' in value && value.from === name && value.factor === 1 && value.offset === 0;

/** Whether the rules between two bodies of one layout change nothing. */
function isSameReading(
  own: RobotType,
  type: RobotType,
  readings: VersionBody['readings'],
  actions: VersionBody['actions'],
): boolean {
  if (layoutOf(own) !== layoutOf(type)) return false;
  if (!readings.every((value, index) => isSame(value, own.observations[index]?.name))) return false;
  if (actions.kind === 'continuous') return actions.ranges.every((range) => isSame(range, range.name));
  if (actions.kind !== 'discrete' || own.actions.kind !== 'discrete') return true;
  const { names } = own.actions;
  return actions.names.every((name, index) => name === names[index]);
}

async function documentOf(
  store: ObjectStore,
  { id, version, digest }: { readonly id: string; readonly version: number; readonly digest: string },
): Promise<RobotType | undefined> {
  try {
    const type = await readRobotType(store, id, version);
    return robotTypeDigest(type) === digest ? type : undefined;
  } catch (error) {
    if (isFailure(error, 'NotFound')) return undefined;
    throw error;
  }
}
