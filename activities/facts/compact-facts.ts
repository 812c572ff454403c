import { createHash } from 'node:crypto';

import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { readSoundRobotLife, TelemetryCursor, type TelemetryBatch, type TelemetryLog } from '../../fleet/desk/index.ts';
import type { TelemetryEntry } from '../../fleet/protocol/index.ts';
import type { Clock } from '../../store/clock.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { overlapOf, reportedAtMs } from '../trials/telemetry-reports.ts';
import { commitFacts, forgetStates, latestFacts, noFacts, rowsKey, rowsPrefix, type FactState } from './fact-state.ts';
import type { FactTables } from './fact-tables.ts';
import { TelemetryFold, type RobotPast } from './fold-telemetry.ts';
import { writeStep } from './write-step.ts';

const inputSchema = z.strictObject({ policy: z.string().min(1) });
export type CompactFactsInput = z.input<typeof inputSchema>;

export interface CompactFactsResult {
  /** Steps this call made, or finished. */
  readonly steps: number;
  /** Since the first call ever. */
  readonly totals: FactState['totals'];
  readonly asOfMs: number;
  /** There is more than one call does. */
  readonly isBehind: boolean;
}

export interface FactPorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly telemetry: TelemetryLog;
  readonly facts: FactTables;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

const stepsOfOneCall = 20;
/** A step that made so many rows ends, its memory with it. */
const mostRows = 50_000;
/** A life that is silent for so long is forgotten. */
const lifeMemoryMs = 90 * 24 * 3_600_000;
/** Clocks of robots as gateways correct them, and of who registers robots, agree within this. */
const clocksAgreeWithinMs = 5 * 60_000;
const mostEventsOfARobot = 200;
/** Rows of no step that are older than this belong to nobody who still works. */
const orphanAgeMs = 24 * 3_600_000;

/**
 * Makes rows of `lake/outcomes` and `lake/fleet_days` of the telemetry that came since the last step. Idempotent: a step is written down as a
 * whole, rows and cursor together, before the tables see any of it, and goes into each of them once, by its number. Whoever comes after a
 * death finishes the step that was written.
 */
export const compactFacts =
  (ports: FactPorts) =>
  async (given: CompactFactsInput): Promise<CompactFactsResult> => {
    const { policy } = parseActivityInput('compactFacts', inputSchema, given);
    let last = await latestFacts(ports.store, policy);
    if (last !== undefined) await finish(ports, policy, last);
    let steps = 0;
    while (steps < stepsOfOneCall) {
      ports.progress({ stage: 'reading telemetry', step: (last?.step ?? 0) + 1 });
      const next = await prepare(ports, policy, last ?? noFacts);
      const isMine = await commitFacts(ports.store, policy, next);
      last = isMine ? next : ((await latestFacts(ports.store, policy)) ?? next);
      await finish(ports, policy, last);
      steps += 1;
      if (!last.isBehind) break;
    }
    const { totals, asOfMs, isBehind } = last ?? noFacts;
    return { steps, totals, asOfMs, isBehind };
  };

/** Puts what a step wrote down into the tables, unless it is there, and clears up. */
async function finish(ports: FactPorts, policy: string, state: FactState): Promise<void> {
  await writeStep(ports, policy, state);
  for (const sha256 of [state.rows.outcomes, state.rows.days])
    if (sha256 !== null) await ports.store.delete(rowsKey(policy, sha256));
  await forgetStates(ports.store, policy, state.step);
  await sweepRows(ports, policy, state);
}

/** Takes away the rows of steps that were never written down: their worker died in between, or another one was first. */
async function sweepRows({ store, clock }: FactPorts, policy: string, { rows }: FactState): Promise<void> {
  const beforeMs = clock() - orphanAgeMs;
  const needed = [rows.outcomes, rows.days].map((sha256) => rowsKey(policy, sha256 ?? ''));
  for await (const { key, modifiedMs } of store.list(rowsPrefix(policy)))
    if (modifiedMs < beforeMs && !needed.includes(key)) await store.delete(key);
}

