import path from 'node:path';

import { z } from 'zod';

import { wireLimits, type TelemetryRequest } from '../protocol/index.ts';
import { namesIn, readJson, removeFile, replaceJson } from './durable-files.ts';
import { keptEntrySchema, type KeptEntry } from './spool-record.ts';

const carriedSchema = z.array(keptEntrySchema);
/** Batches stay well under the limit of the wire. */
const mostEntries = Math.min(250, wireLimits.maxTelemetryEntries);

const idOf = ({ bootId, entry }: KeptEntry): string => `${bootId}/${entry.seq}`;

/** Telemetry that no gateway has acknowledged, oldest first. The spools hold it; when a spool goes, a file of its own. */
export interface TelemetryQueue {
  readonly count: () => number;
  /** Adds entries that the disk already holds. */
  add(entries: readonly KeptEntry[]): void;
  /** The next batch, of one boot, ascending; undefined when there is none. Times are as if all were made at one skew. */
  next(skewMs: number): TelemetryRequest | undefined;
  acknowledge(batch: TelemetryRequest): Promise<void>;
  /** Writes those of a spool's entries that still wait to a file, before the spool goes. */
  carry(spoolNumber: string, entries: readonly KeptEntry[]): Promise<void>;
}

export async function openTelemetryQueue(directory: string): Promise<TelemetryQueue> {
  const waiting = new Map<string, KeptEntry>();
  const carried = new Map<string, Set<string>>();
  for (const name of await namesIn(directory)) {
    const entries = name.endsWith('.json') ? await readJson(path.join(directory, name), carriedSchema) : undefined;
    if (entries === undefined) await removeFile(path.join(directory, name));
    else keep(name, entries);
  }

  function keep(name: string, entries: readonly KeptEntry[]): void {
    carried.set(name, new Set(entries.map(idOf)));
    for (const entry of entries) waiting.set(idOf(entry), entry);
  }

  return {
    count: () => waiting.size,
    add(entries) {
      for (const entry of entries) if (!waiting.has(idOf(entry))) waiting.set(idOf(entry), entry);
    },
    next(skewMs) {
      const first = waiting.values().next().value;
      if (first === undefined) return undefined;
      const batch: KeptEntry[] = [];
      for (const entry of waiting.values()) {
        if (entry.bootId === first.bootId) batch.push(entry);
        if (batch.length === mostEntries) break;
      }
      const clockSkewMs = Math.round(first.skewMs ?? skewMs);
      const entries = batch.map(({ skewMs: ownMs, entry }) => ({
        ...entry,
        atMs: Math.max(0, Math.round(entry.atMs + (ownMs === null ? 0 : clockSkewMs - ownMs))),
      }));
      return { bootId: first.bootId, clockSkewMs, entries: entries.toSorted((a, b) => a.seq - b.seq) };
    },
    async acknowledge({ bootId, entries }) {
      for (const { seq } of entries) waiting.delete(`${bootId}/${seq}`);
      for (const [name, ids] of carried) {
        if ([...ids].some((id) => waiting.has(id))) continue;
        carried.delete(name);
        await removeFile(path.join(directory, name));
      }
    },
    async carry(spoolNumber, entries) {
      const left = entries.filter((entry) => waiting.has(idOf(entry)));
      if (left.length === 0) return;
      const name = `${spoolNumber}.json`;
      await replaceJson(path.join(directory, name), left);
      // A gateway may have acknowledged some while they were written: they must not come back.
      const unacknowledged = left.map(idOf).filter((id) => waiting.has(id));
      if (unacknowledged.length > 0) carried.set(name, new Set(unacknowledged));
      else await removeFile(path.join(directory, name));
    },
  };
}
