import { cleanText } from '../../domain/clean-text.ts';
import type { JsonValue } from './strict-json.ts';

const longestText = 40;
const longestPath = 120;

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

/** A value of a document in a few words: short, clean, whatever it is. */
export function describeValue(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return cut(cleanText(JSON.stringify(cut(value, longestText))), longestText + 2);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** A path or a name from a document, short and clean. */
export const describePath = (path: string): string => cut(cleanText(path), longestPath);

export const isObject = (value: JsonValue | undefined): value is { readonly [name: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path; undefined where there is none. */
export function valueAt(value: JsonValue | undefined, path: readonly PropertyKey[]): JsonValue | undefined {
  let found = value;
  for (const part of path) {
    if (Array.isArray(found)) found = typeof part === 'number' ? (found as readonly JsonValue[])[part] : undefined;
    else found = isObject(found) && Object.hasOwn(found, part) ? found[String(part)] : undefined;
  }
  return found;
}
