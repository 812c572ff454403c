import {
  attributeTypes,
  elementTypes,
  encodeModel,
  irVersion,
  operatorSetVersion,
  type ElementType,
  type WireAttribute,
  type WireGraph,
  type WireModel,
  type WireNode,
  type WireTensor,
  type WireValueInfo,
} from './wire-format.ts';

/** A size known when the graph is built, or the name of one that is known when it runs. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

/** A tensor of the graph under construction. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** One differentiable operation as it was built, with the rule that carries a gradient from its output to its inputs. */
export interface TapeEntry {
  readonly inputs: readonly Value[];
  readonly output: Value;
  /** Gradients for the inputs, in their order; undefined where `wanted` says that nobody asks. */
  readonly backward: (upstream: Value, wanted: readonly boolean[]) => readonly (Value | undefined)[];
}

export type Attributes = Readonly<Record<string, number | string | readonly number[]>>;
type ConstantData = Float32Array | Int32Array | BigInt64Array;

export interface Graph {
  readonly tape: TapeEntry[];
  input(name: string, type: ElementType, shape: Shape): Value;
  /** A stored tensor; equal small constants may be asked for again and again. */
  constant(name: string, data: ConstantData, shape: readonly number[]): Value;
  scalar(value: number): Value;
  /** Adds an operator with one output of the given shape, of the type of its first input unless told otherwise. */
  node(operator: string, inputs: readonly Value[], shape: Shape, attributes?: Attributes, type?: ElementType): Value;
  /** The same for an operator with several outputs. */
  nodes(
    operator: string,
    inputs: readonly Value[],
    outputs: readonly Pick<Value, 'shape' | 'type'>[],
    attributes?: Attributes,
  ): readonly Value[];
  /** Cuts a vector into consecutive pieces of `sizes` (int64). */
  split(vector: Value, sizes: Value, shapes: readonly Shape[]): readonly Value[];
  /**
   * Repeats `body` `count` (int64 []) times, handing on `state` from one turn to the next; gives the last state and, for each of the
   * body's results, its values of all turns along a new first dimension. The body may use values of this graph.
   */
  loop(count: Value, state: readonly Value[], body: LoopBody): { state: readonly Value[]; results: readonly Value[] };
  /** Makes the result of an operator visible from outside under a name of its own (renamed, not copied: copies cost time). */
  output(name: string, value: Value): void;
  wire(): WireGraph;
  encode(metadata?: Readonly<Record<string, string>>): Uint8Array;
}

/** Builds one turn of a loop on a graph of its own; `iteration` is int64 []. */
export type LoopBody = (
  graph: Graph,
  iteration: Value,
  state: readonly Value[],
) => { readonly state: readonly Value[]; readonly results: readonly Value[] };

/**
 * Starts an empty graph. Names are made in order of construction, so the same construction gives the same bytes; `prefix` keeps
 * those of a loop's body apart from the names around it.
 */
export const createGraph = (graphName: string, prefix = ''): Graph => new GrowingGraph(graphName, prefix);

class GrowingGraph implements Graph {
  readonly tape: TapeEntry[] = [];
  readonly #name: string;
  readonly #prefix: string;
  readonly #nodes: WireNode[] = [];
  readonly #constants = new Map<string, WireTensor>();
  readonly #inputs: WireValueInfo[] = [];
  readonly #outputs: WireValueInfo[] = [];
  readonly #visibleNames = new Map<string, string>();

  constructor(name: string, prefix: string) {
    this.#name = name;
    this.#prefix = prefix;
  }

