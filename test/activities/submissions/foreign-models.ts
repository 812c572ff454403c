import { createGraph } from '../../../policies/onnx/graph.ts';

/**
 * Models as another project would make them: one linear layer, names of their own inside, no metadata of ours. `biases` are
 * the logits of the actions; the observation hardly matters.
 */
export function foreignModel(
  biases: readonly number[],
  ports: { observation?: string; output?: string; width?: number } = {},
): Uint8Array {
  const { observation: name = 'observation', output = 'probabilities', width = 2 } = ports;
  const actions = biases.length;
  const graph = createGraph('torch_jit');
  const observation = graph.input(name, 'float32', ['batch', width]);
  graph.input('task', 'int32', ['batch']);
  const weight = graph.constant('fc.weight', new Float32Array(width * actions), [width, actions]);
  const bias = graph.constant('fc.bias', Float32Array.from(biases), [actions]);
  const product = graph.node('MatMul', [observation, weight], ['batch', actions]);
  const logits = graph.node('Add', [product, bias], ['batch', actions]);
  graph.output(output, graph.node('Softmax', [logits], ['batch', actions], { axis: 1 }));
  return graph.encode({ producer: 'another project' });
}
