import type { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';
import { failure } from './failures.ts';
import type { ObjectStore } from './object-store.ts';

const encoder = new TextEncoder();

/** The bytes of a JSON document as people read it: two spaces, newline at the end. */
export const jsonBytes = (value: unknown): Uint8Array => encoder.encode(`${JSON.stringify(value, undefined, 2)}\n`);

/** Reads and checks a JSON object; undefined when it is not there; `CorruptData` when it is not what the schema says. */
export async function readJson<T>(store: ObjectStore, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await store.get(key);
  if (bytes === undefined) return undefined;
  return parseJson(bytes, key, schema);
}

/** Like readJson, but a missing object is `NotFound` with `hint`: what to do about it. */
export async function requireJson<T>(store: ObjectStore, key: string, schema: z.ZodType<T>, hint: string): Promise<T> {
  const value = await readJson(store, key, schema);
  if (value === undefined) throw failure('NotFound', `expected an object, got none: ${hint}`, { coordinates: { key } });
  return value;
}

function parseJson<T>(bytes: Uint8Array, key: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw failure('CorruptData', 'expected a JSON document, got other bytes', { cause, coordinates: { key } });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw failure('CorruptData', `unexpected document: ${describeIssues(parsed.error)}`, { coordinates: { key } });
}
