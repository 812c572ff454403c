import type { ObjectStore } from '../../store/object-store.ts';
import { clipPartIn, clipPartsPrefix, removeClipParts } from '../../store/records/clip-parts.ts';

/** Robots whose clips are remembered; beyond it all are looked up again. */
const maxRemembered = 10_000;

/**
 * Bounds how many unfinished clips a robot has in the store: beyond it the one that stood still the longest gives way, so that a robot which lost
 * what it began can begin anew. Looks once for each clip that this gateway does not know as begun.
 */
export class UnfinishedClips {
  readonly #store: ObjectStore;
  readonly #most: number;
  readonly #begun = new Map<string, Set<string>>();
  readonly #looking = new Map<string, Promise<unknown>>();

  constructor(store: ObjectStore, most: number) {
    this.#store = store;
    this.#most = most;
  }

  isKnown(robotId: string, sha256: string): boolean {
    return this.#begun.get(robotId)?.has(sha256) === true;
  }

  /** Makes room for a clip that begins. Calls for one robot run one after the other. */
  async begin(robotId: string, sha256: string): Promise<void> {
    if (this.isKnown(robotId, sha256)) return;
    const before = this.#looking.get(robotId) ?? Promise.resolve();
    const own = before.catch(() => undefined).then(() => this.#makeRoom(robotId, sha256));
    this.#looking.set(robotId, own);
    try {
      await own;
    } finally {
      if (this.#looking.get(robotId) === own) this.#looking.delete(robotId);
    }
  }

  /** The clip is whole, or its parts are gone: its next part begins it anew. */
  end(robotId: string, sha256: string): void {
    const begun = this.#begun.get(robotId);
    begun?.delete(sha256);
    if (begun?.size === 0) this.#begun.delete(robotId);
  }

  async #makeRoom(robotId: string, sha256: string): Promise<void> {
    if (this.isKnown(robotId, sha256)) return;
    const lastMs = new Map<string, number>();
    for await (const { key, modifiedMs } of this.#store.list(`${clipPartsPrefix}${robotId}/`)) {
      const found = clipPartIn(key);
      if (found !== undefined) lastMs.set(found.sha256, Math.max(lastMs.get(found.sha256) ?? 0, modifiedMs));
    }
    // Those of which the first part is still on its way are not in the store yet.
    for (const begun of this.#begun.get(robotId) ?? [])
      if (!lastMs.has(begun)) lastMs.set(begun, Number.POSITIVE_INFINITY);
    lastMs.delete(sha256);
    const oldestFirst = [...lastMs].toSorted(([, left], [, right]) => left - right).map(([name]) => name);
    for (const oldest of oldestFirst.slice(0, Math.max(0, oldestFirst.length + 1 - this.#most))) {
      await removeClipParts(this.#store, robotId, oldest);
      this.end(robotId, oldest);
    }
    if (this.#begun.size >= maxRemembered) this.#begun.clear();
    this.#begun.set(robotId, (this.#begun.get(robotId) ?? new Set()).add(sha256));
  }
}
