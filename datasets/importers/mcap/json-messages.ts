import { McapProblem } from './byte-cursor.ts';
import type { PathStep } from './field-path.ts';
import { mcapLimits } from './limits.ts';
import { below, LeafList, mostTextCharacters, type Leaf, type MessageType, type Value } from './message-type.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON messages; whatever schema a file holds of them is not needed. Names such as `__proto__` are ordinary names. */
export const jsonMessages: MessageType = {
  leaves: (sample) => {
    const found = new LeafList();
    list(parsed(sample), '', 0, found);
    return found.leaves;
  },
  fields: (ways) => (message, into) => {
    const value = parsed(message);
    for (const [place, way] of ways.entries()) into[place] = valueAt(value, way);
  },
  // Bytes are base64 in JSON, as https://protobuf.dev/programming-guides/json/ says.
  bytes: (way) => (message) => {
    const value = anyAt(parsed(message), way);
    return typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  },
};

function parsed(message: Uint8Array): unknown {
  if (message.length > mcapLimits.jsonBytes)
    throw new McapProblem(`a JSON message of more than ${mcapLimits.jsonBytes} bytes`);
  try {
    return JSON.parse(decoder.decode(message));
  } catch (cause) {
    throw new McapProblem('no JSON', { cause });
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(message: unknown, way: readonly PathStep[]): Value {
  const value = anyAt(message, way);
  if (typeof value === 'string') return value.slice(0, mostTextCharacters);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function anyAt(message: unknown, way: readonly PathStep[]): unknown {
  let value = message;
  for (const { name, index } of way) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
    if (index !== undefined) value = Array.isArray(value) ? (value as readonly unknown[])[index] : undefined;
  }
  return value;
}

function list(value: unknown, path: string, depth: number, found: LeafList): void {
  if (isObject(value) && found.enters(depth))
    for (const [name, inner] of Object.entries(value)) {
      if (found.isFull) return;
      list(inner, below(path, name), depth + 1, found);
    }
  else if (Array.isArray(value)) found.add({ path, kind: kindOf(value[0]), list: 'varies' });
  else found.add({ path, kind: kindOf(value), list: undefined });
}

const kindOf = (value: unknown): Leaf['kind'] =>
  typeof value === 'number'
    ? 'number'
    : typeof value === 'string'
      ? 'text'
      : typeof value === 'boolean'
        ? 'boolean'
        : 'other';