  input(name: string, type: ElementType, shape: Shape): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    return { name, type, shape };
  }

  constant(plainName: string, data: ConstantData, shape: readonly number[]): Value {
    const name = `${this.#prefix}${plainName}`;
    const type = typeOf(data);
    if (!this.#constants.has(name)) this.#constants.set(name, tensor(name, type, data, shape));
    return { name, type, shape };
  }

  scalar(value: number): Value {
    return this.constant(`scalar_${value}`, Float32Array.of(value), []);
  }

  node(
    operator: string,
    from: readonly Value[],
    shape: Shape,
    attributes: Attributes = {},
    type: ElementType = from[0]?.type ?? 'float32',
  ): Value {
    const value = { name: `${this.#prefix}${operator}_${this.#nodes.length}`, type, shape };
    this.#add(operator, from, [value], attributes);
    return value;
  }

  nodes(
    operator: string,
    from: readonly Value[],
    outputs: readonly Pick<Value, 'shape' | 'type'>[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const values = outputs.map(({ shape, type }, position) => ({
      name: `${this.#prefix}${operator}_${this.#nodes.length}_${position}`,
      type,
      shape,
    }));
    this.#add(operator, from, values, attributes);
    return values;
  }

  split(vector: Value, sizes: Value, shapes: readonly Shape[]): readonly Value[] {
    const outputs = shapes.map((shape) => ({ shape, type: vector.type }));
    return this.nodes('Split', [vector, sizes], outputs, { axis: 0 });
  }

  loop(count: Value, state: readonly Value[], body: LoopBody): ReturnType<Graph['loop']> {
    const { inner, results } = this.#turn(state, body);
    const all = [...state, ...results];
    const names = all.map((_, position) => `${this.#prefix}Loop_${this.#nodes.length}_${position}`);
    this.#nodes.push({
      input: [count.name, '', ...state.map(({ name }) => name)],
      output: names,
      opType: 'Loop',
      attribute: [{ name: 'body', type: attributeTypes.graph, g: inner.wire() }],
    });
    const values = all.map(({ type, shape }, position) => ({
      name: names[position] ?? '',
      type,
      shape: position < state.length ? shape : ['turns', ...shape],
    }));
    return { state: values.slice(0, state.length), results: values.slice(state.length) };
  }

  output(name: string, value: Value): void {
    const source = this.#visibleNames.has(value.name) ? this.node('Identity', [value], value.shape) : value;
    this.#visibleNames.set(source.name, name);
    this.#outputs.push(valueInfo(name, value.type, value.shape));
  }

  wire(): WireGraph {
    const rename = (names: readonly string[]): string[] => names.map((name) => this.#visibleNames.get(name) ?? name);
    return {
      name: this.#name,
      node: this.#nodes.map((node) => ({ ...node, input: rename(node.input), output: rename(node.output) })),
      initializer: [...this.#constants.values()],
      input: this.#inputs,
      output: this.#outputs,
    };
  }

  encode(metadata?: Readonly<Record<string, string>>): Uint8Array {
    const model: WireModel = {
      irVersion,
      producerName: 'flywheel',
      opsetImport: [{ domain: '', version: operatorSetVersion }],
      metadataProps: Object.entries(metadata ?? {}).map(([key, value]) => ({ key, value })),
      graph: this.wire(),
    };
    return encodeModel(model);
  }

  #add(operator: string, from: readonly Value[], to: readonly Value[], attributes: Attributes): void {
    this.#nodes.push({
      input: from.map(({ name }) => name),
      output: to.map(({ name }) => name),
      opType: operator,
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
  }

  /** The graph of one turn of a loop, and what it gives beside its state. */
  #turn(state: readonly Value[], body: LoopBody): { readonly inner: Graph; readonly results: readonly Value[] } {
    const prefix = `${this.#prefix}body_`;
    const inner = createGraph(`${this.#name}_body`, prefix);
    const iteration = inner.input(`${prefix}iteration`, 'int64', []);
    const goesOn = inner.input(`${prefix}goes_on`, 'bool', []);
    const before = state.map(({ type, shape }, index) => inner.input(`${prefix}state_${index}`, type, shape));
    const after = body(inner, iteration, before);
    inner.output(`${prefix}still_goes_on`, inner.node('Identity', [goesOn], []));
    after.state.forEach((value, index) => inner.output(`${prefix}next_state_${index}`, value));
    after.results.forEach((value, index) => inner.output(`${prefix}result_${index}`, value));
    return { inner, results: after.results };
  }
}

function typeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

const tensor = (name: string, type: ElementType, data: ConstantData, dims: readonly number[]): WireTensor => ({
  name,
  dims,
  dataType: elementTypes[type],
  rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
});

const valueInfo = (name: string, type: ElementType, shape: Shape): WireValueInfo => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes[type],
      shape: { dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
    },
  },
});

function attribute(name: string, value: number | string | readonly number[]): WireAttribute {
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  return { name, type: attributeTypes.ints, ints: value };
}
