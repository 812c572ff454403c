import type protobuf from 'protobufjs';

import { McapProblem } from './byte-cursor.ts';
import type { PathStep } from './field-path.ts';
import { below, LeafList, mostTextCharacters, type Leaf, type MessageType, type Value } from './message-type.ts';
import { eachField, protoDefinitions, type ProtoDefinitions, type ProtoField } from './proto-definitions.ts';

/** A message of which some fields are wanted, by number. */
interface Plan {
  readonly fields: Map<number, PlannedField>;
  /** What stands where the message does not say a field that always has a value. */
  readonly defaults: { readonly place: number; readonly value: Value }[];
}

interface PlannedField {
  readonly field: ProtoField;
  /** By element; −1 where the field is no list. */
  readonly elements: Map<number, Planned>;
}

interface Planned {
  readonly places: number[];
  inner: Plan | undefined;
}

/** A value, or bytes as they stand. */
type Found = Value | Uint8Array;

const bytesType = 12;
const messageType = 11;
const enumType = 14;
const stringType = 9;

/** How a type stands in a message (wire type), and how it is read. */
const scalars: ReadonlyMap<number, { readonly wire: number; readonly read: (reader: protobuf.Reader) => Value }> =
  new Map([
    [1, { wire: 1, read: (reader) => reader.double() }],
    [2, { wire: 5, read: (reader) => reader.float() }],
    [3, { wire: 0, read: (reader) => numberOf(reader.int64()) }],
    [4, { wire: 0, read: (reader) => numberOf(reader.uint64()) }],
    [5, { wire: 0, read: (reader) => reader.int32() }],
    [6, { wire: 1, read: (reader) => numberOf(reader.fixed64()) }],
    [7, { wire: 5, read: (reader) => reader.fixed32() }],
    [8, { wire: 0, read: (reader) => reader.bool() }],
    [13, { wire: 0, read: (reader) => reader.uint32() }],
    [enumType, { wire: 0, read: (reader) => reader.int32() }],
    [15, { wire: 5, read: (reader) => reader.sfixed32() }],
    [16, { wire: 1, read: (reader) => numberOf(reader.sfixed64()) }],
    [17, { wire: 0, read: (reader) => reader.sint32() }],
    [18, { wire: 0, read: (reader) => numberOf(reader.sint64()) }],
  ]);

/** A number of 64 bits, as the library gives it; beyond 2^53 it is rounded. */
function numberOf(value: number | { readonly low: number; readonly high: number; readonly unsigned: boolean }): number {
  if (typeof value === 'number') return value;
  return (value.unsigned ? value.high >>> 0 : value.high) * 2 ** 32 + (value.low >>> 0);
}

/** Protobuf messages by the FileDescriptorSet in the file; only what is wanted is read, and no code is made of the definition. */
export function protoMessages(name: string, schema: Uint8Array): MessageType {
  const definitions = protoDefinitions(schema);
  const root = `.${name}`;
  if (!definitions.messages.has(root)) throw new McapProblem('a definition without the message that it is named after');
  return {
    leaves: () => {
      const found = new LeafList();
      list(definitions, root, '', 0, found);
      return found.leaves;
    },
    fields: (ways) => {
      const plan: Plan = { fields: new Map(), defaults: [] };
      for (const [place, way] of ways.entries()) add(definitions, root, plan, way, place);
      return (message, into) => {
        into.length = ways.length;
        into.fill(undefined);
        try {
          read(definitions, plan, message, into);
        } catch (cause) {
          if (cause instanceof McapProblem) throw cause;
          throw new McapProblem('no Protobuf message', { cause });
        }
      };
    },
    bytes: (way) => {
      const plan: Plan = { fields: new Map(), defaults: [] };
      add(definitions, root, plan, way, 0, true);
      return (message) => {
        const into: Found[] = [];
        try {
          read(definitions, plan, message, into);
        } catch (cause) {
          if (cause instanceof McapProblem) throw cause;
          throw new McapProblem('no Protobuf message', { cause });
        }
        return into[0] instanceof Uint8Array ? into[0] : undefined;
      };
    },
  };
}

