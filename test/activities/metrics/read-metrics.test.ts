import assert from 'node:assert/strict';

import { groupings, type Grouping } from '../../../activities/metrics/fact-sums.ts';
import { readMetrics, type MetricsAnswer, type MetricsPorts } from '../../../activities/metrics/read-metrics.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import type { SqlRow } from '../../../activities/ports/sql.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { sqlText } from '../../../datasets/sql-types.ts';
import type { MetricName } from '../../../domain/metrics/index.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';
import { retireRobot } from '../../../fleet/desk/index.ts';
import { failure } from '../../../store/failures.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { setEconomics } from '../../../store/records/economics.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import {
  bootOf,
  episode,
  episodeIdOf,
  hourMs,
  online,
  openFactWorld,
  policy,
  startMs,
  type Entry,
  type FactWorld,
} from '../facts/fact-world.ts';

const from = '2026-06-01';
const to = '2026-06-03';
const endMs = startMs + 20 * hourMs;
const economics = {
  currency: 'EUR',
  perRobotDay: 9,
  perOnlineHour: 0.5,
  perIntervention: 2,
  perFailure: 1.25,
  itemWithoutRobot: 0.75,
};

/** Three robots, a night and a morning; some of it told twice. */
async function tell(world: FactWorld): Promise<void> {
  const random = randomFromSeed('metrics');
  const tasks = scitosG5Type.tasks;
  let id = 0;
  for (const [index, robotId] of ['r0', 'r1', 'r2'].entries()) {
    let entries: Entry[] = [];
    let seq = 0;
    for (let atMs = startMs; atMs < endMs - 2 * hourMs; atMs += 420_000) {
      const isSuccess = random() < 0.7 + 0.1 * index;
      entries.push(
        episode((seq += 1), atMs, {
          episodeId: episodeIdOf((id += 1)),
          task: tasks[Math.floor(random() * 1.9)] ?? tasks[0],
          policyVersion: random() < 0.4 ? '1.1.0' : random() < 0.05 ? null : '1.0.0',
          trialId: random() < 0.3 ? 't1' : null,
          outcome: isSuccess ? 'success' : 'failure',
          failureReason: isSuccess ? null : random() < 0.2 ? 'rollback' : 'collision',
          intervened: random() < 0.15,
          latencyP50Ms: random() < 0.2 ? null : Math.round(1 + 80 * random()),
          ...(random() < 0.5 ? {} : { latencyParts: { decodingP50Ms: random(), policyP50Ms: 9 * random() } }),
        }),
      );
      if (random() < 0.5) entries.push(online((seq += 1), atMs, Math.floor(400_000 * random())));
      if (entries.length < 7) continue;
      const line = { robotId, bootId: bootOf(index), receivedMs: atMs + 5, clockSkewMs: 0, entries };
      await world.write([line], atMs);
      if (random() < 0.3) await world.write([{ ...line, receivedMs: atMs + hourMs }], atMs + hourMs);
      entries = [];
    }
  }
}

/** Every entry of raw telemetry once, as SQL of this test's own. */
async function rawEntries(world: FactWorld): Promise<string> {
  const paths: string[] = [];
  for await (const { key } of world.store.list(`telemetry/${policy}/`))
    paths.push((await world.store.localPath(key)) ?? '');
  const site = `CASE WHEN "robotId" = 'r1' AND at_ms >= ${startMs + hourMs} THEN 'yard' ELSE 'hall' END`;
  return `(SELECT DISTINCT ON ("robotId", "bootId", seq) *, (${site}) AS site FROM (
    SELECT "robotId", "bootId", (entry->>'seq')::BIGINT AS seq, entry->>'kind' AS kind, (entry->>'atMs')::BIGINT AS at_ms,
      entry->>'task' AS task, entry->>'policyVersion' AS version, entry->>'trialId' AS trial, entry->>'outcome' AS outcome,
      entry->>'failureReason' AS reason, (entry->>'intervened')::BOOLEAN AS intervened,
      (entry->>'latencyP50Ms')::DOUBLE AS latency, (entry->'latencyParts'->>'decodingP50Ms')::DOUBLE AS decoding,
      (entry->'latencyParts'->>'policyP50Ms')::DOUBLE AS policy_part, (entry->>'durationMs')::BIGINT AS duration
    FROM (SELECT "robotId", "bootId", unnest(entries) AS entry FROM read_ndjson([${paths.map(sqlText).join(', ')}],
      columns = {"robotId": 'VARCHAR', "bootId": 'VARCHAR', entries: 'JSON[]'}))))`;
}

const groupOf: Readonly<Record<Grouping, string>> = {
  task: 'task',
  robot: '"robotId"',
  site: 'site',
  version: 'version',
  body: `'scitos-g5@1'`,
  trial: 'trial',
};

function numberOf(answer: MetricsAnswer, group: string, name: MetricName): { value: number; n: number } | undefined {
  const metric = answer.groups.find((one) => one.name === group)?.metrics.find((one) => one.name === name)?.metric;
  return metric?.kind === 'value' ? { value: metric.value, n: metric.n } : undefined;
}
const near = (found: number | undefined, wanted: number, what: string): void =>
  assert.ok(
    found !== undefined && Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)),
    `${what}: ${found}, not ${wanted}`,
  );