async function prepare(ports: FactPorts, policy: string, last: FactState): Promise<FactState> {
  const nowMs = ports.clock();
  const reading = new FactReading(policy, last);
  const { keys, isBehind: isMore } = await reading.cursor.next(ports.telemetry, policy, nowMs);
  const taken: string[] = [];
  let damaged = 0;
  const onDamage: OnDamage = () => (damaged += 1);
  for (const key of keys) {
    if (reading.fold.size >= mostRows) break;
    for (const batch of await ports.telemetry.read(key, onDamage))
      reading.take(batch, await reading.pastOf(ports.store, batch.robotId));
    taken.push(key);
    ports.progress({ stage: 'reading telemetry', key });
  }
  const isBehind = isMore || taken.length < keys.length;
  reading.cursor.advance(taken, nowMs, isBehind);
  const outcomes = reading.fold.outcomes(last.events);
  const { days } = reading.fold;
  const rows: FactState['rows'] = {
    outcomes: await keepRows(ports.store, policy, outcomes),
    days: await keepRows(ports.store, policy, days),
    onDays: [...new Set(days.map(({ recorded_on: day }) => day))].toSorted(),
    events: [...reading.fold.events],
  };
  const { totals } = last;
  return {
    step: last.step + 1,
    asOfMs: nowMs,
    isBehind,
    ...reading.memory(last, nowMs),
    rows,
    totals: {
      outcomes: totals.outcomes + outcomes.length,
      tooOld: totals.tooOld + reading.tooOld,
      beforeRegistration: totals.beforeRegistration + reading.fold.beforeRegistration,
      mayRepeat: totals.mayRepeat + reading.mayRepeat,
      damaged: totals.damaged + damaged,
    },
  };
}

/** Writes rows as lines of JSON under the sha256 of their bytes; null for none. */
async function keepRows(store: ObjectStore, policy: string, rows: readonly object[]): Promise<string | null> {
  if (rows.length === 0) return null;
  const bytes = new TextEncoder().encode(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await store.put(rowsKey(policy, sha256), bytes);
  return sha256;
}

/** One step's way through telemetry: what it takes, and what the next one must know. */
class FactReading {
  readonly cursor: TelemetryCursor;
  readonly fold: TelemetryFold;
  tooOld = 0;
  mayRepeat = 0;
  readonly #forgotten: Record<string, number>;
  readonly #pasts = new Map<string, RobotPast>();

  constructor(policy: string, { scanFromMs, consumed, lives, forgotten }: FactState) {
    this.#forgotten = dictionary(Object.entries(forgotten));
    // The lives are changed while telemetry is read: those of the state stay as they are.
    this.cursor = new TelemetryCursor(
      { scanFromMs, consumed },
      Object.entries(structuredClone(lives)),
      (robotId, life) => this.#forget(robotId, life.untilMs),
    );
    this.fold = new TelemetryFold(policy);
  }

  take(batch: TelemetryBatch, past: RobotPast): void {
    const entries = this.cursor.take(batch);
    overlapOf(this.cursor.lives, batch);
    const young = entries.filter((entry) => !this.#isTooOld(batch, entry));
    this.tooOld += entries.length - young.length;
    if (batch.isTimeUnknown === true && this.#forgotten[batch.robotId] !== undefined) this.mayRepeat += young.length;
    this.fold.take(batch, young, past);
  }

  async pastOf(store: ObjectStore, robotId: string): Promise<RobotPast> {
    const known = this.#pasts.get(robotId);
    if (known !== undefined) return known;
    let isWhole = true;
    const records = await readSoundRobotLife(store, robotId, () => (isWhole = false));
    // Where a record cannot be read it may be the first one.
    const registeredMs = isWhole ? (records[0]?.atMs ?? 0) : 0;
    const past = { records, sinceMs: Math.max(0, registeredMs - clocksAgreeWithinMs) };
    this.#pasts.set(robotId, past);
    return past;
  }

  /** What the next step begins from. */
  memory(
    { events }: FactState,
    nowMs: number,
  ): Pick<FactState, 'scanFromMs' | 'consumed' | 'lives' | 'forgotten' | 'events'> {
    const { cursor } = this;
    const lives = [...cursor.lives.entries()].filter(([name, { heardMs, untilMs }]) => {
      if (heardMs >= nowMs - lifeMemoryMs) return true;
      this.#forget(name.slice(0, name.indexOf('/')), untilMs);
      return false;
    });
    const known = new Set(lives.map(([name]) => name));
    const kept = [...events, ...this.fold.events].filter(({ robotId, bootId }) => known.has(`${robotId}/${bootId}`));
    const byRobot = Map.groupBy(kept, ({ robotId }) => robotId);
    const { scanFromMs, consumed } = cursor.position;
    return {
      scanFromMs,
      consumed: [...consumed],
      lives: dictionary(lives),
      forgotten: this.#forgotten,
      events: [...byRobot.values()].flatMap((own) => own.slice(-mostEventsOfARobot)),
    };
  }

  #forget(robotId: string, untilMs = 0): void {
    this.#forgotten[robotId] = Math.max(untilMs, this.#forgotten[robotId] ?? 0);
  }

  #isTooOld(batch: TelemetryBatch, entry: TelemetryEntry): boolean {
    const forgottenMs = this.#forgotten[batch.robotId];
    const atMs = batch.isTimeUnknown === true ? undefined : reportedAtMs(batch, entry);
    return forgottenMs !== undefined && atMs !== undefined && atMs <= forgottenMs;
  }
}
