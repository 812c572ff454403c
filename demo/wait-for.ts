import { setTimeout as sleep } from 'node:timers/promises';

/** What a look saw. */
export interface Sight {
  readonly isDone: boolean;
  /** In a few words; while it changes, something happens. */
  readonly state: string;
}

export interface WaitOptions {
  /** What is waited for, in a few words. */
  readonly what: string;
  readonly look: () => Promise<Sight>;
  readonly say: (line: string) => void;
  readonly lookEveryMs?: number;
  /** Says what is waited for when it takes so long, and again. */
  readonly tellEveryMs?: number;
  /** Gives up when `state` did not change for so long; how long all of it takes does not matter. */
  readonly patienceMs?: number;
}

/** Waits for a state, however long it takes while something happens; throws with what was waited for and what there was at last. */
export async function waitFor(options: WaitOptions): Promise<void> {
  const { what, look, say, lookEveryMs = 500, tellEveryMs = 20_000, patienceMs = 180_000 } = options;
  let last = '';
  let changedMs = performance.now();
  let toldMs = changedMs;
  for (;;) {
    const { isDone, state } = await look();
    if (isDone) return;
    const nowMs = performance.now();
    if (state !== last) [last, changedMs] = [state, nowMs];
    if (nowMs - changedMs >= patienceMs)
      throw new Error(`waited for ${what}; for ${Math.round(patienceMs / 1_000)} s there was only: ${state}`);
    if (nowMs - toldMs >= tellEveryMs) {
      toldMs = nowMs;
      say(`  waits for ${what}: ${state} …`);
    }
    await sleep(lookEveryMs);
  }
}
