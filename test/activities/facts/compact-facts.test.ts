import assert from 'node:assert/strict';
import path from 'node:path';

import type { SqlRow } from '../../../activities/ports/sql.ts';
import { pythonJson } from '../../support/python-json.ts';
import { toolForTest } from '../../support/tool.ts';
import {
  bootOf,
  episode,
  episodeIdOf,
  hourMs,
  online,
  openFactWorld,
  policy,
  safetyEvent,
  startMs,
  type Entry,
  type Line,
} from './fact-world.ts';
import { checkCourses, checkDeaths, day, endMs, expected, lives, objectsOf } from './told-facts.ts';

describe('facts of telemetry', function () {
  this.timeout(240_000);

  it('are what was told, each once, in whatever order and cut, sent again, late, and killed anywhere', () =>
    checkCourses(1));

  it('are complete and single where a worker dies before a change of the store, every third here', () =>
    checkDeaths(3));

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
