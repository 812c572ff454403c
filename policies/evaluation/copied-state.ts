import type { RobotType } from '../../datasets/robot-type.ts';
import { isStateMeasured, measuredColumns } from '../measured-state.ts';
import { policyPorts } from '../policy-io.ts';
import { float32Tensor, type GraphSession } from '../runtime.ts';

/**
 * The policy that repeats what is measured: stay where you are. A learned policy that is not better than this has learned
 * nothing. An action that is not measured stays in the middle of its range. Undefined for types without measured actions.
 */
export function copiedState(type: RobotType): GraphSession | undefined {
  if (type.actions.kind !== 'continuous' || !isStateMeasured(type)) return undefined;
  const sources = measuredColumns(type);
  const middles = type.actions.ranges.map(({ min, max }) => (min + max) / 2);
  return {
    inputs: [{ name: policyPorts.observation, type: 'float32', shape: ['batch', type.observations.length] }],
    outputs: [{ name: policyPorts.continuous, type: 'float32', shape: ['batch', middles.length] }],
    async run(feeds) {
      const { data, shape } = feeds[policyPorts.observation] ?? { data: new Float32Array(0), shape: [0, 1] };
      const [rows = 0, width = 1] = shape;
      const values = Float32Array.from({ length: rows * middles.length }, (_, index) => {
        const column = sources[index % middles.length];
        const row = Math.floor(index / middles.length);
        return column === undefined ? (middles[index % middles.length] ?? 0) : Number(data[row * width + column]);
      });
      return { [policyPorts.continuous]: float32Tensor(values, [rows, middles.length]) };
    },
    close: async () => undefined,
  };
}
