import type { NewEntry } from './kept-entries.ts';
import type { RefusedTasks } from './refused-tasks.ts';
import type { MonotonicClock } from '../local/times.ts';

type Entry = Parameters<NewEntry>[1];

export interface OnlineTimePorts {
  readonly monotonic: MonotonicClock;
  readonly everyMs: number;
  /** What stands in every entry of now. */
  readonly moment: () => Omit<Extract<Entry, { kind: 'online' }>, 'kind' | 'durationMs'>;
  readonly keep: (entry: Entry) => Promise<void>;
  readonly refusedTasks: Pick<RefusedTasks, 'take'>;
}

/** How long the robot was online, and which tasks it refused meanwhile, to be told from time to time. */
export interface OnlineTime {
  keep(): Promise<void>;
  keepIfDue(): Promise<void>;
}

export function onlineTime({ monotonic, everyMs, moment, keep, refusedTasks }: OnlineTimePorts): OnlineTime {
  let sinceMs = monotonic();
  async function keepNow(): Promise<void> {
    const durationMs = Math.max(0, Math.round(monotonic() - sinceMs));
    sinceMs = monotonic();
    await keep({ kind: 'online', ...moment(), durationMs });
    for (const refused of refusedTasks.take()) await keep({ kind: 'refusedTask', ...moment(), ...refused });
  }
  return {
    keep: keepNow,
    async keepIfDue() {
      if (monotonic() - sinceMs >= everyMs) await keepNow();
    },
  };
}
