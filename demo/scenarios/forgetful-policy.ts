import { policyPorts } from '../../policies/policy-io.ts';
import { turningLeftWhere } from './turning-left-where.ts';

const all = 'batch';

/**
 * A policy that answers as `model` does, but in one task it turns into the wall on its left, whatever it sees. No episode of
 * that task, no offline gate that could know. `task`: index into the robot type's tasks.
 */
export const forgetfulPolicy = (model: Uint8Array, task: number): Uint8Array =>
  turningLeftWhere(model, 'forgetting', (graph) => {
    const asked = { name: policyPorts.task, type: 'int32', shape: [all] } as const;
    const forgotten = graph.constant('task', Int32Array.of(task), [1]);
    const isForgotten = graph.node('Equal', [asked, forgotten], [all], {}, 'bool');
    const axis = graph.constant('axis', BigInt64Array.of(1n), [1]);
    return graph.node('Unsqueeze', [isForgotten, axis], [all, 1]);
  });
