import { z } from 'zod';

import { cleanText } from '../../domain/clean-text.ts';
import { freezeEnd, freezeEndWanted, type Freeze, type FreezeState } from '../../domain/trial/freeze.ts';
import { readLastEntry, readLogNewestFirst, writeLogEntry } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import type { OnDamage } from '../damaged-objects.ts';
import { failure, isFailure } from '../failures.ts';
import type { ObjectStore } from '../object-store.ts';

const latestMs = 8_640_000_000_000_000;
const word = { who: z.string().min(1).max(200), why: z.string().min(1).max(500), atMs: z.int() };
/** A line of `freezes/<policy>/<seq>.json`; the last one holds. */
const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('frozen'), untilMs: z.int().min(0).max(latestMs), ...word }),
  z.strictObject({ kind: z.literal('lifted'), ...word }),
]);
type Line = z.infer<typeof lineSchema>;
export type FreezeLine = Line;

const logOf = (policy: string): string => `freezes/${policy}`;

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

interface Word {
  readonly policy: string;
  readonly who: string;
  readonly why: string;
}

/** Whether a policy is frozen at `nowMs`. A last line that cannot be read counts as a freeze; a store that does not answer throws. */
export async function readFreeze(store: ObjectStore, policy: string, nowMs: number): Promise<FreezeState> {
  const last = await lastLine(store, policy);
  if (last === undefined) return { kind: 'none' };
  if ('reason' in last) return { kind: 'unreadable', reason: last.reason };
  const { line } = last;
  if (line.kind === 'lifted' || line.untilMs <= nowMs) return { kind: 'none' };
  return line;
}

type Last = { readonly seq: number } & ({ readonly line: Line } | { readonly reason: string });

async function lastLine(store: ObjectStore, policy: string): Promise<Last | undefined> {
  const last = await readLastEntry(store, logOf(policy), async (read) => {
    try {
      return { line: await read(lineSchema) };
    } catch (error) {
      if (isFailure(error, 'CorruptData')) return { reason: error.message };
      throw error;
    }
  });
  return last === undefined ? undefined : { seq: last.seq, ...last.record };
}

/** What was frozen and lifted since a moment, newest first, at most `most`; a line that cannot be read is passed over with a word to `onDamage`. */
export async function readFreezesSince(
  store: ObjectStore,
  policy: string,
  { sinceMs, most }: { readonly sinceMs: number; readonly most: number },
  onDamage: OnDamage,
): Promise<readonly FreezeLine[]> {
  const lines: FreezeLine[] = [];
  for await (const line of readLogNewestFirst(store, logOf(policy), lineSchema, onDamage)) {
    if (line.atMs < sinceMs || lines.length === most) break;
    lines.push(line);
  }
  return lines;
}

/**
 * Freezes a policy until a time, in place of the freeze that holds. The same again changes nothing. `mayShorten`: it may end sooner than the one that holds;
 * `Conflict` otherwise.
 */
export async function setFreeze(
  ports: Ports,
  { until, mayShorten, ...given }: Word & { readonly until: string; readonly mayShorten: boolean },
): Promise<Freeze> {
  const nowMs = ports.clock();
  const untilMs = freezeEnd(until, nowMs);
  if (untilMs === undefined) throw failure('InvalidInput', `expected ${freezeEndWanted}, got ${until.slice(0, 60)}`);
  const line = await append(ports, given, (last, { who, why }) => {
    const holds = last !== 'unreadable' && last?.kind === 'frozen' && last.untilMs > nowMs ? last : undefined;
    if (holds?.untilMs === untilMs && holds.who === who && holds.why === why) return holds;
    if (holds !== undefined && untilMs < holds.untilMs && !mayShorten)
      throw failure(
        'Conflict',
        `expected an end after ${new Date(holds.untilMs).toISOString()}, got ${until}: only an approver may shorten or lift the freeze of ${holds.who}`,
      );
    return { kind: 'frozen', untilMs, who, why, atMs: nowMs };
  });
  return { untilMs, who: line.who, why: line.why, atMs: line.atMs };
}

/**
 * Ends the freeze of a policy now. `Conflict` where none holds; one that cannot be read is ended. `sinceMs`: when it was first asked for: done since then by the
 * same word it is done.
 */
export async function liftFreeze(
  ports: Ports,
  { sinceMs, ...given }: Word & { readonly sinceMs: number },
): Promise<void> {
  const nowMs = ports.clock();
  await append(ports, given, (last, { who, why }) => {
    const isLifted = last !== 'unreadable' && last?.kind === 'lifted' && last.atMs >= sinceMs;
    if (isLifted && last.who === who && last.why === why) return last;
    if (last === 'unreadable' || (last?.kind === 'frozen' && last.untilMs > nowMs))
      return { kind: 'lifted', who, why, atMs: nowMs };
    throw failure('Conflict', `expected a freeze of ${given.policy} that holds, there is none`);
  });
}

/** Appends the line that `build` makes, unless it gives the last one; after a lost race it is asked anew. */
async function append(
  { store }: Ports,
  { policy, ...given }: Word,
  build: (last: Line | 'unreadable' | undefined, said: { readonly who: string; readonly why: string }) => Line,
): Promise<Line> {
  const said = { who: cleanText(given.who).slice(0, 200), why: cleanText(given.why).slice(0, 500) };
  if (said.who.trim() === '' || said.why.trim() === '')
    throw failure('InvalidInput', 'expected who and a reason of 1 to 500 characters');
  for (;;) {
    const last = await lastLine(store, policy);
    const before = last === undefined ? undefined : 'line' in last ? last.line : 'unreadable';
    const line = build(before, said);
    if (line === before) return line;
    if ((await writeLogEntry(store, logOf(policy), (last?.seq ?? -1) + 1, line)) === 'created') return line;
  }
}
