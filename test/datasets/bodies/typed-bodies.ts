import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { Follows } from '../../../datasets/bodies/follows.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';

export const feature = (name: string, more: object = {}) => ({ name, unit: '1', min: -1e6, max: 1e6, ...more });

interface BodyWords {
  readonly version: number;
  readonly features: readonly string[];
  readonly ranges?: readonly string[];
  readonly names?: readonly string[];
  readonly follows?: Follows;
}

/** A robot type with these features, and continuous `ranges`, discrete `names` or two discrete actions. */
export const body = ({ version, features, ranges, names = ['go', 'stop'], follows }: BodyWords): RobotType =>
  robotTypeSchema.parse({
    ...scitosG5Type,
    id: 'rover',
    version,
    observations: features.map((name) => feature(name)),
    actions: ranges
      ? { kind: 'continuous', ranges: ranges.map((name) => feature(name)) }
      : { kind: 'discrete', names: [...names] },
    ...(follows === undefined ? {} : { follows }),
  });
