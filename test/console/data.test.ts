import assert from 'node:assert/strict';

import { covered } from '../../activities/metrics/data-quality.ts';
import { quarantineKeyOf } from '../../activities/collection/quarantine.ts';
import { releaseKeyOf } from '../../activities/collection/releases.ts';
import type { DataAnswer, QuarantineAnswer } from '../../console/answers/data.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { waivableRuleIds } from '../../datasets/validation/rules.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const hostile = '"><script>alert(1)</script>';
const [task = ''] = scitosG5Type.tasks;
const [waivable = ''] = waivableRuleIds;
const shaOf = (index: number): string => String(index).padStart(64, 'a');

function recordOf(index: number, rule: string, robotType: string | null = 'scitos-g5@1') {
  const violation = { rule, doc: hostile, value: hostile, expected: 'a number', row: 3, episodeId: episodeIdOf(index) };
  return {
    sha256: shaOf(index),
    cycleId: 'cycle-1',
    scope: 'episode',
    landingKey: `landing/r0/${shaOf(index)}`,
    robotId: 'r0',
    robotType,
    receivedMs: startMs,
    sizeBytes: 12_000,
    rules: [rule],
    violations: Array.from({ length: 7 }, () => violation),
    violationsNotListed: 2,
  };
}

describe('data of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const path = `/api/v1/data?policy=${policy}&from=2026-06-01&to=2026-06-04`;
  const data = async (): Promise<DataAnswer> => (await world.get(path)).body as unknown as DataAnswer;
  const quarantine = async (): Promise<QuarantineAnswer> =>
    (await world.get(`/api/v1/quarantine?policy=${policy}`)).body as unknown as QuarantineAnswer;

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  it('tells no facts, no episodes and episodes apart; every robot is in the coverage, also one that told nothing', async () => {
    const before = await data();
    assert.deepEqual([before.state, before.days, before.distributions], ['noFacts', [], []]);
    assert.deepEqual(before.coverage.shownRobots, ['r0', 'r1', 'r2']);
    await world.facts.compact();
    assert.equal((await data()).state, 'empty');
    for (const [index, robotId] of ['r0', 'r2'].entries()) {
      const entries = Array.from({ length: 20 }, (_, at) =>
        episode(at, startMs + at * 0.5 * hourMs, {
          episodeId: episodeIdOf(20 * index + at),
          task: at === 19 ? hostile : task,
          outcome: at % 10 === 0 ? 'failure' : at === 5 ? 'aborted' : 'success',
          intervened: at === 0,
          correctedFrames: at === 0 ? 12 : 0,
          durationMs: 1_000 * (at + 1),
          latencyP50Ms: at < 4 ? null : 3,
        }),
      );
      const receivedMs = startMs + 25 * hourMs;
      await world.facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    }
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const answer = await data();
    const rows = await world.facts.rows(
      'outcomes',
      `SELECT recorded_on::VARCHAR AS day, outcome, count(*) AS n FROM facts GROUP BY ALL ORDER BY ALL`,
    );
    assert.deepEqual(
      answer.days.flatMap(({ day, successes, failures, aborted }) =>
        (
          [
            ['aborted', aborted],
            ['failure', failures],
            ['success', successes],
          ] as const
        ).flatMap(([outcome, n]) => (n === 0 ? [] : [[day, outcome, n]])),
      ),
      rows.map((row) => [row['day'], row['outcome'], Number(row['n'])]),
    );
    assert.deepEqual(
      answer.days.map(({ robots, intervened, correctedFrames }) => [robots, intervened, correctedFrames]),
      [
        [2, 2, 24],
        [2, 0, 0],
      ],
    );
    const { coverage, distributions } = answer;
    assert.deepEqual([coverage.coveredPairs, coverage.pairs], [2, 3 * coverage.tasks]);
    // Who did nothing comes first; what no catalogue knows is no task.
    assert.deepEqual(coverage.shownRobots, ['r1', 'r0', 'r2']);
    assert.deepEqual(coverage.shownTasks.find((one) => one.task === task)?.byRobot, [0, 19, 19]);
    const [duration, latency, corrected] = distributions;
    assert.deepEqual([duration?.episodes, duration?.untold, latency?.untold], [40, 0, 8]);
    assert.equal(duration?.quantiles.find(({ fraction }) => fraction === 0.5)?.value, 10_500);
    for (const one of distributions)
      assert.equal(
        one.classes.reduce((sum, { episodes }) => sum + episodes, 0),
        one.episodes,
        one.measure,
      );
    // All the same is one class, not a division by nothing.
    assert.deepEqual([latency?.classes.length, corrected?.classes.length, corrected?.episodes], [1, 1, 2]);
  });

  it('asks about days that there are, and not about too many', async () => {
    for (const days of ['from=2020-01-01&to=2026-06-01', 'from=soon', 'from=2026-06-04&to=2026-06-01'])
      assert.equal((await world.get(`/api/v1/data?policy=${policy}&${days}`)).status, 400, days);
    assert.equal((await world.get('/api/v1/data?policy=nobody')).status, 404);
    assert.equal((await world.get('/api/v1/quarantine?policy=nobody')).status, 404);
  });

  it('shows what was refused with samples, of this robot type or none, and names a record that is damaged', async () => {
    const { store } = world.ports;
    assert.deepEqual((await quarantine()).items, []);
    for (const [index, type] of [null, 'other@1', 'scitos-g5@7', 'scitos-g5@1'].entries())
      await store.put(quarantineKeyOf('cycle-1', shaOf(index), 'json'), jsonBytes(recordOf(index, waivable, type)));
    const damaged = quarantineKeyOf('cycle-1', shaOf(9), 'json');
    await store.put(damaged, new TextEncoder().encode('{'));
    const { items, total, damaged: keys } = await quarantine();
    assert.deepEqual(new Set(items.map(({ sha256 }) => sha256)), new Set([shaOf(0), shaOf(2), shaOf(3)]));
    assert.deepEqual([total, keys], [5, [damaged]]);
    const [one] = items;
    assert.deepEqual([one?.samples.length, one?.violationsTotal, one?.released], [5, 9, null]);
    assert.equal((await world.get(`/api/v1/quarantine?policy=${policy}&limit=101`)).status, 400);
  });

  it('releases refused bytes once, by an approver, with who and why; not what no rule may be waived for', async () => {
    const { store } = world.ports;
    const token = await world.add('ada', 'approver');
    const release = (sha256: string, key: string) =>
      world.post(`/api/v1/quarantine/${sha256}/release`, { policy, reason: 'the sensor is right' }, token, key);
    await store.put(quarantineKeyOf('cycle-1', shaOf(3), 'parquet'), new Uint8Array([1, 2, 3]));
    const done = await release(shaOf(3), 'key-0001');
    assert.equal(done.status, 200, done.text);
    assert.match(String(done.body['answer']), new RegExp(`waits for the next collection again; waived: ${waivable}`));
    assert.equal((await release(shaOf(3), 'key-0001')).body['isRepeated'], true);
    assert.deepEqual(await store.get(`landing/r0/${shaOf(3)}.parquet`).then((bytes) => bytes && [...bytes]), [1, 2, 3]);
    const { items } = await quarantine();
    const { released } = items.find(({ sha256 }) => sha256 === shaOf(3)) ?? {};
    assert.deepEqual([released?.who, released?.reason], ['ada', 'the sensor is right']);
    await store.put(quarantineKeyOf('cycle-1', shaOf(4), 'json'), jsonBytes(recordOf(4, 'segment.schema')));
    const barred = await release(shaOf(4), 'key-0002');
    assert.equal(barred.status, 409, barred.text);
    assert.equal(await store.get(releaseKeyOf(shaOf(4))), undefined);
    assert.ok([404, 409].includes((await release(shaOf(5), 'key-0003')).status));
    assert.equal((await release('..%2Fx', 'key-0004')).status, 400);
  });
});

describe('the coverage of tasks by robots', () => {
  it('counts pairs of active tasks and registered robots, and shows the widest gaps, in the same order always', () => {
    const robots = Array.from({ length: 25 }, (_, index) => `r${String(index).padStart(2, '0')}`);
    const told = robots.slice(0, 24).map((robotId) => ({ task: 'a', robotId, episodes: 2 }));
    const { shownRobots, shownTasks, coveredPairs, pairs } = covered(
      [...told, { task: 'a', robotId: 'gone', episodes: 9 }],
      ['a', 'b'],
      robots,
    );
    assert.deepEqual([coveredPairs, pairs, shownRobots[0], shownRobots.length], [24, 50, 'r24', 20]);
    assert.deepEqual(
      shownTasks.map(({ task: name, robots: did, episodes }) => [name, did, episodes]),
      [
        ['b', 0, 0],
        ['a', 24, 48],
      ],
    );
    assert.deepEqual(covered([], [], []).shownTasks, []);
  });
});
