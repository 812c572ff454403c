import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { readLateSweeps, sweepLateTelemetry } from '../../../activities/erasure/sweep-late-telemetry.ts';
import { readHeldData } from '../../../activities/retention/held-data.ts';
import { compactHour, closedHours } from '../../../activities/retention/telemetry-compaction.ts';
import type { DataScope } from '../../../domain/legal-hold.ts';
import { moveRobot } from '../../../fleet/desk/index.ts';
import { telemetryHour } from '../../../fleet/desk/keys.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import {
  writeErasedEpisodes,
  writeErasureRequest,
  writeTombstone,
  episodeHash,
} from '../../../store/records/erasures.ts';
import { addHold, liftHold } from '../../../store/records/legal-holds.ts';
import {
  addRobotTo,
  bootOf,
  episode,
  episodeIdOf,
  online,
  safetyEvent,
  type Entry,
  type Line,
} from '../facts/fact-world.ts';

const [hourMs, dayMs] = [3_600_000, 86_400_000];
const policy = 'wall';
const requestMs = Date.UTC(2026, 5, 3, 12, 20);
const robot = (robotId: string) => ({ kind: 'robot', robotId }) as const;

const line = (robotId: string, receivedMs: number, entries: readonly Entry[], more: Partial<Line> = {}): Line => ({
  robotId,
  bootId: bootOf(1),
  receivedMs,
  clockSkewMs: 0,
  entries,
  ...more,
});

function world() {
  const store = memoryObjectStore(() => requestMs);
  let objects = 0;
  return {
    store,
    write: async (lines: readonly Line[], atMs: number): Promise<void> => {
      const text = lines.map((one) => `${JSON.stringify(one)}\n`).join('');
      await store.put(
        `telemetry/${policy}/${telemetryHour(atMs)}/${String((objects += 1)).padStart(64, '0')}`,
        new TextEncoder().encode(text),
      );
    },
    ask: async (erasureId: string, target: DataScope, ids: readonly string[] = []): Promise<void> => {
      const request = { erasureId, target, recordedBeforeMs: requestMs, who: 'ada', why: 'a letter', atMs: requestMs };
      await writeErasureRequest(store, request, ids);
      await writeTombstone(store, request);
    },
    sweep: async (nowMs: number, dryRun = false) =>
      sweepLateTelemetry({ store, policy, nowMs, dryRun, progress: () => undefined, held: await readHeldData(store) }),
    lines: async (): Promise<readonly Line[]> => {
      const found: Line[] = [];
      for await (const { key } of store.list(`telemetry/${policy}/`))
        for (const text of new TextDecoder().decode(await store.get(key)).split('\n'))
          if (text !== '') found.push(JSON.parse(text) as Line);
      return found;
    },
  };
}

/** Numbers of the entries of each robot that are left. */
const left = (lines: readonly Line[]): Record<string, readonly number[]> =>
  Object.fromEntries(
    [...Map.groupBy(lines, ({ robotId }) => robotId)].map(([robotId, own]) => [
      robotId,
      own.flatMap(({ entries }) => entries.map(({ seq }) => seq)).toSorted((a, b) => a - b),
    ]),
  );

