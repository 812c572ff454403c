import { z } from 'zod';

import type { VersionedHistory } from '../../domain/statistics/index.ts';
import { fleetClock, takeSeq, type FleetTimes, type SeqRuns } from '../../domain/trial/index.ts';
import type { TelemetryBatch, TelemetryLog } from '../fleet-port.ts';
import { jsonBytes, readJson } from '../json-objects.ts';
import type { ObjectStore } from '../ports.ts';
import { trialKeys } from './trial-keys.ts';
import { countedEpisode } from './telemetry-reports.ts';

/** Outcomes by robot, version and fleet hour since 1970: `[hour, successes, episodes]`. */
const summarySchema = z.strictObject({
  robots: z.record(z.string(), z.record(z.string(), z.array(z.tuple([z.int(), z.int(), z.int()])))),
  tasks: z.array(z.string()),
});
type Summary = z.infer<typeof summarySchema>;

const hourMs = 3_600_000;
/** Batches lie under the hour they were written in; gateways' clocks agree within this. */
const closedAfterMs = 5 * 60_000;

export interface FleetHistory {
  readonly history: readonly VersionedHistory[];
  readonly tasks: readonly string[];
}

/**
 * What every robot did in `[startMs, endMs)` by hour and version, and the tasks seen. Hours that are over are summed up once
 * and kept, so the next plan reads only what came since. A batch sent twice counts once within its hour.
 */
export async function readHistory(
  ports: { readonly store: ObjectStore; readonly telemetry: TelemetryLog },
  of: { policy: string; startMs: number; endMs: number; times: FleetTimes; nowMs: number },
): Promise<FleetHistory> {
  const robots = new Map<string, VersionedHistory['cells'][number][]>();
  const tasks = new Set<string>();
  for (let atMs = Math.floor(of.startMs / hourMs) * hourMs; atMs < of.endMs; atMs += hourMs) {
    const summary = await summaryOf(ports, of, atMs);
    for (const task of summary.tasks) tasks.add(task);
    for (const [robotId, versions] of Object.entries(summary.robots)) {
      const cells = robots.get(robotId) ?? [];
      robots.set(robotId, cells);
      for (const [policyVersion, hours] of Object.entries(versions))
        for (const [hour, successes, episodes] of hours)
          cells.push({ day: Math.floor(hour / 24), hour: ((hour % 24) + 24) % 24, successes, episodes, policyVersion });
    }
  }
  return { history: [...robots].map(([robotId, cells]) => ({ robotId, cells })), tasks: [...tasks] };
}

async function summaryOf(
  { store, telemetry }: { readonly store: ObjectStore; readonly telemetry: TelemetryLog },
  { policy, times, nowMs }: { policy: string; times: FleetTimes; nowMs: number },
  atMs: number,
): Promise<Summary> {
  const text = new Date(atMs).toISOString();
  const key = trialKeys.telemetrySummary(policy, times.dayMs, `${text.slice(0, 10)}/${text.slice(11, 13)}`);
  const kept = await readJson(store, key, summarySchema);
  if (kept !== undefined) return kept;
  const batches: TelemetryBatch[] = [];
  for await (const object of telemetry.keys(policy, atMs, atMs)) batches.push(...(await telemetry.read(object)));
  const summary = summed(batches, times);
  const isClosed = nowMs >= atMs + hourMs + closedAfterMs;
  if (isClosed && batches.length > 0) await store.putIfAbsent(key, jsonBytes(summary));
  return summary;
}

function summed(batches: readonly TelemetryBatch[], times: FleetTimes): Summary {
  const clock = fleetClock(times);
  const lives = new Map<string, SeqRuns>();
  const robots: Record<string, Record<string, Map<number, [number, number, number]>>> = {};
  const tasks = new Set<string>();
  for (const batch of batches) {
    const life = `${batch.robotId}/${batch.bootId}`;
    const seen = lives.get(life) ?? [];
    lives.set(life, seen);
    for (const entry of batch.entries) {
      if (!takeSeq(seen, entry.seq)) continue;
      const episode = countedEpisode(batch, entry);
      if (episode === undefined) continue;
      tasks.add(episode.task);
      const versions = (robots[batch.robotId] ??= {});
      const hours = (versions[episode.version] ??= new Map());
      const hour = Math.floor(clock.fleetMs(episode.atMs) / hourMs);
      const sum = hours.get(hour) ?? [hour, 0, 0];
      hours.set(hour, sum);
      sum[1] += episode.isSuccess ? 1 : 0;
      sum[2] += 1;
    }
  }
  return {
    tasks: [...tasks],
    robots: Object.fromEntries(
      Object.entries(robots).map(([robotId, versions]) => [
        robotId,
        Object.fromEntries(Object.entries(versions).map(([version, hours]) => [version, [...hours.values()]])),
      ]),
    ),
  };
}