describe('metrics of the facts', function () {
  this.timeout(120_000);
  let world: FactWorld;
  let ports: MetricsPorts;

  before(async () => {
    world = await openFactWorld();
    await publishRobotType(world.store, scitosG5Type);
    await createPolicyDocument(world.store, {
      policy,
      robotType: { id: scitosG5Type.id, version: scitosG5Type.version },
    });
    ports = { store: world.store, engine: world.engine, facts: world.facts };
  });
  after(() => world.close());

  it('are none before anybody makes facts, and empty before anybody tells anything', async () => {
    const none = await readMetrics(ports, { policy, from, to });
    assert.deepEqual([none.state, none.asOfMs, none.groups], ['noFacts', null, []]);
    world.nowMs = startMs;
    await world.compact();
    const empty = await readMetrics(ports, { policy, from, to });
    assert.deepEqual([empty.state, empty.asOfMs], ['empty', startMs]);
    assert.equal(numberOf(empty, 'all', 'success'), undefined);
  });

  it('are those of SQL over raw telemetry, by everything that they can be told apart by', async () => {
    await tell(world);
    world.nowMs = endMs;
    await world.compact();
    await setEconomics({ store: world.store, clock: () => endMs }, { policy, economics, who: 't', why: 't' });
    const raw = await rawEntries(world);
    for (const by of [undefined, ...groupings]) {
      const answer = await readMetrics(ports, { policy, by, from, to });
      assert.equal(answer.state, 'read');
      const name = by === undefined ? "'all'" : groupOf[by];
      const wanted = await world.session.rows(
        `WITH entry AS (SELECT ${name} AS name, * FROM ${raw}), counted AS (SELECT * FROM entry WHERE kind = 'episode' AND version IS NOT NULL
           AND reason IS DISTINCT FROM 'rollback' AND name IS NOT NULL)
         SELECT name, count(*)::DOUBLE AS n, avg((outcome = 'success')::INT) AS success, avg(intervened::INT) AS interventions,
           sum((outcome = 'success')::INT)::DOUBLE AS items, sum(intervened::INT)::DOUBLE AS stepped_in,
           list_sort(list(latency) FILTER (latency IS NOT NULL))[ceil(0.95 * count(latency))::BIGINT] AS p95, count(latency)::DOUBLE AS latencies,
           list_sort(list(decoding) FILTER (decoding IS NOT NULL))[ceil(0.95 * count(decoding))::BIGINT] AS decoding95, count(decoding)::DOUBLE AS decodings,
           list_sort(list(policy_part) FILTER (policy_part IS NOT NULL))[ceil(0.95 * count(policy_part))::BIGINT] AS policy95
         FROM counted GROUP BY name`,
      );
      const names = wanted.map((row) => row['name'] as string).toSorted();
      assert.deepEqual(
        answer.groups.map((group) => group.name),
        names,
      );
      for (const row of wanted) await compare(answer, by, row, raw, name);
    }
  });

  async function compare(
    answer: MetricsAnswer,
    by: Grouping | undefined,
    row: SqlRow,
    raw: string,
    nameSql: string,
  ): Promise<void> {
    const group = row['name'] as string;
    const what = (name: string): string => `${by ?? 'all'} ${group} ${name}`;
    const [n, items] = [row['n'] as number, row['items'] as number];
    assert.equal(numberOf(answer, group, 'success')?.n, n);
    near(numberOf(answer, group, 'success')?.value, row['success'] as number, what('success'));
    near(numberOf(answer, group, 'interventions')?.value, row['interventions'] as number, what('interventions'));
    assert.deepEqual(numberOf(answer, group, 'latency'), { value: row['p95'], n: row['latencies'] }, what('latency'));
    for (const [name, column] of [
      ['decodingLatency', 'decoding95'],
      ['policyLatency', 'policy95'],
    ] as const)
      assert.deepEqual(numberOf(answer, group, name), { value: row[column], n: row['decodings'] }, what(name));
    const isTimed = by === undefined || by === 'robot' || by === 'site' || by === 'body';
    if (!isTimed) return assert.equal(numberOf(answer, group, 'uptime'), undefined);
    const [told] = await world.session.rows(
      `SELECT coalesce(sum(duration), 0)::DOUBLE AS online FROM (SELECT ${nameSql} AS name, * FROM ${raw}) WHERE kind = 'online' AND name = ${sqlText(group)}`,
    );
    // Two days that end when the facts do: from midnight on; r1 is at the yard for all but the hour until its move and the day before.
    const onDays = endMs - Date.parse('2026-06-01T00:00:00Z');
    const untilMove = startMs + hourMs - Date.parse('2026-06-01T00:00:00Z');
    const service =
      {
        all: 3 * onDays,
        r0: onDays,
        r1: onDays,
        r2: onDays,
        hall: 2 * onDays + untilMove,
        yard: onDays - untilMove,
        'scitos-g5@1': 3 * onDays,
      }[group] ?? 0;
    const onlineMs = told?.['online'] as number;
    // A span of r1 that crosses its move is cut there, which this SQL does not do.
    const isCut = by === 'site';
    const close = isCut
      ? (found: number | undefined, value: number) => assert.ok(Math.abs((found ?? 0) - value) <= 0.02 * value)
      : (found: number | undefined, value: number) => near(found, value, what('time'));
    close(numberOf(answer, group, 'uptime')?.value, onlineMs / service);
    close(numberOf(answer, group, 'throughput')?.value, items / (onlineMs / hourMs));
    const cost =
      (9 * service) / (24 * hourMs) +
      0.5 * (onlineMs / hourMs) +
      2 * (row['stepped_in'] as number) +
      1.25 * (n - items);
    close(numberOf(answer, group, 'costPerItem')?.value, cost / items);
    if (!isCut) near(numberOf(answer, group, 'savings')?.value, 0.75 * items - cost, what('savings'));
  }

  it('count a task as operational that is active and proven', async () => {
    const all = await readMetrics(ports, { policy, from, to });
    const rows = await world.session.rows(
      `SELECT task, count(*)::DOUBLE AS n, avg((outcome = 'success')::INT) AS success FROM ${await rawEntries(world)}
       WHERE kind = 'episode' AND version IS NOT NULL AND reason IS DISTINCT FROM 'rollback' GROUP BY task`,
    );
    const operational = rows.filter((row) => (row['n'] as number) >= 30 && (row['success'] as number) > 0.8).length;
    assert.deepEqual(numberOf(all, 'all', 'tasksOperational'), {
      value: operational / scitosG5Type.tasks.length,
      n: scitosG5Type.tasks.length,
    });
  });

  it('count trials by how they ended on robots, and trainings by what came of them', async () => {
    const ends: readonly (readonly [string, string, number?])[] = [
      ['promoted', policy],
      ['rolledBack', policy],
      ['endedWithoutPromotion', policy],
      ['aborted', policy],
      ['rejected', policy],
      ['notStarted', policy],
      ['superseded', policy],
      // Of A/B tests: a rollout follows those that accept, and tells its own end.
      ['accept', policy],
      ['acceptEquivalent', policy],
      ['infeasible', policy],
      ['reject', policy],
      ['block', policy],
      ['harmful', policy],
      ['toString', policy],
      ['rolledBack', 'other'],
      ['rolledBack', policy, Date.parse('2026-06-03T00:00:00Z')],
    ];
    for (const [index, [outcome, ofPolicy, atMs = startMs]] of ends.entries())
      await world.store.put(
        `trials/t${index}/end.json`,
        jsonBytes({ policy: ofPolicy, outcome, atMs, trialId: `t${index}` }),
      );
    const cycles = [
      ['promoted', {}],
      ['offered', {}],
      ['gatesHold', {}],
      ['nothingNew', null],
      ['badData', null],
    ] as const;
    for (const [index, [outcome, training]] of cycles.entries())
      await world.store.put(`reports/c${index}.json`, jsonBytes({ policy, outcome, training, writtenAtMs: startMs }));
    const answer = await readMetrics(ports, { policy, from, to });
    assert.deepEqual(numberOf(answer, 'all', 'failedRollouts'), { value: 2 / 7, n: 7 });
    assert.deepEqual(numberOf(answer, 'all', 'trainingYield'), { value: 2 / 3, n: 3 });
    await world.store.put('reports/c9.json', new TextEncoder().encode('{'));
    assert.deepEqual((await readMetrics(ports, { policy, from, to })).damaged, ['reports/c9.json']);
  });

  it('count a robot that told nothing as not online, and one that is retired no longer', async () => {
    const before = numberOf(await readMetrics(ports, { policy, by: 'robot', from, to }), 'r2', 'uptime');
    await retireRobot({ store: world.store, clock: () => startMs + 2 * hourMs }, { robotId: 'r2', who: 't', why: 't' });
    const later = numberOf(await readMetrics(ports, { policy, by: 'robot', from, to }), 'r2', 'uptime');
    assert.ok(before !== undefined && later !== undefined && later.value <= 1 && later.value > before.value);
    const nextDay = await readMetrics(ports, { policy, by: 'robot', from: '2026-06-02', to });
    assert.equal(numberOf(nextDay, 'r2', 'uptime'), undefined);
  });

  it('refuse a day that is none, and are an error where the store refuses: never an empty answer', async () => {
    for (const days of [
      { from: '2026-02-30', to },
      { from, to: from },
      { from, to: "2026-06-03'; --" },
      { from: '1990-01-01', to },
    ])
      await assert.rejects(readMetrics(ports, { policy, ...days }), /expected a (UTC )?day/);
    const refusing: MetricsPorts = {
      ...ports,
      store: {
        ...ports.store,
        get: async () => {
          throw failure('StoreUnavailable', 'access denied');
        },
        list: (prefix, options) => ports.store.list(prefix, options),
        localPath: (key) => ports.store.localPath(key),
      },
    };
    await assert.rejects(readMetrics(refusing, { policy, from, to }), /access denied/);
    await assert.rejects(readMetrics(ports, { policy: 'nobody', from, to }), /there is no policy/);
  });
});
