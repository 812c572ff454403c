import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { keptLivesSchema } from '../kept-lives.ts';

const safetyEventSchema = z.object({ robotId: z.string(), bootId: z.string(), atMs: z.number() });

/** What the steps of one policy have come to; a new document a step, the last two are kept. */
const stateSchema = z.object({
  /** Number of the step that made it, from 1; the transaction's version in both tables. */
  step: z.int().min(0),
  /** What was told until then is in the tables, as far as gateways had written it; Unix ms. */
  asOfMs: z.int(),
  /** There was more than this step took. */
  isBehind: z.boolean(),
  scanFromMs: z.number(),
  consumed: z.array(z.string()),
  lives: keptLivesSchema,
  /** By robot: of lives that were forgotten the last moment they told of, 0 where they told of none. What is not younger cannot be told from a repetition. */
  forgotten: dictionarySchema(z.number()),
  /** Events of remembered lives, for episodes that are told later. */
  events: z.array(safetyEventSchema),
  /** What this step adds: rows as objects of lines of JSON, named by their sha256; null for none. */
  rows: z.object({
    outcomes: z.string().nullable(),
    days: z.string().nullable(),
    /** Days of the rows in `days`. */
    onDays: z.array(z.string()),
    /** Events of this step, for episodes that were told before. */
    events: z.array(safetyEventSchema),
  }),
  /** Since the first step. */
  totals: z.object({
    outcomes: z.int(),
    /** Entries that came too late to be told from a repetition. */
    tooOld: z.int(),
    /** Entries that ended before their robot was registered. */
    beforeRegistration: z.int().default(0),
    /** Entries without a time of robots of whom lives were forgotten: counted, though nobody can tell whether they were before. */
    mayRepeat: z.int().default(0),
    /** Telemetry objects that could not be read, or not whole. */
    damaged: z.int(),
  }),
});
export type FactState = z.infer<typeof stateSchema>;

const prefixOf = (policy: string): string => `facts/${policy}/steps/`;
const keyOf = (policy: string, step: number): string => `${prefixOf(policy)}${String(step).padStart(20, '0')}.json`;
export const rowsPrefix = (policy: string): string => `facts/${policy}/rows/`;
export const rowsKey = (policy: string, sha256: string): string => `${rowsPrefix(policy)}${sha256}.ndjson`;

/** Where the first step begins. */
export const noFacts: FactState = {
  step: 0,
  asOfMs: 0,
  isBehind: false,
  scanFromMs: 0,
  consumed: [],
  lives: dictionary<FactState['lives'][string]>(),
  forgotten: dictionary<number>(),
  events: [],
  rows: { outcomes: null, days: null, onDays: [], events: [] },
  totals: { outcomes: 0, tooOld: 0, beforeRegistration: 0, mayRepeat: 0, damaged: 0 },
};

/**
 * The newest state; undefined before the first step. One that cannot be read is `CorruptData`: an older one in its place would count
 * again what the tables hold.
 */
export async function latestFacts(store: ObjectStore, policy: string): Promise<FactState | undefined> {
  let newest: string | undefined;
  for await (const { key } of store.list(prefixOf(policy))) newest = key;
  if (newest === undefined) return undefined;
  try {
    // Another step may have deleted what was listed.
    return (await readJson(store, newest, stateSchema)) ?? (await latestFacts(store, policy));
  } catch (error) {
    if (!isFailure(error, 'CorruptData')) throw error;
    throw failure(
      'CorruptData',
      'expected the state of the facts, it is damaged: delete facts/, lake/outcomes/ and lake/fleet_days/ to make all facts anew of telemetry',
      { cause: error, coordinates: { key: newest } },
    );
  }
}

/** Makes the state the newest; false when another step of that number came first. */
export async function commitFacts(store: ObjectStore, policy: string, state: FactState): Promise<boolean> {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  return (await store.putIfAbsent(keyOf(policy, state.step), bytes)) === 'created';
}

/** Deletes the states before the last two; whoever lists meanwhile finds one that is still there. */
export async function forgetStates(store: ObjectStore, policy: string, step: number): Promise<void> {
  for await (const { key } of store.list(prefixOf(policy))) {
    if (key >= keyOf(policy, step - 1)) return;
    await store.delete(key);
  }
}
