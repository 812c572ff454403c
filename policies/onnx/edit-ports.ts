import { readDeclaration } from './declared-ports.ts';
import { wireFields } from './protobuf-fields.ts';

/** An input or output as it shall be from outside; `from` is its name now, `castFrom` its element type now where that differs. */
export interface PortEdit {
  readonly from: string;
  readonly name: string;
  readonly type: PortType;
  readonly castFrom?: PortType;
  readonly shape: readonly (number | string)[];
}

export interface PortEdits {
  readonly inputs: readonly PortEdit[];
  readonly outputs: readonly PortEdit[];
  /** Outputs that shall be none any more; what makes them may stay. */
  readonly dropped: readonly string[];
}

const elementNumbers = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10, float64: 11 } as const;
export type PortType = keyof typeof elementNumbers;
export const isPortType = (type: string): type is PortType => Object.hasOwn(elementNumbers, type);

const mostDepth = 32;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A copy of a model with other inputs and outputs: inside, each changed one gets a new name, and an `Identity` or `Cast` leads from
 * one to the other. All else stays byte by byte, except declared shapes of inner values, which may be wrong now and are no more than
 * notes. Throws a RangeError for a file with no graph or several.
 */
export function editPorts(model: Uint8Array, edits: PortEdits): Uint8Array {
  const { graph } = readDeclaration(model);
  if (graph === undefined) throw new RangeError('expected a model with one graph');
  const editor = new GraphEditor(model, edits);
  const parts: Uint8Array[] = [];
  for (const field of wireFields(model, 0, model.length)) {
    const isGraph = field.kind === 'bytes' && field.number === 7;
    parts.push(isGraph ? bytesField(7, editor.graph(graph)) : model.subarray(field.from, field.to));
  }
  return concat(parts);
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

class GraphEditor {
  readonly #bytes: Uint8Array;
  readonly #edits: PortEdits;
  /** Names of values inside: old to new. */
  readonly #inner = new Map<string, string>();

  constructor(bytes: Uint8Array, edits: PortEdits) {
    this.#bytes = bytes;
    this.#edits = edits;
    // A name that a port gets may be that of a value inside: that one gets a new name, too.
    const taken = [...edits.inputs, ...edits.outputs].flatMap(({ from, name }) => [from, name]);
    const prefix = freePrefix(bytes);
    for (const name of new Set(taken)) this.#inner.set(name, `${prefix}${name}`);
  }

  /** GraphProto: node 1, initializer 5, input 11, output 12, value_info 13, sparse_initializer 15. */
  graph({ start, end }: Stretch): Uint8Array {
    const parts = this.#edits.inputs.map((edit) => bytesField(1, conversion(edit, edit.name, this.#new(edit.from))));
    for (const field of wireFields(this.#bytes, start, end)) {
      if (field.kind === 'bytes' && field.number === 11) parts.push(...this.#port(field, 11, this.#edits.inputs));
      else if (field.kind === 'bytes' && field.number === 12) parts.push(...this.#port(field, 12, this.#edits.outputs));
      else parts.push(...this.#part(field, 0));
    }
    for (const edit of this.#edits.outputs)
      parts.push(bytesField(1, conversion(edit, this.#new(edit.from), edit.name)));
    return concat(parts);
  }

  #port(field: Stretch & { from: number; to: number }, number: number, edits: readonly PortEdit[]): Uint8Array[] {
    const name = this.#textOf(field, 1);
    if (number === 12 && this.#edits.dropped.includes(name)) return [];
    const edit = edits.find(({ from }) => from === name);
    if (edit === undefined) return [this.#bytes.subarray(field.from, field.to)];
    return [bytesField(number, valueInfo(edit))];
  }

  /** What graphs inside others share with the outer one. */
  #part(field: ReturnType<typeof wireFields> extends Generator<infer F> ? F : never, depth: number): Uint8Array[] {
    const raw = this.#bytes.subarray(field.from, field.to);
    if (field.kind !== 'bytes') return [raw];
    if (field.number === 1) return [bytesField(1, this.#node(field, depth))];
    if (field.number === 5) return [bytesField(5, this.#renamed(field, [8]))];
    if (field.number === 13) return [];
    return [raw];
  }

  /** NodeProto: input 1, output 2, attribute 5. */
  #node({ start, end }: Stretch, depth: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const field of wireFields(this.#bytes, start, end)) {
      if (field.kind === 'bytes' && (field.number === 1 || field.number === 2))
        parts.push(bytesField(field.number, encoder.encode(this.#new(this.#text(field)))));
      else if (field.kind === 'bytes' && field.number === 5) parts.push(bytesField(5, this.#attribute(field, depth)));
      else parts.push(this.#bytes.subarray(field.from, field.to));
    }
    return concat(parts);
  }

  /** AttributeProto: graph 6 and 11. */
  #attribute({ start, end }: Stretch, depth: number): Uint8Array {
    if (depth > mostDepth) throw new RangeError(`expected graphs at most ${mostDepth} deep in each other, got more`);
    const parts: Uint8Array[] = [];
    for (const field of wireFields(this.#bytes, start, end)) {
      if (field.kind === 'bytes' && (field.number === 6 || field.number === 11))
        parts.push(bytesField(field.number, this.#subgraph(field, depth + 1)));
      else parts.push(this.#bytes.subarray(field.from, field.to));
    }
    return concat(parts);
  }

  #subgraph({ start, end }: Stretch, depth: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const field of wireFields(this.#bytes, start, end)) {
      const isPort = field.kind === 'bytes' && (field.number === 11 || field.number === 12);
      if (isPort) parts.push(bytesField(field.number, this.#renamed(field, [1])));
      else parts.push(...this.#part(field, depth));
    }
    return concat(parts);
  }

  #renamed({ start, end }: Stretch, numbers: readonly number[]): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const field of wireFields(this.#bytes, start, end))
      parts.push(
        field.kind === 'bytes' && numbers.includes(field.number)
          ? bytesField(field.number, encoder.encode(this.#new(this.#text(field))))
          : this.#bytes.subarray(field.from, field.to),
      );
    return concat(parts);
  }

  #new(name: string): string {
    return this.#inner.get(name) ?? name;
  }

  #text({ start, end }: Stretch): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  #textOf({ start, end }: Stretch, number: number): string {
    let found = '';
    for (const field of wireFields(this.#bytes, start, end))
      if (field.kind === 'bytes' && field.number === number) found = this.#text(field);
    return found;
  }
}

/** What names inside begin with: something that the file has nowhere, even if it was edited before. */
function freePrefix(model: Uint8Array): string {
  const bytes = Buffer.from(model.buffer, model.byteOffset, model.byteLength);
  for (let attempt = 1; ; attempt += 1) {
    const prefix = `inside${attempt}/`;
    if (!bytes.includes(prefix)) return prefix;
  }
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5 (name 1, i 3, type 20); a name (3) could be taken. */
function conversion({ type, castFrom, name }: PortEdit, input: string, output: string): Uint8Array {
  const isOutput = output === name;
  const to = isOutput ? type : castFrom;
  const operation = castFrom === undefined || to === undefined ? 'Identity' : 'Cast';
  const cast = [textField(1, 'to'), varintField(3, elementNumbers[to ?? type]), varintField(20, 2)];
  return concat([
    textField(1, input),
    textField(2, output),
    textField(4, operation),
    ...(operation === 'Cast' ? [bytesField(5, concat(cast))] : []),
  ]);
}

/** ValueInfoProto: name 1, type 2 → tensor_type 1 → elem_type 1, shape 2 → dim 1 → dim_value 1, dim_param 2. */
function valueInfo({ name, type, shape }: PortEdit): Uint8Array {
  const dims = shape.map((size) => bytesField(1, typeof size === 'number' ? varintField(1, size) : textField(2, size)));
  const tensor = concat([varintField(1, elementNumbers[type]), bytesField(2, concat(dims))]);
  return concat([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

const varintField = (number: number, value: number): Uint8Array => concat([varint(number * 8), varint(value)]);
const textField = (number: number, value: string): Uint8Array => bytesField(number, encoder.encode(value));
const bytesField = (number: number, value: Uint8Array): Uint8Array =>
  concat([varint(number * 8 + 2), varint(value.length), value]);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
