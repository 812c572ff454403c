import { readTelemetryObject } from '../../fleet/desk/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { HeldData } from './held-data.ts';

/** An object with one line that is held stays whole; one that cannot be read might hold any. */
export async function whyTelemetryHeld(store: ObjectStore, key: string, held: HeldData): Promise<string | undefined> {
  let isDamaged = false;
  for (const { robotId, entries } of await readTelemetryObject(store, key, () => (isDamaged = true))) {
    const why = held.robots.get(robotId);
    if (why !== undefined) return why;
    for (const entry of entries) {
      const ofEpisode = entry.kind === 'episode' ? held.episodes.get(entry.episodeId) : undefined;
      if (ofEpisode !== undefined) return ofEpisode;
    }
  }
  return isDamaged ? held.any : undefined;
}
