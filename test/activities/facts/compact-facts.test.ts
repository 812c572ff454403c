import assert from 'node:assert/strict';
import path from 'node:path';

import * as fc from 'fast-check';

import { randomFromSeed } from '../../../domain/statistics/index.ts';
import type { SqlRow } from '../../../activities/ports/sql.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { pythonJson } from '../../support/python-json.ts';
import { toolForTest } from '../../support/tool.ts';
import {
  bootOf,
  dropped,
  episode,
  episodeIdOf,
  hourMs,
  online,
  openFactWorld,
  policy,
  safetyEvent,
  startMs,
  type Entry,
  type FactWorld,
  type Line,
} from './fact-world.ts';

const robots = ['r0', 'r1', 'r2'];
const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const siteOf = (robotId: string, atMs: number): string =>
  robotId === 'r1' && atMs >= startMs + hourMs ? 'yard' : 'hall';

/** What three robots tell within six hours: every kind of entry, episodes with and without safety events in them. */
function lives(seed: number): {
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
function objectsOf(seed: number, told: ReturnType<typeof lives>): Written[] {
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
function expected(told: ReturnType<typeof lives>) {
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

async function stored(world: FactWorld) {
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

const sorted = ({ outcomes, days }: { outcomes: readonly object[]; days: Record<string, object> }) => ({
  outcomes: outcomes.map((row) => ({ ...row })),
  days: Object.fromEntries(
    Object.entries(days).map(([key, sums]) => [
      key,
      Object.fromEntries(Object.entries(sums).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ]),
  ),
});

/** A store on which the process dies at its nth change, before the change or after it. */
function dying(store: ObjectStore, at: number, isAfter: boolean): ObjectStore {
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

describe('facts of telemetry', function () {
  this.timeout(240_000);
  const endMs = startMs + 14 * hourMs;

  it('are what was told, each once, in whatever order and cut, sent again, late, and killed anywhere', async () => {
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
      { numRuns: 6, seed: 7 },
    );
  });

  it('are complete and single wherever a worker dies, before each change of the store', async () => {
    const told = lives(3);
    const turnMs = startMs + 3 * hourMs;
    const objects = objectsOf(3, told);
    // The first part is in the tables when the second one begins: days are written anew.
    const first = objects.filter(({ hourOfMs }) => hourOfMs < turnMs);
    const second = objects.filter(({ hourOfMs }) => hourOfMs >= turnMs);
    assert.ok(first.length > 2 && second.length > 2);
    const want = sorted(expected(told));
    let deaths = 0;
    // Between two changes nothing happens that lasts: dying before the next one is dying after this one.
    for (let isOver = false; !isOver; deaths += 1) {
      const world = await openFactWorld();
      try {
        world.nowMs = turnMs;
        for (const { lines, hourOfMs } of first) await world.write(lines, hourOfMs);
        await world.compact();
        world.nowMs = endMs;
        for (const { lines, hourOfMs } of second) await world.write(lines, hourOfMs);
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
    // Rows twice, the state, files and a commit for each table, and what is cleared up.
    assert.ok(deaths > 9, `${deaths}`);
  });

  it('name no robot, task or reason in SQL: they are text', async () => {
    const world = await openFactWorld();
    try {
      const task = "'); DROP TABLE facts; --";
      await world.write(
        [
          {
            robotId: 'r0',
            bootId: bootOf(0),
            receivedMs: startMs,
            clockSkewMs: 0,
            entries: [episode(0, startMs, { task, failureReason: '\u2028"', outcome: 'failure' })],
          },
        ],
        startMs,
      );
      await world.compact();
      assert.deepEqual(
        (await world.rows('outcomes', 'SELECT task, failure_reason FROM facts')).map((row) => ({ ...row })),
        [{ task, failure_reason: '\u2028"' }],
      );
    } finally {
      await world.close();
    }
  });

  it('take nothing twice of a life that was forgotten, and all of one that is new', async () => {
    const world = await openFactWorld();
    try {
      const line = (boot: number, atMs: number, receivedMs = atMs): Line => ({
        robotId: 'r0',
        bootId: bootOf(boot),
        receivedMs,
        clockSkewMs: 0,
        entries: [episode(0, atMs, { episodeId: episodeIdOf(boot) })],
      });
      await world.write([line(1, startMs)], startMs);
      await world.compact();
      // Silent for longer than lives are remembered, and then all of it again, with something new.
      const laterMs = startMs + 100 * 24 * hourMs;
      world.nowMs = laterMs;
      await world.write([line(2, laterMs)], laterMs);
      await world.compact();
      await world.write([line(1, startMs, laterMs), line(3, laterMs)], laterMs);
      const { totals } = await world.compact();
      assert.deepEqual(totals, { outcomes: 3, tooOld: 1, beforeRegistration: 0, mayRepeat: 0, damaged: 0 });
      assert.equal((await world.rows('outcomes')).length, 3);
    } finally {
      await world.close();
    }
  });

  it('take nothing from before a robot was there, whatever its clock says', async () => {
    const world = await openFactWorld();
    try {
      const registeredMs = startMs - 240 * hourMs;
      const yearMs = 366 * 24 * hourMs;
      const line = (entries: readonly Entry[]): Line => ({
        robotId: 'r0',
        bootId: bootOf(0),
        receivedMs: startMs,
        clockSkewMs: 0,
        entries,
      });
      await world.write(
        [
          line([
            online(0, 5_000, yearMs),
            ...Array.from({ length: 50 }, (_, year) => online(1 + year, year * yearMs, yearMs)),
            episode(60, registeredMs - 24 * hourMs),
            safetyEvent(61, registeredMs - 24 * hourMs),
            // Clocks agree within minutes, and a span that began before is that of its end.
            episode(62, registeredMs - 60_000, { durationMs: 10 }),
            online(63, registeredMs + hourMs, yearMs),
          ]),
        ],
        startMs,
      );
      const { totals } = await world.compact();
      assert.deepEqual(totals, { outcomes: 1, tooOld: 0, beforeRegistration: 53, mayRepeat: 0, damaged: 0 });
      const [days] = await world.rows(
        'fleet_days',
        'SELECT count(DISTINCT recorded_on) AS days, sum(online_ms)::BIGINT AS online, sum(episodes)::INT AS episodes FROM facts',
      );
      assert.deepEqual({ ...days }, { days: 1, online: hourMs + 300_000, episodes: 1 });
    } finally {
      await world.close();
    }
  });

  it('say how many entries without a time may be repetitions, once lives of their robot were forgotten', async () => {
    const world = await openFactWorld();
    try {
      const line = (boot: number, receivedMs: number, more: Partial<Line> = { isTimeUnknown: true }): Line => ({
        robotId: 'r0',
        bootId: bootOf(boot),
        receivedMs,
        clockSkewMs: 0,
        entries: [episode(0, 5_000, { episodeId: episodeIdOf(boot) })],
        ...more,
      });
      await world.write([line(1, startMs)], startMs);
      assert.equal((await world.compact()).totals.mayRepeat, 0);
      const laterMs = startMs + 100 * 24 * hourMs;
      world.nowMs = laterMs;
      await world.write([line(2, laterMs)], laterMs);
      await world.compact();
      await world.write([line(1, laterMs)], laterMs);
      const { totals } = await world.compact();
      assert.deepEqual([totals.outcomes, totals.mayRepeat, totals.tooOld], [3, 1, 0]);
    } finally {
      await world.close();
    }
  });

  it('keep episodes of which nobody knows the time on the day of their receipt, not counted', async () => {
    const world = await openFactWorld();
    try {
      const entries = [episode(0, 5_000), safetyEvent(1, 5_500)];
      await world.write(
        [{ robotId: 'r1', bootId: bootOf(0), receivedMs: startMs, clockSkewMs: 0, isTimeUnknown: true, entries }],
        startMs,
      );
      await world.compact();
      const [row] = await world.rows(
        'outcomes',
        'SELECT is_counted, started_at, ended_at, recorded_on, site FROM facts',
      );
      assert.deepEqual(
        { ...row },
        { is_counted: false, started_at: null, ended_at: null, recorded_on: day(startMs), site: 'hall' },
      );
      const [sums] = await world.rows(
        'fleet_days',
        'SELECT episodes, counted_episodes, undated_episodes, safety_events FROM facts',
      );
      assert.deepEqual({ ...sums }, { episodes: 1, counted_episodes: 0, undated_episodes: 1, safety_events: 1 });
    } finally {
      await world.close();
    }
  });

  it('write a day with many files as one, and lose no row', async () => {
    const world = await openFactWorld();
    try {
      for (let hour = 0; hour < 27; hour += 1) {
        const atMs = startMs + hour * 60_000;
        world.nowMs = atMs;
        const entries = [episode(hour, atMs)];
        await world.write([{ robotId: 'r0', bootId: bootOf(0), receivedMs: atMs, clockSkewMs: 0, entries }], atMs);
        await world.compact();
      }
      const rows = await world.rows(
        'outcomes',
        'SELECT count(*) AS rows, count(DISTINCT episode_id) AS episodes FROM facts',
      );
      assert.deepEqual({ ...rows[0] }, { rows: 27, episodes: 27 });
      const files = await world.files('outcomes');
      assert.ok(files <= 4, `${files} files`);
    } finally {
      await world.close();
    }
  });

  it('leave no rows behind of steps that were never written down', async () => {
    const world = await openFactWorld();
    try {
      const orphan = `facts/${policy}/rows/${'a'.repeat(64)}.ndjson`;
      await world.store.put(orphan, new TextEncoder().encode('{}'));
      const left = async (): Promise<string[]> => {
        const keys: string[] = [];
        for await (const { key } of world.store.list(`facts/${policy}/rows/`)) keys.push(key);
        return keys;
      };
      // By the store's clock it is new: whoever wrote it may still work.
      world.nowMs = Date.now();
      await world.compact();
      assert.deepEqual(await left(), [orphan]);
      world.nowMs = Date.now() + 25 * hourMs;
      await world.compact();
      assert.deepEqual(await left(), []);
    } finally {
      await world.close();
    }
  });

  it('go on beside another policy whose days they share', async () => {
    const world = await openFactWorld();
    try {
      const entries = [episode(0, startMs), online(1, startMs, 1_000)];
      await world.write([{ robotId: 'r0', bootId: bootOf(0), receivedMs: startMs, clockSkewMs: 0, entries }], startMs);
      await world.write(
        [{ robotId: 'r2', bootId: bootOf(1), receivedMs: startMs, clockSkewMs: 0, entries }],
        startMs,
        'arm',
      );
      await Promise.all([world.compact(), world.compact(world.store, 'arm'), world.compact()]);
      const rows = await world.rows(
        'fleet_days',
        'SELECT robot_id, policy, episodes, online_ms FROM facts ORDER BY robot_id',
      );
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        [
          { robot_id: 'r0', policy: 'wall', episodes: 1, online_ms: 1_000 },
          { robot_id: 'r2', policy: 'arm', episodes: 1, online_ms: 1_000 },
        ],
      );
    } finally {
      await world.close();
    }
  });

  it('say which file is damaged and what to do, and count nothing again', async () => {
    const world = await openFactWorld();
    try {
      const entries = [episode(0, startMs)];
      await world.write([{ robotId: 'r0', bootId: bootOf(0), receivedMs: startMs, clockSkewMs: 0, entries }], startMs);
      await world.compact();
      let key = '';
      for await (const object of world.store.list(`facts/${policy}/steps/`)) ({ key } = object);
      await world.store.put(key, new TextEncoder().encode('{"step": '));
      await assert.rejects(world.compact(), /the state of the facts, it is damaged: delete facts\//);
      assert.equal((await world.rows('outcomes')).length, 1);
    } finally {
      await world.close();
    }
  });

  it('are read by another engine as by ours', async function () {
    const python = await toolForTest(this, 'python');
    const world = await openFactWorld();
    try {
      const told = lives(5);
      for (const { lines, hourOfMs } of objectsOf(5, told)) await world.write(lines, hourOfMs);
      world.nowMs = endMs;
      await world.compact();
      const table = (name: string): string => path.join(world.directory, 'store', 'lake', name);
      const outcomeNames = ['episode_id', 'robot_id', 'site', 'outcome', 'safety_events', 'recorded_on'];
      const dayNames = ['robot_id', 'site', 'recorded_on', 'online_ms', 'episodes', 'successes'];
      const commands = [
        ['select', table('outcomes'), ...outcomeNames],
        ['select', table('fleet_days'), ...dayNames],
      ];
      const [outcomes, days] = (await pythonJson(python, 'delta_tool.py', [JSON.stringify(commands)])) as unknown[][];
      const listed = (rows: readonly SqlRow[]) => rows.map((row) => Object.values(row));
      assert.deepEqual(
        outcomes,
        listed(await world.rows('outcomes', `SELECT ${outcomeNames.join(', ')} FROM facts ORDER BY ALL`)),
      );
      assert.deepEqual(
        days,
        listed(await world.rows('fleet_days', `SELECT ${dayNames.join(', ')} FROM facts ORDER BY ALL`)),
      );
      assert.equal(outcomes?.length, expected(told).outcomes.length);
    } finally {
      await world.close();
    }
  });
});
