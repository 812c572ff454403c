import type { ModelGraph, ModelNode, ModelStructure } from './model-structure.ts';

/** Inputs of operators that say how large the output becomes, without an upper bound. */
const sizeInputs: Readonly<Record<string, readonly number[]>> = {
  AffineGrid: [1],
  BlackmanWindow: [0],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  CropAndResize: [3],
  DFT: [1],
  Expand: [1],
  HammingWindow: [0],
  HannWindow: [0],
  MaxUnpool: [2],
  MelWeightMatrix: [0, 1, 2],
  OneHot: [1],
  Pad: [1],
  Range: [0, 1, 2],
  Resize: [1, 2, 3],
  STFT: [1, 3],
  Tile: [1],
  Upsample: [1],
};
/** Inputs that decide a size which cannot grow beyond that of the input. */
const shrinkingInputs: Readonly<Record<string, readonly number[]>> = {
  Compress: [0, 1],
  NonMaxSuppression: [0, 1, 2, 3, 4],
  NonZero: [0],
  Reshape: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  SplitToSequence: [1],
  Squeeze: [1],
  TopK: [1],
  Unique: [0],
  Unsqueeze: [1],
};
const sizeReaders = new Set(['Shape', 'Size']);
const controlFlow = new Set(['If', 'Loop', 'Scan']);
/** Their answers differ from run to run. */
const randomOperators: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** What is known of a tensor: whether its values, or its size, come from what the robot reads. */
interface Origin {
  readonly values: boolean;
  readonly size: boolean;
}

