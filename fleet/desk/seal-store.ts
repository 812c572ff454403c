import { isFailure } from '../../store/failures.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { envelopeSchema, type Envelope } from '../../domain/trust/signed.ts';
import { sealSchema, type Seal } from '../protocol/index.ts';
import { fleetKeys } from './keys.ts';
import { orderSheetSchema, plantSheet, type OrderSheet, type PlantedSheet } from './order-sheet.ts';

/** A seal as it lies in the store; whether its signature counts is for the reader to say. */
export interface StoredSeal {
  readonly seal: Seal;
  readonly envelope: Envelope;
}

/** The seal of one place of the assignment log; undefined when there is none, or something else. */
export async function readSeal(store: ObjectStore, policy: string, seq: number): Promise<StoredSeal | undefined> {
  const envelope = await ifWhole(readJson(store, fleetKeys.seal(policy, seq), envelopeSchema));
  const parsed = sealSchema.safeParse(envelope?.signed);
  if (envelope === undefined || !parsed.success) return undefined;
  const seal = parsed.data;
  return seal.policy === policy && seal.seq === seq ? { seal, envelope } : undefined;
}

export const writeSeal = (store: ObjectStore, { seal, envelope }: StoredSeal): Promise<void> =>
  store.put(fleetKeys.seal(seal.policy, seal.seq), jsonBytes(envelope));

/** Looked at one by one before all are listed: what is sealed is nearly always the last place. */
const looksBack = 4;

/** The last seal up to a place that `counts`; undefined when none does. */
export async function lastSeal(
  store: ObjectStore,
  policy: string,
  seq: number,
  counts: (stored: StoredSeal) => boolean,
): Promise<StoredSeal | undefined> {
  const oldest = Math.max(-1, seq - looksBack + 1);
  for (let place = seq; place >= oldest; place--) {
    const stored = await readSeal(store, policy, place);
    if (stored !== undefined && counts(stored)) return stored;
  }
  const places: number[] = [];
  for await (const { key } of store.list(fleetKeys.seals(policy))) {
    const place = fleetKeys.sealPlace(key);
    if (place !== undefined && place < oldest) places.push(place);
  }
  for (const place of places.toSorted((a, b) => b - a)) {
    const stored = await readSeal(store, policy, place);
    if (stored !== undefined && counts(stored)) return stored;
  }
  return undefined;
}

/** The sheet of a root; undefined when it is missing or holds something else than its name says. */
export async function readSheet(store: ObjectStore, policy: string, root: string): Promise<PlantedSheet | undefined> {
  const sheet = await ifWhole(readJson(store, fleetKeys.sheet(policy, root), orderSheetSchema));
  const isWhole = sheet?.robots.every(([, index]) => index < sheet.orders.length) === true;
  if (sheet === undefined || !isWhole) return undefined;
  return [true, false].map((hasLeaves) => plantSheet(sheet, hasLeaves)).find(({ tree }) => tree.root === root);
}

/** A damaged object is as good as none. */
async function ifWhole<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isFailure(error, 'CorruptData')) return undefined;
    throw error;
  }
}

export async function writeSheet(store: ObjectStore, policy: string, sheet: OrderSheet): Promise<PlantedSheet> {
  const planted = plantSheet(sheet);
  const { root } = planted.tree;
  const key = fleetKeys.sheet(policy, root);
  const isNew = (await store.putIfAbsent(key, jsonBytes(sheet))) === 'created';
  if (!isNew && (await readSheet(store, policy, root)) === undefined) await store.put(key, jsonBytes(sheet));
  return planted;
}
