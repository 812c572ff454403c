import type { RandomStream } from '../../../policies/random.ts';
import {
  externalTensor,
  field,
  float,
  graph,
  int64,
  int64s,
  join,
  linear,
  model,
  node,
  policyModel,
  port,
  tensor,
} from '../../support/onnx-wire.ts';

const size = { readings: 3, actions: 3 };
const plain = linear('observation', size);
const after = linear('x', size);
/** A sound policy for the test robot: what is mutated. */
export const soundModel = policyModel(size, [plain.node], [plain.constant]);

const through = (nodes: readonly Uint8Array[], ...constants: readonly Uint8Array[]): Uint8Array =>
  policyModel(size, [...nodes, after.node], [after.constant, ...constants]);

/** `held`: a gate must hold it. `any`: it may pass, but must stay within the bounds. `slow`: it takes the whole time limit. */
export interface HostileModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expected: 'held' | 'any';
  readonly isSlow: boolean;
}

type Make = (random: RandomStream) => Uint8Array;

const whole = (random: RandomStream, end: number): number => Math.floor(random() * end);
const sum = node('ReduceSum', ['observation'], ['sum'], { keepdims: 0 });
const branch = (operation: string): Uint8Array =>
  graph({ nodes: [node(operation, ['observation'], ['b'])], outputs: [port('b', 'float', ['batch', 3])] });
const turning = (condition = 'c'): Uint8Array =>
  graph({
    nodes: [node('Neg', ['v'], ['w']), node('Identity', [condition], ['again'])],
    inputs: [port('turn', 'int64', []), port('c', 'bool', []), port('v', 'float', ['batch', 3])],
    outputs: [port('again', 'bool', []), port('w', 'float', ['batch', 3])],
  });

