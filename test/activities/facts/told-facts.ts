import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { SqlRow } from '../../../activities/ports/sql.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import {
  bootOf,
  dropped,
  episode,
  episodeIdOf,
  hourMs,
  online,
  openFactWorld,
  safetyEvent,
  startMs,
  type Entry,
  type FactWorld,
  type Line,
} from './fact-world.ts';

export const endMs = startMs + 14 * hourMs;
const robots = ['r0', 'r1', 'r2'];
const days = new Map<number, string>();
/** Asked for every row by every robot's: a date is written once. */
export function day(atMs: number): string {
  const number = Math.floor(atMs / (24 * hourMs));
  const text = days.get(number) ?? new Date(atMs).toISOString().slice(0, 10);
  days.set(number, text);
  return text;
}
const siteOf = (robotId: string, atMs: number): string =>
  robotId === 'r1' && atMs >= startMs + hourMs ? 'yard' : 'hall';

/** What three robots tell within six hours: every kind of entry, episodes with and without safety events in them. */
export function lives(seed: number): {
  readonly robotId: string;
  readonly bootId: string;
  readonly skewMs: number;
  readonly entries: readonly Entry[];
}[] {
  const random = randomFromSeed(`facts ${seed}`);
  let episodes = 0;
  return robots.flatMap((robotId, robot) =>
    [0, 1].map((boot) => {
      const skewMs = Math.round((random() - 0.5) * 100_000);
      const entries: Entry[] = [];
      let atMs = startMs + boot * 3 * hourMs;
      while (atMs < startMs + (boot + 1) * 3 * hourMs - 600_000) {
        const durationMs = 1_000 + Math.floor(random() * 400_000);
        const seq = () => entries.length;
        atMs += durationMs;
        if (random() < 0.2) entries.push(safetyEvent(seq(), atMs + skewMs - Math.floor(durationMs * random())));
        const isSuccess = random() < 0.7;
        entries.push(
          episode(seq(), atMs + skewMs, {
            episodeId: episodeIdOf((episodes += 1)),
            durationMs,
            outcome: isSuccess ? 'success' : 'failure',
            failureReason: isSuccess ? null : random() < 0.1 ? 'rollback' : "it's `stuck`",
            intervened: random() < 0.1,
            correctedFrames: random() < 0.2 ? 7 : 0,
            policyVersion: random() < 0.05 ? null : '1.0.0',
            latencyP50Ms: random() < 0.1 ? null : 1 + random(),
          }),
        );
        atMs += 1 + Math.floor(random() * 60_000);
        if (random() < 0.3) entries.push(online(seq(), atMs + skewMs, Math.floor(random() * 3 * hourMs)));
        if (random() < 0.1) entries.push(dropped(seq(), atMs + skewMs, 2, 1));
      }
      return { robotId, bootId: bootOf(robot * 2 + boot), skewMs, entries };
    }),
  );
}

interface Written {
  readonly lines: readonly Line[];
  readonly hourOfMs: number;
}

/** The same told in objects: cut anywhere, some batches sent again by way of another object, up to hours later. */
export function objectsOf(seed: number, told: ReturnType<typeof lives>): Written[] {
  const random = randomFromSeed(`objects ${seed}`);
  const batches = told.flatMap(({ robotId, bootId, skewMs, entries }): Line[] => {
    const lines: Line[] = [];
    for (let from = 0; from < entries.length;) {
      const part = entries.slice(from, from + 1 + Math.floor(random() * 6));
      const last = part.at(-1)?.atMs ?? 0;
      // Never before it happened.
      const line = {
        robotId,
        bootId,
        clockSkewMs: skewMs,
        entries: part,
        receivedMs: last - skewMs + Math.floor(random() * 2 * hourMs),
      };
      lines.push(line);
      if (random() < 0.3) lines.push({ ...line, receivedMs: line.receivedMs + Math.floor(random() * 3 * hourMs) });
      // Sometimes it is sent again together with what comes next.
      from += random() < 0.2 && part.length > 1 ? part.length - 1 : part.length;
    }
    return lines;
  });
  const byHour = Map.groupBy(batches, ({ receivedMs }) => Math.floor(receivedMs / hourMs));
  return [...byHour].flatMap(([hour, lines]) => {
    const objects: Line[][] = [];
    for (const line of lines) {
      if (objects.length === 0 || random() < 0.5) objects.push([]);
      objects[Math.floor(random() * objects.length)]?.push(line);
    }
    return objects.filter(({ length }) => length > 0).map((part) => ({ lines: part, hourOfMs: hour * hourMs }));
  });
}