function add(
  definitions: ProtoDefinitions,
  type: string,
  plan: Plan,
  [step, ...rest]: readonly PathStep[],
  place: number,
  isBytes = false,
): void {
  const field = step === undefined ? undefined : definitions.messages.get(type)?.byName.get(step.name);
  if (step === undefined || field === undefined) throw new McapProblem('no such field');
  if (field.isRepeated !== (step.index !== undefined))
    throw new McapProblem(field.isRepeated ? 'a list: name an element, [0]' : 'no list');
  const planned = plan.fields.get(field.number) ?? { field, elements: new Map<number, Planned>() };
  plan.fields.set(field.number, planned);
  const element = planned.elements.get(step.index ?? -1) ?? { places: [], inner: undefined };
  planned.elements.set(step.index ?? -1, element);
  if (field.type === messageType) {
    if (rest.length === 0) throw new McapProblem('a structure: name a field of it');
    element.inner ??= { fields: new Map(), defaults: [] };
    return add(definitions, field.typeName, element.inner, rest, place, isBytes);
  }
  if (rest.length > 0 || (field.type === bytesType) !== isBytes) throw new McapProblem('no structure, number or text');
  if (!scalars.has(field.type) && field.type !== stringType && !isBytes)
    throw new McapProblem('of a type that is not read');
  element.places.push(place);
  if (!field.isRepeated && !field.hasPresence && !isBytes)
    plan.defaults.push({ place, value: defaultOf(definitions, field) });
}

function defaultOf({ enums }: ProtoDefinitions, { type, typeName }: ProtoField): Value {
  if (type === stringType) return '';
  if (type === 8) return false;
  return type === enumType ? (enums.get(typeName)?.get(0) ?? 0) : 0;
}

function read(definitions: ProtoDefinitions, plan: Plan, message: Uint8Array, into: Found[]): void {
  const seen = new Map<number, number>();
  for (const { place, value } of plan.defaults) into[place] = value;
  eachField(message, (reader, number, wireType) => {
    const planned = plan.fields.get(number);
    if (planned === undefined) return false;
    const { field, elements } = planned;
    const scalar = scalars.get(field.type);
    const isPacked = scalar !== undefined && wireType === 2;
    if (!isPacked && wireType !== (scalar?.wire ?? 2)) return false;
    const end = isPacked ? reader.uint32() + reader.pos : reader.pos + 1;
    if (isPacked && end > reader.len) throw new McapProblem('a list that is longer than its message');
    while (reader.pos < end) {
      const index = field.isRepeated ? (seen.get(number) ?? 0) : -1;
      if (field.isRepeated) seen.set(number, index + 1);
      one(definitions, field, elements.get(index), reader, into);
    }
    return true;
  });
}

function one(
  definitions: ProtoDefinitions,
  field: ProtoField,
  planned: Planned | undefined,
  reader: protobuf.Reader,
  into: Found[],
): void {
  const scalar = scalars.get(field.type);
  if (scalar === undefined && planned === undefined) {
    reader.skipType(2);
    return;
  }
  if (planned?.inner !== undefined) return read(definitions, planned.inner, reader.bytes(), into);
  if (field.type === bytesType) {
    const bytes = reader.bytes();
    for (const place of planned?.places ?? []) into[place] = bytes;
    return;
  }
  let value = scalar === undefined ? reader.string().slice(0, mostTextCharacters) : scalar.read(reader);
  if (field.type === enumType) value = definitions.enums.get(field.typeName)?.get(Number(value)) ?? value;
  for (const place of planned?.places ?? []) into[place] = value;
}

function list(definitions: ProtoDefinitions, type: string, path: string, depth: number, found: LeafList): void {
  for (const { name, type: kind, typeName, isRepeated } of definitions.messages.get(type)?.byName.values() ?? []) {
    if (found.isFull) return;
    const at = below(path, name);
    if (kind === messageType && !isRepeated && found.enters(depth)) list(definitions, typeName, at, depth + 1, found);
    else found.add({ path: at, kind: kindOf(kind), list: isRepeated ? 'varies' : undefined });
  }
}

const kindOf = (type: number): Leaf['kind'] =>
  type === 8 ? 'boolean' : type === stringType || type === enumType ? 'text' : scalars.has(type) ? 'number' : 'other';
