import { wallFollowingActions } from '../../datasets/wall-following-rule.ts';
import { createGraph } from '../../policies/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../policies/onnx/wire-format.ts';
import { policyPorts } from '../../policies/policy-io.ts';
import { answersRenamed } from './renamed-answers.ts';

const remembered = 'remembered';
const all = 'batch';
const actions = Object.keys(wallFollowingActions).length;

/**
 * A policy that answers as `model` does, but in one task it turns into the wall on its left, whatever it sees. No episode of
 * that task, no offline gate that could know. `task`: index into the robot type's tasks.
 */
export function forgetfulPolicy(model: Uint8Array, task: number): Uint8Array {
  const known = decodeModel(model);
  const rest = createGraph('forgetting', 'forgetting_');
  const answers = { name: remembered, type: 'float32', shape: [all, actions] } as const;
  const asked = { name: policyPorts.task, type: 'int32', shape: [all] } as const;
  const forgotten = rest.constant('task', Int32Array.of(task), [1]);
  const isForgotten = rest.node('Equal', [asked, forgotten], [all], {}, 'bool');
  const axis = rest.constant('axis', BigInt64Array.of(1n), [1]);
  const row = rest.node('Unsqueeze', [isForgotten, axis], [all, 1]);
  const always = Float32Array.from({ length: actions }, (_, action) =>
    action === wallFollowingActions.slightLeftTurn ? 1 : 0,
  );
  const left = rest.constant('left', always, [1, actions]);
  rest.output(policyPorts.discrete, rest.node('Where', [row, left, answers], [all, actions], {}, 'float32'));
  const { node, initializer, output } = rest.wire();
  return encodeModel({
    ...known,
    graph: {
      ...known.graph,
      node: [...answersRenamed(known.graph.node, remembered), ...node],
      initializer: [...known.graph.initializer, ...initializer],
      output,
    },
  });
}
