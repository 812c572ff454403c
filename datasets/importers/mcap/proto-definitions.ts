import protobuf from 'protobufjs';

import { McapProblem } from './byte-cursor.ts';
import { mcapLimits } from './limits.ts';

/** A field of a message, by google/protobuf/descriptor.proto. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  /** Number of its type in `FieldDescriptorProto.Type`. */
  readonly type: number;
  readonly isRepeated: boolean;
  /** Whether what is absent is absent, and not 0 or empty. */
  readonly hasPresence: boolean;
  /** Full name of its message or enumeration, `.foxglove.Time`. */
  typeName: string;
}

export interface ProtoMessage {
  readonly byName: ReadonlyMap<string, ProtoField>;
}

/** What a FileDescriptorSet defines, by full name with a dot before it. */
export interface ProtoDefinitions {
  readonly messages: ReadonlyMap<string, ProtoMessage>;
  /** Names of the values of enumerations. */
  readonly enums: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

type See = (reader: protobuf.Reader, number: number, wireType: number) => boolean;

/** Reads the parts of descriptors that are needed, and runs nothing of them. `McapProblem` for what is no FileDescriptorSet. */
export function protoDefinitions(bytes: Uint8Array): ProtoDefinitions {
  const found = { messages: new Map<string, ProtoMessage>(), enums: new Map<string, ReadonlyMap<number, string>>() };
  try {
    eachField(bytes, (reader, number, wireType) => {
      if (number !== 1 || wireType !== 2) return false;
      readFile(reader.bytes(), found);
      return true;
    });
  } catch (cause) {
    if (cause instanceof McapProblem) throw cause;
    throw new McapProblem('a definition that is no FileDescriptorSet', { cause });
  }
  for (const [scope, { byName }] of found.messages)
    for (const field of byName.values()) field.typeName = fullName(found, scope, field.typeName);
  return found;
}

/** Some writers leave out what stands before a name: it is looked for in the message, and then in what holds it. */
function fullName({ messages, enums }: Found, scope: string, name: string): string {
  if (name === '' || name.startsWith('.')) return name;
  for (let prefix = scope; ; prefix = prefix.slice(0, prefix.lastIndexOf('.'))) {
    const full = `${prefix}.${name}`;
    if (messages.has(full) || enums.has(full) || prefix === '') return full;
  }
}

interface Found {
  readonly messages: Map<string, ProtoMessage>;
  readonly enums: Map<string, ReadonlyMap<number, string>>;
}

/** Gives every field to `see`; passes over those that it does not take. Groups, which nest without end, are refused. */
export function eachField(bytes: Uint8Array, see: See): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    if (wireType === 3 || wireType === 4) throw new McapProblem('a Protobuf group, which is not read');
    if (!see(reader, tag >>> 3, wireType)) reader.skipType(wireType);
  }
}

function readFile(bytes: Uint8Array, found: Found): void {
  let prefix = '';
  let isProto3 = false;
  const inner: [number, Uint8Array][] = [];
  eachField(bytes, (reader, number, wireType) => {
    if (wireType !== 2) return false;
    if (number === 2) prefix = `.${reader.string()}`;
    else if (number === 12) isProto3 = reader.string() === 'proto3';
    else if (number === 4 || number === 5) inner.push([number, reader.bytes()]);
    else return false;
    return true;
  });
  for (const [number, content] of inner)
    if (number === 4) readMessage(content, { prefix, isProto3, depth: 0 }, found);
    else readEnum(content, prefix, found);
}

interface Scope {
  readonly prefix: string;
  readonly isProto3: boolean;
  readonly depth: number;
}

function readMessage(bytes: Uint8Array, { prefix, isProto3, depth }: Scope, found: Found): void {
  if (depth > mcapLimits.depth) throw new McapProblem(`definitions more than ${mcapLimits.depth} levels deep`);
  let name = '';
  const inner: [number, Uint8Array][] = [];
  const byName = new Map<string, ProtoField>();
  eachField(bytes, (reader, number, wireType) => {
    if (wireType !== 2) return false;
    if (number === 1) name = reader.string();
    else if (number === 2) {
      const field = readField(reader.bytes(), isProto3);
      byName.set(field.name, field);
    } else if (number === 3 || number === 4) inner.push([number, reader.bytes()]);
    else return false;
    return true;
  });
  const full = `${prefix}.${name}`;
  found.messages.set(full, { byName });
  for (const [number, content] of inner)
    if (number === 3) readMessage(content, { prefix: full, isProto3, depth: depth + 1 }, found);
    else readEnum(content, full, found);
}

function readField(bytes: Uint8Array, isProto3: boolean): ProtoField {
  const field = { name: '', number: 0, type: 0, isRepeated: false, hasPresence: !isProto3, typeName: '' };
  eachField(bytes, (reader, number, wireType) => {
    if (number === 1 && wireType === 2) field.name = reader.string();
    else if (number === 6 && wireType === 2) field.typeName = reader.string();
    else if (number === 3 && wireType === 0) field.number = reader.int32();
    else if (number === 4 && wireType === 0) field.isRepeated = reader.int32() === 3;
    else if (number === 5 && wireType === 0) field.type = reader.int32();
    // One of a choice (9) or `optional` (17): who does not set it says nothing.
    else if ((number === 9 || number === 17) && wireType === 0) {
      reader.int32();
      field.hasPresence = true;
    } else return false;
    return true;
  });
  return field;
}

function readEnum(bytes: Uint8Array, prefix: string, found: Found): void {
  let name = '';
  const values = new Map<number, string>();
  eachField(bytes, (reader, number, wireType) => {
    if (wireType !== 2 || (number !== 1 && number !== 2)) return false;
    if (number === 1) name = reader.string();
    else {
      const value = { name: '', number: 0 };
      eachField(reader.bytes(), (inner, field, wire) => {
        if (field === 1 && wire === 2) value.name = inner.string();
        else if (field === 2 && wire === 0) value.number = inner.int32();
        else return false;
        return true;
      });
      if (!values.has(value.number)) values.set(value.number, value.name);
    }
    return true;
  });
  found.enums.set(`${prefix}.${name}`, values);
}
