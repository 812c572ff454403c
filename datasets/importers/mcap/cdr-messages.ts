import { McapProblem } from './byte-cursor.ts';
import type { PathStep } from './field-path.ts';
import { mcapLimits } from './limits.ts';
import { below, LeafList, mostTextCharacters, type MessageType, type Value } from './message-type.ts';
import { rosDefinitions, type NumberType, type RosDefinitions, type RosField } from './ros2-definitions.ts';

/** What is wanted of a structure, by field and element; −1: it is no list, −2: all bytes of a list of them. */
type Plan = Map<string, Map<number, Planned>>;
interface Planned {
  readonly places: number[];
  readonly inner: Plan;
}

/** A value, or bytes as they stand. */
type Found = Value | Uint8Array;
const allBytes = -2;

/** ROS 2 messages (CDR) by the definition in the file. Only what is wanted is read; the rest is passed over, up to the last wanted field. */
export function cdrMessages(schema: Uint8Array): MessageType {
  const definitions = rosDefinitions(new TextDecoder().decode(schema));
  refuseEndless(definitions, '', new Set());
  return {
    leaves: () => {
      const found = new LeafList();
      list(definitions, '', '', 0, found);
      return found.leaves;
    },
    fields: (ways) => {
      const plan: Plan = new Map();
      for (const [place, way] of ways.entries()) add(definitions, '', plan, way, place);
      return (message, into) => {
        into.length = ways.length;
        into.fill(undefined);
        new CdrWalk(definitions, message, into).structure('', plan);
      };
    },
    bytes: (way) => {
      const plan: Plan = new Map();
      add(definitions, '', plan, way, 0, true);
      return (message) => {
        const into: Found[] = [undefined];
        new CdrWalk(definitions, message, into).structure('', plan);
        return into[0] instanceof Uint8Array ? into[0] : undefined;
      };
    },
  };
}

/** A structure that holds itself has no end; ROS 2 has none such. */
function refuseEndless(definitions: RosDefinitions, type: string, above: Set<string>, done = new Set<string>()): void {
  if (above.has(type)) throw new McapProblem('a definition that contains itself');
  if (above.size > mcapLimits.depth) throw new McapProblem(`a definition more than ${mcapLimits.depth} levels deep`);
  if (done.has(type)) return;
  above.add(type);
  for (const { kind } of definitions.get(type) ?? [])
    if (kind.kind === 'structure') refuseEndless(definitions, kind.type, above, done);
  above.delete(type);
  done.add(type);
}

function add(
  definitions: RosDefinitions,
  type: string,
  plan: Plan,
  way: readonly PathStep[],
  place: number,
  isBytes = false,
): void {
  const [step, ...rest] = way;
  const field = definitions.get(type)?.find(({ name }) => name === step?.name);
  if (step === undefined || field === undefined) throw new McapProblem('no such field');
  const { kind, list: length } = field;
  if (isBytes && rest.length === 0 && step.index === undefined) return addBytes(field, plan, place);
  if ((length === undefined) !== (step.index === undefined))
    throw new McapProblem(length === undefined ? 'no list' : 'a list: name an element, [0]');
  if (typeof length === 'number' && (step.index ?? 0) >= length) throw new McapProblem(`a list of ${length} elements`);
  if (kind.kind === 'wide') throw new McapProblem('of a type that is not read');
  if (kind.kind === 'structure' && rest.length === 0) throw new McapProblem('a structure: name a field of it');
  if (kind.kind !== 'structure' && rest.length > 0) throw new McapProblem('no structure');
  const elements = plan.get(field.name) ?? new Map<number, Planned>();
  plan.set(field.name, elements);
  const planned: Planned = elements.get(step.index ?? -1) ?? { places: [], inner: new Map() };
  elements.set(step.index ?? -1, planned);
  if (isBytes && rest.length === 0) throw new McapProblem('no list of bytes');
  if (kind.kind === 'structure') add(definitions, kind.type, planned.inner, rest, place, isBytes);
  else planned.places.push(place);
}

function addBytes({ name, kind, list: length }: RosField, plan: Plan, place: number): void {
  if (kind.kind !== 'number' || kind.bytes !== 1 || length === undefined) throw new McapProblem('no list of bytes');
  plan.set(name, new Map([[allBytes, { places: [place], inner: new Map() }]]));
}

const decoder = new TextDecoder();
/** Bytes of as many characters as are looked at. */
const mostTextBytes = mostTextCharacters * 4;

/** Goes through one message. Every step takes bytes of it or counts as a step, so that it ends soon whatever lengths it claims. */
class CdrWalk {
  readonly #definitions: RosDefinitions;
  readonly #message: Uint8Array;
  readonly #view: DataView;
  readonly #isLittle: boolean;
  readonly #into: Found[];
  #left: number;
  #at = 4;
  #steps = 0;

