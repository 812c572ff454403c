import type { TelemetryEntry } from '../../protocol/index.ts';
import type { Stamp } from '../local/dating.ts';
import type { KeptEntry } from './spool-record.ts';

type Unnumbered<Entry> = Entry extends unknown ? Omit<Entry, 'seq'> : never;

/** How an entry's instant can be dated; `skewMs` is null before the first contact ever, an older agent's entry has no stamp. */
export interface Dated {
  readonly skewMs: number | null;
  readonly stamp?: Stamp | undefined;
  /** Whose version it speaks of; undefined before the first order. */
  readonly policy?: string | undefined;
}

/** Makes the next entry of this life of the agent. */
export type NewEntry = (dated: Dated, entry: Unnumbered<TelemetryEntry>) => KeptEntry;

/** Numbers what a robot reports: (boot, seq) names one entry for ever. */
export function numberedEntries(bootId: string): NewEntry {
  let seq = 0;
  return ({ skewMs, stamp, policy }, entry) => ({
    bootId,
    skewMs,
    ...(stamp === undefined ? {} : { stamp }),
    ...(policy === undefined ? {} : { policy }),
    entry: { ...entry, seq: seq++ },
  });
}