/** Each makes one that no robot should get. */
const held: Readonly<Record<string, Make>> = {
  'external data': (random) =>
    policyModel(
      size,
      [plain.node],
      [externalTensor('weights', ['../keys/signing-key.pem', '/etc/passwd', 'model.onnx'][whole(random, 3)] ?? '', 9)],
    ),
  'external data in a branch': () =>
    through(
      [
        node('If', ['yes'], ['x'], {
          then_branch: {
            graph: graph({
              nodes: [],
              constants: [externalTensor('b', '/proc/self/environ', 9)],
              outputs: [port('b', 'float', [])],
            }),
          },
          else_branch: { graph: branch('Neg') },
        }),
      ],
      tensor('yes', 'bool', Uint8Array.of(1), []),
    ),
  'a branch on readings': (random) =>
    through(
      [
        sum,
        node('Greater', ['sum', 'limit'], ['special']),
        node('If', ['special'], ['x'], {
          then_branch: { graph: branch('Neg') },
          else_branch: { graph: branch('Abs') },
        }),
      ],
      float('limit', 10 * random()),
    ),
  'a loop as long as readings say': (random) =>
    through(
      [
        sum,
        node('Mul', ['sum', 'many'], ['product']),
        node('Cast', ['product'], ['turns'], { to: 7 }),
        node('Loop', ['turns', '', 'observation'], ['x'], { body: { graph: turning() } }),
      ],
      float('many', 1e6 * (1 + random())),
    ),
  'a size that readings say': () =>
    through(
      [
        sum,
        node('Cast', ['sum'], ['n'], { to: 7 }),
        node('Unsqueeze', ['n', 'axis'], ['n1']),
        node('ConstantOfShape', ['n1'], ['z']),
        node('ReduceSum', ['z'], ['nothing'], { keepdims: 0 }),
        node('Add', ['observation', 'nothing'], ['x']),
      ],
      int64s('axis', 0),
    ),
  'much memory always': (random) =>
    through(
      [
        node('ConstantOfShape', ['large'], ['z']),
        node('ReduceSum', ['z'], ['nothing'], { keepdims: 0 }),
        node('Add', ['observation', 'nothing'], ['x']),
      ],
      int64s('large', 1e9 + whole(random, 1e10)),
    ),
  'random numbers': () =>
    through([node('RandomNormalLike', ['observation'], ['r']), node('Add', ['observation', 'r'], ['x'])]),
  'numbers that are none': () =>
    through([node('Sub', ['observation', 'observation'], ['zero']), node('Div', ['zero', 'zero'], ['x'])]),
  'logits by another name': () =>
    policyModel(size, [node('MatMul', ['observation', 'weights'], ['probabilities'])], [plain.constant], {
      nodes: [node('MatMul', ['observation', 'weights'], ['probabilities'])],
    }),
  'one more output': () =>
    policyModel(size, [plain.node], [plain.constant], {
      outputs: [port('probabilities', 'float', ['batch', 3]), port('logits', 'float', ['batch', 3])],
    }),
  'double precision': () =>
    policyModel(
      size,
      [
        node('Cast', ['observation'], ['wide'], { to: 11 }),
        node('Cast', ['wide'], ['x'], { to: 1 }),
        after.node,
        node('Cast', ['logits'], ['wider'], { to: 11 }),
      ],
      [after.constant],
      {
        nodes: [node('Cast', ['observation'], ['probabilities'], { to: 11 })],
        outputs: [port('probabilities', 'double', ['batch', 3])],
      },
    ),
  'an average over the batch': () =>
    through(
      [
        node('ReduceMean', ['observation'], ['mean'], { axes: [0], keepdims: 1 }),
        node('Sub', ['observation', 'mean'], ['x0']),
        node('Mul', ['x0', 'much'], ['x']),
      ],
      float('much', 100),
    ),
  'a graph in a graph in a graph': () => {
    let inner = branch('Neg');
    for (let depth = 0; depth < 40; depth += 1)
      inner = graph({
        nodes: [
          node('If', ['yes'], ['b'], { then_branch: { graph: inner }, else_branch: { graph: inner.subarray(0, 0) } }),
        ],
        outputs: [port('b', 'float', [])],
      });
    return through(
      [node('If', ['yes'], ['x'], { then_branch: { graph: inner } })],
      tensor('yes', 'bool', Uint8Array.of(1), []),
    );
  },
  'no model': (random) => Uint8Array.from({ length: whole(random, 3000) }, () => whole(random, 256)),
  'a cut model': (random) => soundModel.subarray(0, 1 + whole(random, soundModel.length - 1)),
};

const slow: Readonly<Record<string, Make>> = {
  'a loop without end': () =>
    through(
      [node('Loop', ['turns', '', 'observation'], ['x'], { body: { graph: turning() } })],
      int64('turns', 2 ** 40),
    ),
};

/** Bytes changed at random places; may be as sound as before. */
function mutated(random: RandomStream): Uint8Array {
  const bytes = Uint8Array.from(soundModel);
  for (let change = 0; change <= whole(random, 4); change += 1) bytes[whole(random, bytes.length)] = whole(random, 256);
  const at = whole(random, bytes.length);
  if (random() < 0.2)
    return join(bytes.subarray(0, at), field(whole(random, 30) + 1, 'x'.repeat(whole(random, 50))), bytes.subarray(at));
  return random() < 0.1 ? model(bytes) : bytes;
}

/** Hostile model `index` of an endless list: each kind in turn, every other one mutated; a pure function of index and random stream. */
export function hostileModel(index: number, random: RandomStream): HostileModel {
  const kinds = Object.entries(held);
  if (index % 100 === 99) {
    const [name, make] = Object.entries(slow)[0] ?? ['', () => new Uint8Array(0)];
    return { name, bytes: make(random), expected: 'held', isSlow: true };
  }
  if (index % 2 === 1) return { name: 'mutated', bytes: mutated(random), expected: 'any', isSlow: false };
  const [name, make] = kinds[(index / 2) % kinds.length] ?? ['', () => new Uint8Array(0)];
  return { name, bytes: make(random), expected: 'held', isSlow: false };
}
