import { z } from 'zod';

import type { ImportStore } from '../import-summary.ts';

const madeSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  startedAt: z.int().min(0),
  durationMs: z.int().min(0),
});

/** What a part of a video became. */
export type MadeClip = z.infer<typeof madeSchema>;

/** Remembers which clips an import has landed, so that a run of it that goes on does not decode them again. */
export class MadeClips {
  readonly #store: ImportStore;
  readonly #importId: string | undefined;
  readonly #hasClip: (sha256: string) => Promise<boolean>;

  /** Without an id nothing is remembered. */
  constructor(store: ImportStore, importId: string | undefined, hasClip: (sha256: string) => Promise<boolean>) {
    this.#store = store;
    this.#importId = importId;
    this.#hasClip = hasClip;
  }

  /** Undefined where it is not known, or the store does not have the clip any more. */
  async find(episodeId: string, camera: string): Promise<MadeClip | undefined> {
    const bytes = this.#importId === undefined ? undefined : await this.#store.get(this.#keyOf(episodeId, camera));
    const parsed = madeSchema.safeParse(bytes === undefined ? undefined : jsonOf(bytes));
    return parsed.success && (await this.#hasClip(parsed.data.sha256)) ? parsed.data : undefined;
  }

  /** After the clip was landed. */
  async keep(episodeId: string, camera: string, made: MadeClip): Promise<void> {
    if (this.#importId === undefined) return;
    await this.#store.putIfAbsent(this.#keyOf(episodeId, camera), new TextEncoder().encode(JSON.stringify(made)));
  }

  readonly #keyOf = (episodeId: string, camera: string): string =>
    `imports/${this.#importId}/clips/${episodeId}.${camera}.json`;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
