import type { RobotType } from '../datasets/robot-type.ts';
import { exportPolicy } from './export-policy.ts';
import { initialParameters } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { networkShape, policySizes } from './policy-io.ts';
import { randomStream } from './random.ts';

/**
 * A small untrained policy, poor on purpose: it gives a new fleet something valid to run, to fall back to and to improve upon.
 * Passes the absolute gates. A pure function of (type, seed). Throws for a robot type without actions.
 */
export function tinyPolicy(type: RobotType, seed: number): Uint8Array {
  const sizes = policySizes(type);
  if (sizes === undefined) throw new Error(`expected a robot type with actions, got ${type.id}, which has none`);
  const shape = networkShape(sizes, { hiddenWidths: [8], taskEmbeddingSize: 2 });
  return exportPolicy(
    {
      shape,
      parameters: initialParameters(shape, randomStream(seed, 'tiny policy')),
      observation: rangeNormalisation(type.observations),
      label: type.actions.kind === 'continuous' ? rangeNormalisation(type.actions.ranges) : undefined,
    },
    type,
  );
}

/** Without data, the documented range stands in: its middle as mean, its width / √12 as deviation, as if readings were uniform. */
const rangeNormalisation = (ranges: readonly { readonly min: number; readonly max: number }[]): Normalisation => ({
  mean: Float32Array.from(ranges, ({ min, max }) => (min + max) / 2),
  scale: Float32Array.from(ranges, ({ min, max }) => (max > min ? Math.sqrt(12) / (max - min) : 0)),
});
