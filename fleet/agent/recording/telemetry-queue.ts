import path from 'node:path';

import { z } from 'zod';

import { telemetryEntrySchema, wireLimits, type TelemetryRequest } from '../../protocol/index.ts';
import { shiftMs, type Dating, type Stamp } from '../local/dating.ts';
import { namesIn, readJson, removeFile, replaceJson } from '../local/durable-files.ts';
import { keptEntrySchema, type KeptEntry } from './spool-record.ts';

const carriedSchema = z.array(keptEntrySchema);
/** Batches stay well under the limit of the wire. */
export const mostEntries = Math.min(250, wireLimits.maxTelemetryEntries);

const idOf = ({ bootId, entry }: KeptEntry): string => `${bootId}/${entry.seq}`;

/** Why no gateway can take an entry; undefined when one can. */
export function problemOf({ entry }: KeptEntry): string | undefined {
  const parsed = telemetryEntrySchema.safeParse(entry);
  return parsed.success ? undefined : `no entry of the protocol: ${z.prettifyError(parsed.error)}`;
}

export interface TelemetryQueuePorts {
  readonly directory: string;
  readonly datingOf: (stamp: Stamp) => Dating;
  /** Robot clock minus gateway clock now, for entries of older agents; undefined before the first contact ever. */
  readonly skewMs: () => number | undefined;
  readonly setAside: (why: string, entry: unknown) => void;
}

/** Telemetry that no gateway has acknowledged, oldest first. The spools hold it; when a spool goes, a file of its own. */
export interface TelemetryQueue {
  readonly count: () => number;
  /** Adds entries that the disk already holds; what no gateway could take is set aside. */
  add(entries: readonly KeptEntry[]): void;
  /**
   * The next batch of at most so many entries, of one boot and policy, ascending, with times by the gateway's clock; undefined when there is
   * none that can be dated. Entries whose time nobody can know come in batches of their own, and say so. `tellsParts`: the gateway
   * knows `latencyParts`.
   */
  next(most?: number, tellsParts?: boolean): TelemetryRequest | undefined;
  /** Whose versions a batch of `next` speaks of, one policy's; undefined where an older agent did not say. */
  readonly policyOf: (batch: TelemetryRequest) => string | undefined;
  acknowledge(batch: TelemetryRequest): Promise<void>;
  /** Gives up a batch that no gateway takes: it is set aside, and the queue goes on. */
  giveUp(batch: TelemetryRequest, why: string): Promise<void>;
  /** Writes those of a spool's entries that still wait to a file, before the spool goes. */
  carry(spoolNumber: string, entries: readonly KeptEntry[]): Promise<void>;
}

const goTogether = (one: Ready, other: Ready): boolean =>
  one.kept.bootId === other.kept.bootId &&
  one.kept.policy === other.kept.policy &&
  one.dating.kind === other.dating.kind;

type Ready = { readonly kept: KeptEntry; readonly dating: Exclude<Dating, { kind: 'later' }> };

export async function openTelemetryQueue(ports: TelemetryQueuePorts): Promise<TelemetryQueue> {
  const { directory } = ports;
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

  function readyEntries(most: number): readonly Ready[] {
    const batch: Ready[] = [];
    for (const kept of waiting.values()) {
      const dating = datingFor(ports, kept);
      if (dating.kind === 'later') continue;
      const [first] = batch;
      if (first !== undefined && !goTogether(first, { kept, dating })) continue;
      batch.push({ kept, dating });
      if (batch.length >= most) break;
    }
    return batch;
  }

  async function acknowledge({ bootId, entries }: TelemetryRequest): Promise<void> {
    for (const { seq } of entries) waiting.delete(`${bootId}/${seq}`);
    for (const [name, ids] of carried) {
      if ([...ids].some((id) => waiting.has(id))) continue;
      carried.delete(name);
      await removeFile(path.join(directory, name));
    }
  }

  return {
    count: () => waiting.size,
    add(entries) {
      for (const entry of entries) {
        if (waiting.has(idOf(entry))) continue;
        const problem = problemOf(entry);
        if (problem === undefined) waiting.set(idOf(entry), entry);
        else ports.setAside(problem, entry);
      }
    },
    next: (most = mostEntries, tellsParts = false) => batchOf(readyEntries(Math.min(most, mostEntries)), tellsParts),
    policyOf: ({ bootId, entries }) => waiting.get(`${bootId}/${entries[0]?.seq}`)?.policy,
    acknowledge,
    async giveUp(batch, why) {
      for (const entry of batch.entries) ports.setAside(why, { bootId: batch.bootId, entry });
      await acknowledge(batch);
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

/** An older agent's entry holds by the skew it had, or has now. */
function datingFor({ datingOf, skewMs }: TelemetryQueuePorts, { stamp, skewMs: ownMs }: KeptEntry): Dating {
  if (stamp !== undefined) return datingOf(stamp);
  const skew = ownMs ?? skewMs();
  return skew === undefined ? { kind: 'later' } : { kind: 'known', gatewayOffsetMs: -skew };
}

const unstamped: Stamp = { machineBootId: '', clockOffsetMs: 0 };

function batchOf(batch: readonly Ready[], tellsParts: boolean): TelemetryRequest | undefined {
  const [first] = batch;
  if (first === undefined) return undefined;
  const latestMs = Math.max(...batch.map(({ kept }) => kept.entry.atMs));
  const entries = batch.map(({ kept: { entry, latencyParts, stamp = unstamped }, dating }) => ({
    ...entry,
    ...(tellsParts && latencyParts !== undefined ? { latencyParts } : {}),
    atMs: Math.max(0, Math.round(entry.atMs + shiftMs(dating, stamp, latestMs))),
  }));
  return {
    bootId: first.kept.bootId,
    clockSkewMs: 0,
    ...(first.dating.kind === 'unknown' ? { isTimeUnknown: true as const } : {}),
    entries: entries.toSorted((a, b) => a.seq - b.seq),
  };
}