/** The facts, by the simplest program that makes them of what was told. */
export function expected(told: ReturnType<typeof lives>) {
  const outcomes: Record<string, unknown>[] = [];
  const days = new Map<string, Record<string, number>>();
  for (const { robotId, bootId, skewMs, entries } of told)
    for (const entry of entries) {
      const atMs = entry.atMs - skewMs;
      const add = (name: string, count: number, whenMs = atMs): void => {
        if (count === 0) return;
        const key = `${robotId} ${siteOf(robotId, whenMs)} ${day(whenMs)}`;
        const sums = days.get(key) ?? {};
        days.set(key, sums);
        sums[name] = (sums[name] ?? 0) + count;
      };
      if (entry.kind === 'online')
        for (let ms = atMs - (entry['durationMs'] as number); ms < atMs; ms += 1_000) {
          // Second by second; what a second is cut into lies on one side of midnight, because all of a second does.
          const end = Math.min(atMs, (Math.floor(ms / 1_000) + 1) * 1_000);
          add('online_ms', end - ms, ms);
          ms = end - 1_000;
        }
      if (entry.kind === 'dropped') {
        add('dropped_successes', 2);
        add('dropped_others', 1);
      }
      if (entry.kind === 'safetyEvent') add('safety_events', 1);
      if (entry.kind !== 'episode') continue;
      const isCounted = entry['policyVersion'] !== null && entry['failureReason'] !== 'rollback';
      const startedMs = atMs - (entry['durationMs'] as number);
      add('episodes', 1);
      add('corrected_frames', entry['correctedFrames'] as number);
      if (isCounted) add('counted_episodes', 1);
      if (isCounted && entry['outcome'] === 'success') add('successes', 1);
      if (isCounted && entry['intervened'] === true) add('interventions', 1);
      outcomes.push({
        episode_id: entry['episodeId'],
        robot_id: robotId,
        boot_id: bootId,
        site: siteOf(robotId, atMs),
        recorded_on: day(atMs),
        started: startedMs,
        ended: atMs,
        outcome: entry['outcome'],
        failure_reason: entry['failureReason'],
        is_counted: isCounted,
        corrected_frames: entry['correctedFrames'],
        latency_p50_ms: entry['latencyP50Ms'],
        safety_events: entries.filter((event) => {
          const eventMs = event.atMs - skewMs;
          return event.kind === 'safetyEvent' && eventMs >= startedMs && eventMs <= atMs;
        }).length,
      });
    }
  return {
    outcomes: outcomes.toSorted((a, b) => (String(a['episode_id']) < String(b['episode_id']) ? -1 : 1)),
    days: Object.fromEntries([...days].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

export async function stored(world: FactWorld) {
  const outcomes = await world.rows(
    'outcomes',
    `SELECT episode_id, robot_id, boot_id, site, recorded_on, epoch_ms(started_at) AS started, epoch_ms(ended_at) AS ended, outcome,
       failure_reason, is_counted, corrected_frames, latency_p50_ms, safety_events FROM facts ORDER BY episode_id`,
  );
  const days = await world.rows('fleet_days');
  const measures = [
    'online_ms',
    'episodes',
    'counted_episodes',
    'successes',
    'interventions',
    'corrected_frames',
  ] as const;
  const more = ['dropped_successes', 'dropped_others', 'safety_events'] as const;
  const keyOf = (row: SqlRow): string =>
    [row['robot_id'], row['site'], row['recorded_on']].map((name) => name as string).join(' ');
  assert.equal(new Set(days.map(keyOf)).size, days.length, 'one row a robot, place and day');
  return {
    outcomes: outcomes.map((row) => ({ ...row })),
    days: Object.fromEntries(
      days
        .map(
          (row) =>
            [
              keyOf(row),
              Object.fromEntries(
                [...measures, ...more].flatMap((name) => (row[name] === 0 ? [] : [[name, row[name]]])),
              ),
            ] as const,
        )
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

export const sorted = ({ outcomes, days }: { outcomes: readonly object[]; days: Record<string, object> }) => ({
  outcomes: outcomes.map((row) => ({ ...row })),
  days: Object.fromEntries(
    Object.entries(days).map(([key, sums]) => [
      key,
      Object.fromEntries(Object.entries(sums).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ]),
  ),
});

/** A store on which the process dies at its nth change, before the change or after it. */
export function dying(store: ObjectStore, at: number, isAfter: boolean): ObjectStore {
  let changes = 0;
  const die = async <T>(change: () => Promise<T>): Promise<T> => {
    changes += 1;
    if (changes > at || (changes === at && !isAfter)) throw new Error('killed');
    const result = await change();
    if (changes === at) throw new Error('killed');
    return result;
  };
  return {
    get: (key, range) => store.get(key, range),
    list: (prefix, options) => store.list(prefix, options),
    localPath: (key) => store.localPath(key),
    put: (key, body) => die(() => store.put(key, body)),
    putIfAbsent: (key, body) => die(() => store.putIfAbsent(key, body)),
    delete: (key) => die(() => store.delete(key)),
  };
}

/** Facts are what was told, in so many courses of events: order, cuts, repetitions and deaths are drawn. */
export async function checkCourses(runs: number): Promise<void> {
  const seeds = fc.integer({ min: 0, max: 1_000_000 });
  await fc.assert(
    fc.asyncProperty(seeds, fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 3 }), async (seed, deaths) => {
      const world = await openFactWorld();
      try {
        const random = randomFromSeed(`course ${seed}`);
        const told = lives(seed);
        const objects = objectsOf(seed, told);
        // An object comes while its hour is open to gateways: until five minutes after it. Within that, in any order.
        const arrivals = objects
          .map((object) => ({ ...object, atMs: object.hourOfMs + Math.floor(random() * (hourMs + 240_000)) }))
          .toSorted((a, b) => a.atMs - b.atMs);
        const left = [...deaths];
        for (const { lines, hourOfMs, atMs } of arrivals) {
          world.nowMs = Math.max(world.nowMs, atMs);
          await world.write(lines, hourOfMs);
          if (random() > 0.3) continue;
          const death = left.shift();
          if (death === undefined) await world.compact();
          else await world.compact(dying(world.store, death, random() < 0.5)).catch(() => undefined);
        }
        world.nowMs = endMs;
        await world.compact();
        await world.compact();
        assert.deepEqual(sorted(await stored(world)), sorted(expected(told)));
      } finally {
        await world.close();
      }
    }),
    { numRuns: runs, seed: 7 },
  );
}

/** A worker dies before each change of the store, or before every n-th, and the next attempt ends the work. */
export async function checkDeaths(everyDeath: number): Promise<void> {
  const told = lives(3);
  const turnMs = startMs + 3 * hourMs;
  const objects = objectsOf(3, told);
  // The first part is in the tables when the second one begins: days are written anew.
  const first = objects.filter(({ hourOfMs }) => hourOfMs < turnMs);
  const second = objects.filter(({ hourOfMs }) => hourOfMs >= turnMs);
  assert.ok(first.length > 2 && second.length > 2);
  const want = sorted(expected(told));
  let deaths = 0;
  const before = await openFactWorld();
  before.nowMs = turnMs;
  for (const { lines, hourOfMs } of first) await before.write(lines, hourOfMs);
  await before.compact();
  for (const { lines, hourOfMs } of second) await before.write(lines, hourOfMs);
  // Between two changes nothing happens that lasts: dying before the next one is dying after this one.
  for (let isOver = false; !isOver; deaths += everyDeath) {
    const world = await openFactWorld(before);
    try {
      world.nowMs = endMs;
      isOver = await world.compact(dying(world.store, deaths + 1, false)).then(
        () => true,
        () => false,
      );
      await world.compact();
      assert.deepEqual(sorted(await stored(world)), want, `killed before change ${deaths + 1}`);
    } finally {
      await world.close();
    }
  }
  await before.close();
  // Rows twice, the state, files and a commit for each table, and what is cleared up.
  assert.ok(deaths > 9, `${deaths}`);
}
