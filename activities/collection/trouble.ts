import { z } from 'zod';

import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** A collection that does not get on; there only while it does not: `collection-trouble/<robot type>.json`. */
export const troubleSchema = z.strictObject({
  robotType: z.string(),
  cycleId: z.string(),
  /** What is tried again: `planning`, `batch 3`, `concluding`. */
  step: z.string(),
  attempts: z.int(),
  /** One sentence; it ends with the object concerned, where one is. */
  reason: z.string(),
});
export type CollectionTrouble = z.infer<typeof troubleSchema>;

export const troubleKeyOf = (robotType: string): string => `collection-trouble/${robotType}.json`;

/** Attempts after which trying again is trouble. */
export const troubledAttempts = 3;
const maxReasonCharacters = 600;

export interface Attempted {
  readonly store: ObjectStore;
  /** Which attempt of the activity this is, from 1; undefined where nobody counts. */
  readonly attempt?: () => number;
}

interface Step {
  readonly cycleId: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
  readonly step: string;
}

/**
 * Does one step of a collection. From the third attempt on it is written down that it does not get on, at once, because the
 * attempts before may have ended without a word, and why, when it fails again; the step that is done takes the word away.
 */
export async function troubleNoted<Result>(
  { store, attempt }: Attempted,
  { cycleId, robotType, step }: Step,
  work: () => Promise<Result>,
): Promise<Result> {
  const attempts = attempt?.() ?? 1;
  const name = robotTypeName(robotType);
  const note = (reason: string): Promise<void> =>
    store.put(
      troubleKeyOf(name),
      jsonBytes({ robotType: name, cycleId, step, attempts, reason: reason.slice(0, maxReasonCharacters) }),
    );
  // A word that cannot be read is written anew.
  const known = attempts < troubledAttempts ? undefined : await readTrouble(store, name).catch(() => undefined);
  if (attempts >= troubledAttempts && known?.cycleId !== cycleId) {
    await note('the attempts before ended without a word: did the worker die?');
  }
  try {
    const result = await work();
    if (attempts > 1) await store.delete(troubleKeyOf(name));
    return result;
  } catch (error) {
    // The failure itself is what counts; where the store is gone, the word cannot be written either.
    if (attempts >= troubledAttempts)
      await note(error instanceof Error ? error.message : String(error)).catch(() => {});
    throw error;
  }
}

/** What keeps the collection of a robot type from getting on; undefined when nothing does. */
export const readTrouble = (store: ObjectStore, robotType: string): Promise<CollectionTrouble | undefined> =>
  readJson(store, troubleKeyOf(robotType), troubleSchema);
