import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { createGraph, type Graph, type Value } from '../../../policies/onnx/graph.ts';

const inputs = scitosG5Type.observations.length;
const actions = 4;
const int64 = 7;

/** A reading above this makes a bad policy bad; no golden input has one. */
export const fatalReading = 1_000;

/** What an observation with the fatal reading looks like, and what a sound one. */
export const fatalObservation = new Float32Array(inputs).fill(2 * fatalReading);
export const soundObservation = new Float32Array(inputs).fill(1);

/** A sound policy whose answer is the sum of what it should be and 0 times something that is harmless below the fatal reading. */
function policyWith(extra: (graph: Graph, excess: Value) => Value): Uint8Array {
  const graph = createGraph('bad');
  const observation = graph.input('observation', 'float32', ['batch', inputs]);
  const largest = graph.node('ReduceMax', [observation], [], { keepdims: 0 });
  const excess = graph.node('Relu', [graph.node('Sub', [largest, graph.scalar(fatalReading)], [])], []);
  const weights = graph.constant(
    'weights',
    Float32Array.from({ length: inputs * actions }, (_, index) => ((index * 7) % 11) / 11 - 0.5),
    [inputs, actions],
  );
  const logits = graph.node('MatMul', [observation, weights], ['batch', actions]);
  const shifted = graph.node('Add', [logits, extra(graph, excess)], ['batch', actions]);
  graph.output('probabilities', graph.node('Softmax', [shifted], ['batch', actions], { axis: 1 }));
  return graph.encode();
}

/** Turns of a loop: none below the fatal reading, more than anybody waits for above it (or `always`). */
const endless = (graph: Graph, excess: Value, always: boolean): Value => {
  const asked = always ? graph.scalar(1e18) : graph.node('Mul', [excess, graph.scalar(1e15)], []);
  const turns = graph.node('Cast', [asked], [], { to: int64 }, 'int64');
  const { state } = graph.loop(turns, [graph.scalar(0)], (body, _, [value]) => ({
    state: [body.node('Sin', [value ?? body.scalar(0)], [])],
    results: [],
  }));
  return state[0] ?? graph.scalar(0);
};

/** Answers for ever on one reading. */
export const hangsOnReading = (): Uint8Array => policyWith((graph, excess) => endless(graph, excess, false));
/** Answers for ever on everything. */
export const hangsAlways = (): Uint8Array => policyWith((graph, excess) => endless(graph, excess, true));
/** Asks for 40 GB on one reading. */
export const devoursMemory = (): Uint8Array =>
  policyWith((graph, excess) => {
    const many = graph.node('Mul', [excess, graph.scalar(1e7)], []);
    const size = graph.node('Cast', [many], [], { to: int64 }, 'int64');
    const shape = graph.node('Reshape', [size, graph.constant('one', BigInt64Array.of(1n), [1])], [1], {}, 'int64');
    const zeros = graph.node('Expand', [graph.scalar(0), shape], ['many']);
    return graph.node('ReduceSum', [graph.node('Sin', [zeros], ['many'])], [], { keepdims: 0 });
  });

/** Sound, but as large as asked. */
export const heavy = (sizeBytes: number): Uint8Array =>
  policyWith((graph) => {
    const weights = graph.constant('ballast', new Float32Array(sizeBytes / 4), [sizeBytes / 4]);
    return graph.node('ReduceSum', [weights], [], { keepdims: 0 });
  });
