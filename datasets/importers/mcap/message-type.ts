import type { PathStep } from './field-path.ts';
import { mcapLimits } from './limits.ts';

/** What stands at a place of a message; undefined: nothing. */
export type Value = number | string | boolean | undefined;

/** A field of a message that a map could name. */
export interface Leaf {
  readonly path: string;
  readonly kind: 'number' | 'text' | 'boolean' | 'other';
  /** Elements of a list that always has so many; `varies`; undefined: no list. */
  readonly list: number | 'varies' | undefined;
}

/** Reads the values of some ways out of a message into `into`, in their order. Throws `McapProblem` for a message that cannot be read. */
export type ReadFields = (message: Uint8Array, into: Value[]) => void;

/** The bytes of a field; undefined where the message does not say it. Throws `McapProblem` for a message that cannot be read. */
export type ReadBytes = (message: Uint8Array) => Uint8Array | undefined;

/** How the messages of a topic are to be read, by their encoding and definition. */
export interface MessageType {
  /** Fields, at most so many as are listed; where no definition says them, of this message. */
  leaves(sample: Uint8Array): readonly Leaf[];
  /** `McapProblem` with the reason, where the definition has no such field. */
  fields(ways: readonly (readonly PathStep[])[]): ReadFields;
  /** Reads the bytes of one field, e.g. of an image; a view where the message holds them as they are. `McapProblem` likewise. */
  bytes(way: readonly PathStep[]): ReadBytes;
}

/** Characters of a text in a message that are looked at. */
export const mostTextCharacters = 4_096;

/** Structures that are looked into for fields of one topic. */
const mostStructures = 10_000;

/** Collects the fields of a topic, within bounds whatever the definition says: structures may hold each other a million times over. */
export class LeafList {
  readonly leaves: Leaf[] = [];
  #structures = 0;

  add(leaf: Leaf): void {
    if (!this.isFull) this.leaves.push(leaf);
  }

  /** Whether one more structure may be looked into. */
  enters(depth: number): boolean {
    this.#structures += 1;
    return depth < mcapLimits.depth && !this.isFull;
  }

  get isFull(): boolean {
    return this.leaves.length >= mcapLimits.leaves || this.#structures >= mostStructures;
  }
}

/** `pose` and `x` → `pose.x` */
export const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
