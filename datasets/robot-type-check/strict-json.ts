import { dictionary } from '../../domain/dictionary.ts';
import { pathText } from './path-text.ts';

/** Something wrong with a document: where, what was expected there, what is there, and what to do. */
export interface Problem {
  /** As in `observations[3].unit`; empty for the document itself. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  readonly advice: string;
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** The value as far as it could be read; undefined when its text is no JSON at all. */
export interface StrictJson {
  readonly value: JsonValue | undefined;
  readonly problems: readonly Problem[];
}

/** No document of ours nests deeper. */
export const mostDepth = 32;
const reserved = new Set(['__proto__', 'constructor', 'prototype']);

class Unreadable extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.expected);
    this.problem = problem;
  }
}

/**
 * Reads JSON (RFC 8259) more strictly than JSON.parse: names that come twice in one object, names that programs mistake for
 * machinery, numbers beyond a double and nesting beyond 32 are problems. Objects have no prototype. What cannot be read at all
 * is told with line and column. Linear in the text.
 */
export function readStrictJson(text: string): StrictJson {
  const reader = new Reader(text);
  try {
    return { value: reader.document(), problems: reader.problems };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { value: undefined, problems: [...reader.problems, error.problem] };
  }
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #text: string;
  /** Names and places on the way to what is read. */
  readonly #way: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#unreadable('the end of the document');
    return value;
  }

  #value(): JsonValue {
    this.#space();
    if (this.#way.length > mostDepth) throw this.#unreadable(`at most ${mostDepth} levels of lists and objects`);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object();
    if (first === '[') return this.#list();
    if (first === '"') return this.#string();
    for (const [word, value] of words) if (this.#takes(word)) return value;
    return this.#number();
  }

  #object(): JsonValue {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    this.#space();
    if (this.#takes('}')) return dictionary(members);
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unreadable('a name in double quotes');
      const name = this.#string();
      this.#space();
      if (!this.#takes(':')) throw this.#unreadable('a colon after the name');
      this.#way.push(name);
      const value = this.#value();
      if (reserved.has(name)) this.#tell('another name: this one is reserved', name, 'take it out');
      else if (members.has(name)) this.#tell('every name once', 'twice', 'keep one of them');
      else members.set(name, value);
      this.#way.pop();
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes('}')) throw this.#unreadable('a comma or the closing brace of an object');
    return dictionary(members);
  }

  #list(): JsonValue {
    const values: JsonValue[] = [];
    this.#at += 1;
    this.#space();
    if (this.#takes(']')) return values;
    do {
      this.#way.push(values.length);
      values.push(this.#value());
      this.#way.pop();
      this.#space();
    } while (this.#takes(','));
    if (!this.#takes(']')) throw this.#unreadable('a comma or the closing bracket of a list');
    return values;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    for (; end < this.#text.length && this.#text[end] !== '"'; end += 1) if (this.#text[end] === '\\') end += 1;
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      throw this.#unreadable('a text in double quotes without raw control characters and with known escapes');
    }
  }

  #number(): number {
    number.lastIndex = this.#at;
    const [digits] = number.exec(this.#text) ?? [];
    if (digits === undefined) throw this.#unreadable('a JSON value');
    this.#at += digits.length;
    const value = Number(digits);
    if (Number.isFinite(value)) return value;
    this.#tell('a number that a computer can hold', digits, 'write a smaller number');
    return 0;
  }

  #space(): void {
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }

  #takes(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #tell(expected: string, got: string, advice: string): void {
    this.problems.push({ path: pathText(this.#way), expected, got, advice });
  }

  #unreadable(expected: string): Unreadable {
    const before = this.#text.slice(0, this.#at);
    const line = before.split('\n').length;
    const column = this.#at - before.lastIndexOf('\n');
    const next = this.#text.slice(this.#at, this.#at + 1);
    const got = this.#at >= this.#text.length ? 'the end of the file' : JSON.stringify(next);
    return new Unreadable({
      path: '',
      expected: `JSON; at line ${line}, column ${column}: ${expected}`,
      got,
      advice: 'correct it there; what follows could not be read and is not judged',
    });
  }
}

const words: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const blank = /[ \t\r\n]*/y;
