import type { TelemetryEntry } from '../protocol/index.ts';
import type { KeptEntry } from './spool-record.ts';

type Unnumbered<Entry> = Entry extends unknown ? Omit<Entry, 'seq'> : never;

/** Makes the next entry of this life of the agent; `skewMs` is null before the first contact ever. */
export type NewEntry = (skewMs: number | null, entry: Unnumbered<TelemetryEntry>) => KeptEntry;

/** Numbers what a robot reports: (boot, seq) names one entry for ever. */
export function numberedEntries(bootId: string): NewEntry {
  let seq = 0;
  return (skewMs, entry) => ({ bootId, skewMs, entry: { ...entry, seq: seq++ } });
}
