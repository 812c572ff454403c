import { z } from 'zod';

import { readJson, replaceJson } from '../local/durable-files.ts';
import { elapsedSince, type MachineMoment } from '../local/times.ts';

const keptSchema = z.object({
  contactlessMs: z.number().min(0),
  at: z.object({ machineBootId: z.string(), monotonicMs: z.number() }),
});

/** How often the measure is written: what a power cut can make it forget. */
const keepEveryMs = 10 * 60_000;

/**
 * How long no gateway has answered, by the monotonic clock: the wall clock may jump as it likes. Time while the machine was
 * off cannot be measured and does not count; time while only the agent was down does.
 */
export interface Contact {
  readonly contactlessMs: () => number;
  /** A gateway has answered. */
  made(): void;
  /** Writes the measure when it is due. */
  keep(): Promise<void>;
}

/** `onMade` hears of every answer. */
export async function openContact(file: string, now: () => MachineMoment, onMade: () => void): Promise<Contact> {
  const kept = await readJson(file, keptSchema);
  const before = kept === undefined ? 0 : kept.contactlessMs + Math.max(0, elapsedSince(kept.at, now()) ?? 0);
  let since = now().monotonicMs - before;
  let keptAtMs = Number.NEGATIVE_INFINITY;
  const contactlessMs = (): number => Math.max(0, now().monotonicMs - since);
  return {
    contactlessMs,
    made() {
      since = now().monotonicMs;
      onMade();
    },
    async keep() {
      const at = now();
      if (at.monotonicMs - keptAtMs < keepEveryMs) return;
      keptAtMs = at.monotonicMs;
      await replaceJson(file, { contactlessMs: contactlessMs(), at });
    },
  };
}