describe('telemetry that is told after an erasure', () => {
  it('loses what is of before the request once its hour is over, keeps what came after and all of the others', async () => {
    const { store, write, ask, sweep, lines } = world();
    await ask('e1', robot('r1'));
    const at = requestMs + 3 * hourMs;
    const told = [
      episode(1, requestMs - dayMs),
      online(2, requestMs - 1, hourMs),
      // Began before, ended after.
      episode(3, requestMs + 30_000),
      episode(4, requestMs + 60_000),
      online(5, requestMs + hourMs / 2, hourMs),
      safetyEvent(6, requestMs - 5),
    ];
    const others = line('r10', at, told);
    // Its clock is five minutes fast: 61 s after the request by it is before it.
    const skewed = line('r1', at, [episode(7, requestMs + 61_000), safetyEvent(8, requestMs + 301_000)], {
      clockSkewMs: 300_000,
    });
    const undated = line('r1', at, [episode(9, 1_000)], { isTimeUnknown: true });
    await write([line('r1', at, told), others, skewed, undated], at);
    await store.put(`telemetry-summaries/${policy}/86400000/${telemetryHour(at)}.json`, jsonBytes({ robots: {} }));
    await store.put(
      `telemetry-summaries/${policy}/86400000/${telemetryHour(at - hourMs)}.json`,
      jsonBytes({ robots: {} }),
    );
    assert.deepEqual(
      await sweep(at + 60_000),
      { entries: 0, objects: 0, isBehind: false },
      'gateways still write to it',
    );
    assert.equal((await sweep(at + 2 * hourMs, true)).entries, 6);
    assert.equal((await lines()).length, 4, 'a dry run changes nothing');
    assert.deepEqual(await sweep(at + 2 * hourMs), { entries: 6, objects: 1, isBehind: false });
    assert.deepEqual(left(await lines()), { r1: [4, 5, 8], r10: [1, 2, 3, 4, 5, 6] });
    assert.ok(
      (await lines()).some((one) => JSON.stringify(one) === JSON.stringify(others)),
      'byte for byte',
    );
    const sums: string[] = [];
    for await (const { key } of store.list('telemetry-summaries/')) sums.push(key);
    assert.deepEqual(sums, [`telemetry-summaries/${policy}/86400000/${telemetryHour(at - hourMs)}.json`]);
    // What came in the meantime; undated entries a month later are of the time after.
    const late = at + 40 * dayMs;
    await write(
      [
        line('r1', late, [episode(11, requestMs - hourMs)]),
        line('r1', late, [episode(12, 0)], { isTimeUnknown: true }),
      ],
      late,
    );
    assert.equal((await sweep(late + 2 * hourMs)).entries, 1);
    assert.deepEqual(left(await lines())['r1'], [4, 5, 8, 12]);
    const told1 = (await readLateSweeps(store)).get('e1');
    assert.deepEqual([told1?.entries, (told1?.throughMs ?? 0) > late], [7, true]);
    assert.deepEqual(await sweep(late + 2 * hourMs), { entries: 0, objects: 0, isBehind: false });
  });

  it('of a site goes by where the robot was then, of a list by its episodes, whoever tells of them', async () => {
    const { store, write, ask, sweep, lines } = world();
    await addRobotTo({ store, clock: () => requestMs - 9 * dayMs }, 'r1');
    await moveRobot({ store, clock: () => requestMs - dayMs }, { robotId: 'r1', site: 'yard', who: 't', why: 't' });
    await ask('e1', { kind: 'site', site: 'hall' });
    await ask('e2', { kind: 'episodes', digest: 'a'.repeat(64), count: 1 });
    await writeErasedEpisodes(store, 'e2', 0, [episodeHash(episodeIdOf(5))]);
    const at = requestMs + hourMs;
    const entries = [
      episode(3, requestMs - 2 * dayMs),
      episode(4, requestMs - hourMs),
      episode(5, requestMs + 200_000),
    ];
    await write([line('r1', at, entries), line('stranger', at, entries)], at);
    await sweep(at + 2 * hourMs);
    assert.deepEqual(left(await lines()), { r1: [4], stranger: [3, 4] });
    const sweeps = await readLateSweeps(store);
    assert.deepEqual([sweeps.get('e1')?.entries, sweeps.get('e2')?.entries], [1, 2]);
  });

  it('waits for a legal hold and for objects that are put together; an erasure that comes later begins with its own hour', async () => {
    const { store, write, ask, sweep, lines } = world();
    const at = requestMs + hourMs;
    for (const seq of [1, 2])
      await write(
        [
          line('r1', at + seq, [episode(seq, requestMs - dayMs)]),
          line('r2', at + seq, [episode(seq, requestMs - dayMs)]),
        ],
        at,
      );
    await ask('e1', robot('r1'));
    const now = at + 2 * hourMs;
    const ports = { store, clock: () => now };
    const hold = await addHold(ports, robot('r2'), { who: 'ada', why: 'a test' });
    assert.equal((await sweep(now)).entries, 0, 'an object with a held line stays whole');
    await liftHold(ports, hold.holdId, { who: 'ada', why: 'a test' });
    for await (const hour of closedHours(store, policy, now))
      await compactHour(store, policy, hour, { nowMs: now, isDryRun: false });
    assert.equal((await sweep(now)).entries, 0, 'what is put together is named by keys');
    for await (const hour of closedHours(store, policy, now + 2 * hourMs))
      await compactHour(store, policy, hour, { nowMs: now + 2 * hourMs, isDryRun: false });
    assert.equal((await sweep(now + 2 * hourMs)).entries, 2);
    assert.deepEqual(left(await lines()), { r2: [1, 2] });
    await ask('e2', robot('r2'));
    assert.equal((await sweep(now + 3 * hourMs)).entries, 2);
    assert.deepEqual(await lines(), []);
  });

  it('is never anything but what the request names, whatever is told', async () => {
    const entry = fc.record({
      seq: fc.nat(1_000),
      ageMs: fc.integer({ min: -hourMs, max: hourMs }),
      isEpisode: fc.boolean(),
    });
    const told = fc.array(
      fc.record({ robotId: fc.constantFrom('r1', 'r10', '__proto__'), entries: fc.array(entry, { maxLength: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(told, async (given) => {
        const { write, ask, sweep, lines } = world();
        const at = requestMs + 2 * hourMs;
        const all = given.map(({ robotId, entries }) =>
          line(
            robotId,
            at,
            entries.map(({ seq, ageMs, isEpisode }) =>
              isEpisode ? episode(seq, requestMs - ageMs) : online(seq, requestMs - ageMs, 1),
            ),
          ),
        );
        await write(all, at);
        await ask('e1', robot('r1'));
        await sweep(at + 2 * hourMs);
        const isLate = ({ atMs, kind }: Entry) => atMs - (kind === 'episode' ? 60_000 : 0) < requestMs;
        const expected = all.flatMap((one) => {
          const entries = one.robotId === 'r1' ? one.entries.filter((other) => !isLate(other)) : one.entries;
          return entries.length === 0 && one.entries.length > 0 ? [] : [{ ...one, entries }];
        });
        assert.deepEqual(await lines(), JSON.parse(JSON.stringify(expected)));
      }),
      { numRuns: 50 },
    );
  });
});
