import type { OnDamage } from '../../store/damaged-objects.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys, logKey } from './keys.ts';
import { robotRecordSchema } from './robots.ts';

const readsAtOnce = 16;

/** Whether a robot was ever added under this id; also where what was written of it cannot be read. */
export const isRegistered = async (store: ObjectStore, robotId: string): Promise<boolean> =>
  (await store.get(logKey(fleetKeys.robotLog(robotId), 0))) !== undefined;

/** When each of these robots was added first, Unix ms; one whose first record is damaged is left out, with a word to `onDamage`. */
export async function readRegistrations(
  store: ObjectStore,
  robotIds: Iterable<string>,
  onDamage: OnDamage,
): Promise<ReadonlyMap<string, number>> {
  const registered = new Map<string, number>();
  await inParallel([...robotIds], readsAtOnce, async (robotId) => {
    const first = await readSoundJson(store, logKey(fleetKeys.robotLog(robotId), 0), robotRecordSchema, onDamage);
    if (first !== undefined) registered.set(robotId, first.atMs);
  });
  return registered;
}
