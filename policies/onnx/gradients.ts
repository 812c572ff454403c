import type { Graph, Value } from './graph.ts';

/**
 * Adds the backward pass of everything built so far: the gradient of the scalar `loss` with respect to each of
 * `parameters`, each of its parameter's shape. Only paths that lead to a parameter are built. Throws for a parameter the
 * loss does not depend on, because training it would silently do nothing.
 */
export function gradients(graph: Graph, loss: Value, parameters: readonly Value[]): readonly Value[] {
  const tape = [...graph.tape];
  const reachesParameter = new Set(parameters.map((value) => value.name));
  for (const entry of tape)
    if (entry.inputs.some((input) => reachesParameter.has(input.name))) reachesParameter.add(entry.output.name);

  const found = new Map<string, Value>([[loss.name, graph.scalar(1)]]);
  for (const entry of tape.toReversed()) {
    const upstream = found.get(entry.output.name);
    if (upstream === undefined || !reachesParameter.has(entry.output.name)) continue;
    const wanted = entry.inputs.map((input) => reachesParameter.has(input.name));
    entry.backward(upstream, wanted).forEach((gradient, position) => {
      const input = entry.inputs[position];
      if (input === undefined || gradient === undefined || wanted[position] !== true) return;
      const earlier = found.get(input.name);
      found.set(input.name, earlier === undefined ? gradient : graph.node('Add', [earlier, gradient], input.shape));
    });
  }
  return parameters.map((parameter) => {
    const gradient = found.get(parameter.name);
    if (gradient === undefined) throw new Error(`expected the loss to depend on ${parameter.name}, it does not`);
    return gradient;
  });
}
