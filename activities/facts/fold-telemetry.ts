import { cutSpan, utcDay } from '../../domain/facts/days.ts';
import { heldAt } from '../../domain/facts/place.ts';
import type { RobotRecord, TelemetryBatch } from '../../fleet/desk/index.ts';
import type { TelemetryEntry } from '../../fleet/protocol/index.ts';
import { countedEpisode, reportedAtMs } from '../trials/telemetry-reports.ts';
import type { FleetDayRow, OutcomeRow, SafetyEvent } from './fact-rows.ts';

type Place = Pick<OutcomeRow, 'robot_id' | 'policy' | 'robot_type' | 'robot_type_version' | 'site' | 'stratum'>;
type Episode = Extract<TelemetryEntry, { kind: 'episode' }>;
type Measure = Exclude<keyof FleetDayRow, keyof Place | 'recorded_on'>;
type DayRow = Place & Pick<FleetDayRow, 'recorded_on'> & { -readonly [Name in Measure]: number };

/** What is known of a robot's past. */
export interface RobotPast {
  /** Every record of the robot, ascending; the one that held then says where it was. */
  readonly records: readonly RobotRecord[];
  /** It was not there before, Unix ms: what ended earlier is made up, whatever its clock says; 0 where nobody knows. */
  readonly sinceMs: number;
}

const none: { readonly [Name in Measure]: 0 } = {
  online_ms: 0,
  episodes: 0,
  counted_episodes: 0,
  successes: 0,
  interventions: 0,
  corrected_episodes: 0,
  corrected_frames: 0,
  dropped_successes: 0,
  dropped_others: 0,
  refused_tasks: 0,
  safety_events: 0,
  undated_episodes: 0,
};

/**
 * Makes rows of telemetry entries, whatever order they come in. Memory grows with the entries of one step: their number is bounded by who
 * gives them.
 */
export class TelemetryFold {
  readonly #policy: string;
  readonly #outcomes: OutcomeRow[] = [];
  readonly #events: SafetyEvent[] = [];
  readonly #days = new Map<string, DayRow>();
  /** Entries that were left out: they ended before their robot was registered. */
  beforeRegistration = 0;

  constructor(policy: string) {
    this.#policy = policy;
  }

  /** Rows so far. */
  get size(): number {
    return this.#outcomes.length + this.#days.size + this.#events.length;
  }

  take(batch: TelemetryBatch, entries: readonly TelemetryEntry[], past: RobotPast): void {
    for (const entry of entries) this.#takeEntry(batch, entry, past);
  }

  #takeEntry(batch: TelemetryBatch, entry: TelemetryEntry, { records: life, sinceMs }: RobotPast): void {
    const { robotId, receivedMs, bootId } = batch;
    const atMs = Math.max(0, reportedAtMs(batch, entry) ?? receivedMs);
    if (atMs < sinceMs) {
      this.beforeRegistration += 1;
      return;
    }
    const add = (measure: Measure, count: number, whenMs = atMs): void => {
      if (count > 0) this.#day(robotId, whenMs, life)[measure] += count;
    };
    switch (entry.kind) {
      case 'episode':
        return this.#takeEpisode(batch, entry, life, add);
      case 'safetyEvent':
        add('safety_events', 1);
        this.#events.push({ robotId, bootId, atMs });
        return;
      case 'dropped':
        add('dropped_successes', entry.successes);
        add('dropped_others', entry.others);
        return;
      case 'refusedTask':
        return add('refused_tasks', entry.count);
      case 'online': {
        const moves = life.map((record) => record.atMs);
        for (const { startMs, endMs } of cutSpan(Math.max(sinceMs, atMs - entry.durationMs), atMs, moves))
          add('online_ms', endMs - startMs, startMs);
        return;
      }
    }
  }

  #takeEpisode(
    batch: TelemetryBatch,
    entry: Episode,
    life: readonly RobotRecord[],
    add: (measure: Measure, count: number) => void,
  ): void {
    const endedMs = reportedAtMs(batch, entry);
    const atMs = Math.max(0, endedMs ?? batch.receivedMs);
    const counted = countedEpisode(batch, entry);
    add('episodes', 1);
    add('undated_episodes', endedMs === undefined ? 1 : 0);
    add('corrected_episodes', entry.correctedFrames > 0 ? 1 : 0);
    add('corrected_frames', entry.correctedFrames);
    if (counted !== undefined) {
      add('counted_episodes', 1);
      add('successes', counted.isSuccess ? 1 : 0);
      add('interventions', counted.intervened ? 1 : 0);
    }
    this.#outcomes.push({
      ...this.#place(batch.robotId, atMs, life),
      episode_id: entry.episodeId,
      boot_id: batch.bootId,
      policy_version: entry.policyVersion,
      trial_id: entry.trialId,
      task: entry.task,
      started_at: endedMs === undefined ? null : Math.max(0, atMs - entry.durationMs) * 1_000,
      ended_at: endedMs === undefined ? null : atMs * 1_000,
      duration_ms: entry.durationMs,
      outcome: entry.outcome,
      failure_reason: entry.failureReason,
      is_counted: counted !== undefined,
      intervened: entry.intervened,
      corrected_frames: entry.correctedFrames,
      latency_p50_ms: entry.latencyP50Ms,
      decoding_p50_ms: entry.latencyParts?.decodingP50Ms ?? null,
      policy_p50_ms: entry.latencyParts?.policyP50Ms ?? null,
      safety_events: 0,
      recorded_on: utcDay(atMs),
    });
  }

  #place(robotId: string, atMs: number, life: readonly RobotRecord[]): Place {
    const record = heldAt(life, atMs);
    return {
      robot_id: robotId,
      policy: this.#policy,
      robot_type: record?.robotType.id ?? null,
      robot_type_version: record?.robotType.version ?? null,
      site: record?.site ?? null,
      stratum: record?.stratum ?? null,
    };
  }

  #day(robotId: string, atMs: number, life: readonly RobotRecord[]): DayRow {
    const place = { ...this.#place(robotId, atMs, life), recorded_on: utcDay(atMs) };
    const name = JSON.stringify(Object.values(place));
    const known = this.#days.get(name);
    if (known !== undefined) return known;
    const row: DayRow = { ...place, ...none };
    this.#days.set(name, row);
    return row;
  }

  /** The events of this step. */
  get events(): readonly SafetyEvent[] {
    return this.#events;
  }

  get days(): readonly FleetDayRow[] {
    return [...this.#days.values()];
  }

  /** The episodes, each with the events that fell into it; `earlier`: those of the steps before. O(episodes × events of their life). */
  outcomes(earlier: readonly SafetyEvent[]): readonly OutcomeRow[] {
    const byLife = Map.groupBy([...earlier, ...this.#events], ({ robotId, bootId }) => `${robotId}/${bootId}`);
    return this.#outcomes.map((row) => {
      const events = byLife.get(`${row.robot_id}/${row.boot_id}`) ?? [];
      const { started_at: startUs, ended_at: endUs } = row;
      if (startUs === null || endUs === null || events.length === 0) return row;
      const within = events.filter(({ atMs }) => atMs * 1_000 >= startUs && atMs * 1_000 <= endUs);
      return { ...row, safety_events: within.length };
    });
  }
}