/** Names of one graph, on top of those of the graphs around it, which it may use. */
interface Scope {
  readonly known: Map<string, Origin>;
  /** What this graph's nodes give; a runtime takes nodes in any order, so one that was not met yet may be anything. */
  readonly produced: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

const fixed: Origin = { values: false, size: false };
const read: Origin = { values: true, size: false };
const anything: Origin = { values: true, size: true };
const either = (a: Origin, b: Origin): Origin => ({ values: a.values || b.values, size: a.size || b.size });

const keptProblems = 5;
/** Names looked at, those of loop bodies once a look: loops within loops are looked at again and again. */
const maxLooks = 2_000_000;

/** What goes along on the walk. */
interface Walk {
  readonly calls: ReadonlySet<string>;
  readonly found: (node: ModelNode, what: string) => void;
  /** Throws a RangeError for a model that would take too long to look at. */
  readonly look: (names: number) => void;
}

/**
 * Finds where how long a model runs, or how much memory it takes, depends on the values it reads: a branch, the number of turns
 * of a loop, the size of a tensor. No probe could rule out that one reading makes such a model hang. Everything else does the
 * same work for every reading, so that a probe sees what a robot will see. Sentences; empty when there is none. Linear in the
 * size of the model, but for loops within loops.
 */
export function readingDependence({ graph, functions }: ModelStructure): readonly string[] {
  const problems = new Set<string>();
  let looks = 0;
  const walking: Walk = {
    calls: new Set(functions.map(({ domain, name }) => `${domain}:${name}`)),
    found({ name, operation }, what) {
      if (problems.size < keptProblems)
        problems.add(
          `expected the same work for every reading, got ${operation} ${JSON.stringify(name.slice(0, 60))}: ${what}`,
        );
    },
    look(names) {
      looks += names;
      if (looks > maxLooks)
        throw new RangeError('expected a model that can be looked through, got too many loops in loops');
    },
  };
  try {
    // A function may be called with anything.
    for (const body of [graph, ...functions])
      walk(
        body,
        body.inputs.map(() => read),
        undefined,
        walking,
      );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.add(error.message);
  }
  return [...problems];
}

/** Where each output of the graph comes from. */
function walk(
  graph: ModelGraph,
  inputs: readonly Origin[],
  outer: Scope | undefined,
  walking: Walk,
): readonly Origin[] {
  walking.look(graph.inputs.length + graph.outputs.length);
  const scope: Scope = {
    known: new Map(graph.inputs.map((name, index) => [name, inputs[index] ?? fixed])),
    produced: new Set(graph.nodes.flatMap(({ outputs }) => outputs)),
    outer,
  };
  for (const node of graph.nodes) {
    walking.look(1 + node.inputs.length + node.outputs.length);
    const origins = originsOf(node, scope, walking);
    for (const [index, name] of node.outputs.entries()) scope.known.set(name, origins[index] ?? anything);
  }
  return graph.outputs.map((name) => originIn(scope, name));
}

/** A name that no graph knows is a constant; an empty one is an input that was left out. */
function originIn(scope: Scope, name: string): Origin {
  if (name === '') return fixed;
  for (let level: Scope | undefined = scope; level !== undefined; level = level.outer) {
    const known = level.known.get(name);
    if (known !== undefined) return known;
    if (level.produced.has(name)) return anything;
  }
  return fixed;
}

const at = (node: ModelNode, scope: Scope, index: number): Origin => originIn(scope, node.inputs[index] ?? '');

function originsOf(node: ModelNode, scope: Scope, walking: Walk): readonly Origin[] {
  const { operation, outputs } = node;
  const same = (origin: Origin): readonly Origin[] => outputs.map(() => origin);
  if (walking.calls.has(`${node.domain}:${operation}`)) return same(anything);
  if (node.graphs.length > 0 || controlFlow.has(operation)) return controlled(node, scope, walking);
  const all = node.inputs.map((name) => originIn(scope, name)).reduce(either, fixed);
  if (sizeReaders.has(operation)) return same({ values: all.size, size: false });
  if (randomOperators.has(operation)) return same({ values: true, size: all.size });
  if ((sizeInputs[operation] ?? []).some((index) => at(node, scope, index).values))
    walking.found(node, 'the size of its output comes from readings');
  const isCut = (shrinkingInputs[operation] ?? []).some((index) => at(node, scope, index).values);
  return same({ values: all.values, size: all.size || isCut });
}

function controlled(node: ModelNode, scope: Scope, walking: Walk): readonly Origin[] {
  const { found } = walking;
  switch (node.operation) {
    case 'If':
      if (at(node, scope, 0).values)
        found(node, 'which branch runs comes from readings; use Where (torch.where) instead');
      return branches(node, scope, walking);
    case 'Loop':
      if (at(node, scope, 0).values || at(node, scope, 1).values) found(node, 'how often it turns comes from readings');
      return turned(node, scope, walking);
    case 'Scan':
      if (node.inputs.some((name) => originIn(scope, name).size)) found(node, 'how often it turns comes from readings');
      return turned(node, scope, walking);
    default:
      found(node, 'it runs a graph of its own, which only If, Loop and Scan may');
      return node.outputs.map(() => anything);
  }
}

function branches(node: ModelNode, scope: Scope, walking: Walk): readonly Origin[] {
  const ends = node.graphs.map((graph) => walk(graph, [], scope, walking));
  return node.outputs.map((_, index) => ends.map((end) => end[index] ?? fixed).reduce(either, fixed));
}

/** Loop and Scan: what one turn leaves goes into the next, so the body is walked until nothing changes. */
function turned(node: ModelNode, scope: Scope, walking: Walk): readonly Origin[] {
  const [body] = node.graphs;
  if (body === undefined) return node.outputs.map(() => anything);
  const isLoop = node.operation === 'Loop';
  const given = node.inputs.map((name) => originIn(scope, name));
  // A loop takes its limit and the condition first, its body the turn and the condition; the body leaves the condition first.
  const starting = isLoop ? [fixed, ...given.slice(1)] : given;
  const lag = isLoop ? 1 : 0;
  let entering: readonly Origin[] = body.inputs.map((_, index) => starting[index] ?? fixed);
  for (;;) {
    const leaving = walk(body, entering, scope, walking);
    const now = entering;
    entering = now.map((origin, index) => (index < lag ? origin : either(origin, leaving[index - lag] ?? fixed)));
    if (entering.some((origin, index) => origin.values !== now[index]?.values || origin.size !== now[index]?.size))
      continue;
    if (isLoop && leaving[0]?.values === true) walking.found(node, 'whether it turns again comes from readings');
    return node.outputs.map((_, index) => leaving[index + lag] ?? anything);
  }
}

/** The operators that draw random numbers, by name; empty for a model that answers the same every time. */
export function randomNodes({ graph, functions }: ModelStructure): readonly string[] {
  const found = new Set<string>();
  const look = ({ nodes }: ModelGraph): void => {
    for (const { operation, graphs } of nodes) {
      if (randomOperators.has(operation)) found.add(operation);
      graphs.forEach(look);
    }
  };
  [graph, ...functions].forEach(look);
  return [...found];
}
