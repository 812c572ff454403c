import { wireFields } from './protobuf-fields.ts';

/** An input or output as the file declares it, before any runtime has loaded it. `type`: of a tensor its elements, else what it is instead. */
export interface DeclaredPort {
  readonly name: string;
  readonly type: string;
  /** Sizes that are not fixed come as a name or an empty text; empty where none are declared. */
  readonly shape: readonly (number | string)[];
}

export interface Declaration {
  readonly irVersion: number;
  /** Version of the standard operators; 1 where none is named, as the format says. */
  readonly operatorSet: number;
  /** Without those that are constants of the graph. */
  readonly inputs: readonly DeclaredPort[];
  readonly outputs: readonly DeclaredPort[];
  /** Where the one graph lies; undefined where the file has none or several, which a parser would merge. */
  readonly graph: { readonly start: number; readonly end: number } | undefined;
}

/** TensorProto.DataType of onnx.proto by number, spelt as the runtime does. */
const elementNames: ReadonlyMap<number, string> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [8, 'string'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
]);

/** TypeProto of onnx.proto: what a value is when it is no tensor. */
const otherTypes: ReadonlyMap<number, string> = new Map([
  [4, 'sequence'],
  [5, 'map'],
  [7, 'opaque'],
  [8, 'sparse tensor'],
  [9, 'optional'],
]);

const mostPorts = 1000;
const mostDimensions = 16;
const text = new TextDecoder();

/** Reads what a model says of its inputs, outputs and versions. Throws a RangeError for bytes that are no model. */
export function readDeclaration(bytes: Uint8Array): Declaration {
  const found = { irVersion: 0, operatorSet: 1 };
  const graphs: { start: number; end: number }[] = [];
  for (const field of wireFields(bytes, 0, bytes.length)) {
    if (field.kind === 'varint' && field.number === 1) found.irVersion = field.value;
    if (field.kind !== 'bytes') continue;
    if (field.number === 7) graphs.push({ start: field.start, end: field.end });
    if (field.number === 8) found.operatorSet = standardSet(bytes, field) ?? found.operatorSet;
  }
  const [first, ...more] = graphs;
  const graph = more.length === 0 ? first : undefined;
  return { ...found, ...portsOf(bytes, graphs), graph };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** OperatorSetIdProto: domain 1, version 2. */
function standardSet(bytes: Uint8Array, { start, end }: Stretch): number | undefined {
  let [domain, version] = ['', 1];
  for (const field of wireFields(bytes, start, end)) {
    if (field.kind === 'bytes' && field.number === 1) domain = text.decode(bytes.subarray(field.start, field.end));
    if (field.kind === 'varint' && field.number === 2) version = field.value;
  }
  return domain === '' || domain === 'ai.onnx' ? version : undefined;
}

/** GraphProto: initializer 5, input 11, output 12. */
function portsOf(bytes: Uint8Array, graphs: readonly Stretch[]): Pick<Declaration, 'inputs' | 'outputs'> {
  const [inputs, outputs]: [DeclaredPort[], DeclaredPort[]] = [[], []];
  const constants = new Set<string>();
  for (const { start, end } of graphs) {
    for (const field of wireFields(bytes, start, end)) {
      if (field.kind !== 'bytes') continue;
      if (field.number === 5) constants.add(nameIn(bytes, field, 8));
      if (field.number === 11) inputs.push(declaredPort(bytes, field));
      if (field.number === 12) outputs.push(declaredPort(bytes, field));
      if (inputs.length + outputs.length > mostPorts)
        throw new RangeError(`expected at most ${mostPorts} inputs and outputs, got more`);
    }
  }
  return { inputs: inputs.filter(({ name }) => !constants.has(name)), outputs };
}

export function nameIn(bytes: Uint8Array, { start, end }: Stretch, number: number): string {
  let name = '';
  for (const field of wireFields(bytes, start, end))
    if (field.kind === 'bytes' && field.number === number) name = text.decode(bytes.subarray(field.start, field.end));
  return name;
}

/** ValueInfoProto: name 1, type 2. TypeProto: tensor_type 1 (elem_type 1, shape 2). */
function declaredPort(bytes: Uint8Array, value: Stretch): DeclaredPort {
  let type = 'unknown';
  const shape: (number | string)[] = [];
  for (const field of wireFields(bytes, value.start, value.end)) {
    if (field.kind !== 'bytes' || field.number !== 2) continue;
    for (const kind of wireFields(bytes, field.start, field.end)) {
      type = otherTypes.get(kind.number) ?? type;
      if (kind.kind !== 'bytes' || kind.number !== 1) continue;
      for (const part of wireFields(bytes, kind.start, kind.end)) {
        if (part.kind === 'varint' && part.number === 1)
          type = elementNames.get(part.value) ?? `type ${part.value} of ONNX`;
        if (part.kind === 'bytes' && part.number === 2) shape.push(...dimensions(bytes, part));
      }
    }
  }
  return { name: nameIn(bytes, value, 1), type, shape: shape.slice(0, mostDimensions) };
}

/** TensorShapeProto: dim 1 (dim_value 1, dim_param 2). */
function* dimensions(bytes: Uint8Array, { start, end }: Stretch): Generator<number | string> {
  for (const field of wireFields(bytes, start, end)) {
    if (field.kind !== 'bytes' || field.number !== 1) continue;
    let size: number | string = '';
    for (const part of wireFields(bytes, field.start, field.end)) {
      if (part.kind === 'varint' && part.number === 1) size = part.value;
      if (part.kind === 'bytes' && part.number === 2) size = text.decode(bytes.subarray(part.start, part.end));
    }
    yield size;
  }
}
