import { wallFollowingActions } from '../../datasets/wall-following-rule.ts';
import { createGraph, type Graph, type Value } from '../../policies/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../policies/onnx/wire-format.ts';
import { policyPorts } from '../../policies/policy-io.ts';

const remembered = 'remembered';
const all = 'batch';
const actions = Object.keys(wallFollowingActions).length;

/** A wall follower that answers as `model` does, but turns left wherever `condition` gives true, [batch, 1]. `name` is its graph's. */
export function turningLeftWhere(model: Uint8Array, name: string, condition: (graph: Graph) => Value): Uint8Array {
  const known = decodeModel(model);
  const rest = createGraph(name, `${name}_`);
  const answers = { name: remembered, type: 'float32', shape: [all, actions] } as const;
  const isTurning = condition(rest);
  const always = Float32Array.from({ length: actions }, (_, action) =>
    action === wallFollowingActions.slightLeftTurn ? 1 : 0,
  );
  const left = rest.constant('left', always, [1, actions]);
  rest.output(policyPorts.discrete, rest.node('Where', [isTurning, left, answers], [all, actions], {}, 'float32'));
  const { node, initializer, output } = rest.wire();
  // What the model answered gets another name, so that what is built around it has the last word.
  const renamed = known.graph.node.map((each) => ({
    ...each,
    output: each.output.map((port) => (port === policyPorts.discrete ? remembered : port)),
  }));
  const { graph } = known;
  return encodeModel({
    ...known,
    graph: { ...graph, node: [...renamed, ...node], initializer: [...graph.initializer, ...initializer], output },
  });
}
