/** ONNX files written byte by byte (field numbers of onnx.proto), so that tests can make what no exporter would. */

type Bytes = Uint8Array;

export const join = (...parts: readonly Bytes[]): Bytes => Uint8Array.from(parts.flatMap((part) => [...part]));

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** A field: a whole number, a text or bytes. */
export function field(number: number, value: number | string | Bytes): Bytes {
  if (typeof value === 'number') return Uint8Array.from([...varint(number * 8), ...varint(value)]);
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return join(Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes);
}

export const elementTypes = { float: 1, int32: 6, int64: 7, bool: 9, float16: 10, double: 11 } as const;
type ElementType = keyof typeof elementTypes;

export const tensor = (
  name: string,
  type: ElementType,
  values: Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array,
  dims: readonly number[],
): Bytes =>
  join(
    ...dims.map((size) => field(1, size)),
    field(2, elementTypes[type]),
    field(8, name),
    field(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  );

/** A tensor whose values lie in another file. */
export const externalTensor = (name: string, location: string, count: number): Bytes =>
  join(
    field(1, count),
    field(2, elementTypes.float),
    field(8, name),
    field(13, join(field(1, 'location'), field(2, location))),
    field(14, 1),
  );

export const int64s = (name: string, ...values: readonly number[]): Bytes =>
  tensor(name, 'int64', BigInt64Array.from(values.map(BigInt)), [values.length]);
export const int64 = (name: string, value: number): Bytes => tensor(name, 'int64', BigInt64Array.of(BigInt(value)), []);
export const float = (name: string, value: number): Bytes => tensor(name, 'float', Float32Array.of(value), []);

export const port = (name: string, type: ElementType, dims: readonly (number | string)[]): Bytes => {
  const shape = join(...dims.map((size) => field(1, typeof size === 'number' ? field(1, size) : field(2, size))));
  return join(field(1, name), field(2, field(1, join(field(1, elementTypes[type]), field(2, shape)))));
};

/** A sequence of maps from int64 to float, as ZipMap makes it. */
export const sequencePort = (name: string): Bytes => {
  const float = field(1, join(field(1, elementTypes.float), field(2, new Uint8Array())));
  const map = field(5, join(field(1, elementTypes.int64), field(2, float)));
  return join(field(1, name), field(2, field(4, field(1, map))));
};

type Attribute = number | readonly number[] | { readonly graph: Bytes } | { readonly tensor: Bytes };

function attribute(name: string, value: Attribute): Bytes {
  const named = field(1, name);
  if (typeof value === 'number') return join(named, field(3, value), field(20, 2));
  if ('graph' in value) return join(named, field(6, value.graph), field(20, 5));
  if ('tensor' in value) return join(named, field(5, value.tensor), field(20, 4));
  return join(named, ...value.map((one) => field(8, one)), field(20, 7));
}

export const node = (
  operation: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Bytes =>
  join(
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(3, outputs[0] ?? ''),
    field(4, operation),
    ...Object.entries(attributes).map(([name, value]) => field(5, attribute(name, value))),
    ...(domain === '' ? [] : [field(7, domain)]),
  );

export interface GraphParts {
  readonly nodes: readonly Bytes[];
  readonly constants?: readonly Bytes[];
  readonly inputs?: readonly Bytes[];
  readonly outputs?: readonly Bytes[];
}

export const graph = ({ nodes, constants = [], inputs = [], outputs = [] }: GraphParts): Bytes =>
  join(
    ...nodes.map((one) => field(1, one)),
    field(2, 'g'),
    ...constants.map((one) => field(5, one)),
    ...inputs.map((one) => field(11, one)),
    ...outputs.map((one) => field(12, one)),
  );

export const model = (graphBytes: Bytes, ...more: readonly Bytes[]): Bytes =>
  join(
    field(1, 8),
    field(7, graphBytes),
    field(8, join(field(1, ''), field(2, 17))),
    field(8, join(field(1, 'com.microsoft'), field(2, 1))),
    ...more,
  );

/** A policy for robots with `readings` readings and `actions` actions: `nodes` make `logits` [batch, actions] of `observation`. */
export const policyModel = (
  { readings, actions }: { readonly readings: number; readonly actions: number },
  nodes: readonly Bytes[],
  constants: readonly Bytes[] = [],
  changes: Partial<GraphParts> = {},
): Bytes =>
  model(
    graph({
      nodes: [...nodes, node('Softmax', ['logits'], ['probabilities'], { axis: 1 })],
      constants,
      inputs: [port('observation', 'float', ['batch', readings]), port('task', 'int32', ['batch'])],
      outputs: [port('probabilities', 'float', ['batch', actions])],
      ...changes,
    }),
  );

/** Makes `logits` of `name` [batch, readings] by a matrix of weights. */
export const linear = (
  name: string,
  { readings, actions }: { readonly readings: number; readonly actions: number },
): { readonly node: Bytes; readonly constant: Bytes } => ({
  node: node('MatMul', [name, 'weights'], ['logits']),
  constant: tensor(
    'weights',
    'float',
    Float32Array.from({ length: readings * actions }, (_, index) => Math.sin(index + 1)),
    [readings, actions],
  ),
});