  constructor(definitions: RosDefinitions, message: Uint8Array, into: Found[]) {
    if (message.length < 4) throw new McapProblem('no CDR message');
    const kind = message[1] ?? 0;
    // https://www.omg.org/spec/DDSI-RTPS/2.5: plain CDR, big or little endian; ROS 2 writes no other.
    if (message[0] !== 0 || kind > 1) throw new McapProblem('a CDR message of a kind that is not read');
    this.#definitions = definitions;
    this.#message = message;
    this.#view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    this.#isLittle = kind === 1;
    this.#into = into;
    this.#left = into.length;
  }

  structure(type: string, plan: Plan | undefined): void {
    const fields = this.#definitions.get(type);
    if (fields === undefined) throw new McapProblem('a structure without a definition');
    // The generator of C++ gives an empty structure one byte.
    if (fields.length === 0) this.#skip(1);
    for (const field of fields) {
      if (this.#left === 0) return;
      this.#field(field, plan?.get(field.name));
    }
  }

  #field(field: RosField, wanted: ReadonlyMap<number, Planned> | undefined): void {
    if (field.list === undefined) return this.#element(field, wanted?.get(-1));
    const count = field.list === 'varies' ? this.#u32() : field.list;
    const { kind } = field;
    if (kind.kind === 'number') return this.#numbers(kind.type, kind.bytes, count, wanted);
    for (let index = 0; index < count && this.#left > 0; index += 1) this.#element(field, wanted?.get(index));
  }

  #element({ kind }: RosField, planned: Planned | undefined): void {
    this.#steps += 1;
    if (this.#steps > mcapLimits.steps) throw new McapProblem(`a message of more than ${mcapLimits.steps} parts`);
    if (kind.kind === 'structure') return this.structure(kind.type, planned?.inner);
    if (kind.kind === 'wide') throw new McapProblem('a field before the wanted ones of a type that is not read');
    if (kind.kind === 'number') {
      const at = this.#number(kind.bytes, 1);
      if (planned !== undefined) this.#give(planned, this.#value(kind.type, at));
      return;
    }
    const length = this.#u32();
    const start = this.#skip(length);
    if (planned === undefined) return;
    const bytes = this.#message.subarray(start, start + Math.min(Math.max(0, length - 1), mostTextBytes));
    this.#give(planned, decoder.decode(bytes).slice(0, mostTextCharacters));
  }

  #numbers(type: NumberType, bytes: number, count: number, wanted: ReadonlyMap<number, Planned> | undefined): void {
    if (count === 0) return;
    const start = this.#number(bytes, count);
    for (const [index, planned] of wanted ?? [])
      if (index === allBytes) this.#give(planned, this.#message.subarray(start, start + count));
      else if (index < count) this.#give(planned, this.#value(type, start + index * bytes));
  }

  #give({ places }: Planned, value: Found): void {
    for (const place of places) this.#into[place] = value;
    this.#left -= places.length;
  }

  #u32(): number {
    return this.#view.getUint32(this.#number(4, 1), this.#isLittle);
  }

  /** Passes over numbers, which begin at a multiple of their size behind the first four bytes. */
  #number(bytes: number, count: number): number {
    this.#at += (bytes - ((this.#at - 4) % bytes)) % bytes;
    return this.#skip(bytes * count);
  }

  #skip(length: number): number {
    const { length: end } = this.#message;
    if (length > end - this.#at) throw new McapProblem('a message that ends before its fields do');
    this.#at += length;
    return this.#at - length;
  }

  #value(type: NumberType, at: number): Value {
    const [view, little] = [this.#view, this.#isLittle];
    switch (type) {
      case 'bool':
        return view.getUint8(at) !== 0;
      case 'byte':
      case 'char':
      case 'uint8':
        return view.getUint8(at);
      case 'int8':
        return view.getInt8(at);
      case 'int16':
        return view.getInt16(at, little);
      case 'uint16':
        return view.getUint16(at, little);
      case 'int32':
        return view.getInt32(at, little);
      case 'uint32':
        return view.getUint32(at, little);
      case 'int64':
        return Number(view.getBigInt64(at, little));
      case 'uint64':
        return Number(view.getBigUint64(at, little));
      case 'float32':
        return view.getFloat32(at, little);
      case 'float64':
        return view.getFloat64(at, little);
    }
  }
}

function list(definitions: RosDefinitions, type: string, path: string, depth: number, found: LeafList): void {
  for (const { name, kind, list: length } of definitions.get(type) ?? []) {
    if (found.isFull) return;
    const at = below(path, name);
    if (kind.kind === 'structure' && length === undefined && found.enters(depth))
      list(definitions, kind.type, at, depth + 1, found);
    else {
      const isBoolean = kind.kind === 'number' && kind.type === 'bool';
      const plain = kind.kind === 'number' || kind.kind === 'text' ? kind.kind : 'other';
      found.add({ path: at, kind: isBoolean ? 'boolean' : plain, list: length });
    }
  }
}
