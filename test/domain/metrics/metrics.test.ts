import assert from 'node:assert/strict';

import { costOf } from '../../../domain/metrics/economics.ts';
import {
  metricNames,
  metricsOf,
  serviceSpans,
  type GroupFacts,
  type Metric,
  type RobotSums,
} from '../../../domain/metrics/index.ts';
import { activeStanding } from '../../../domain/metrics/task-standing.ts';
import { fractionOf, plainFraction, quantileRanks } from '../../../domain/metrics/metric.ts';
import { randomFromSeed, wilsonInterval } from '../../../domain/statistics/index.ts';

const z = 1.959_963_984_540_054;
const sumsOf = (robots: readonly { readonly hits: number; readonly of: number }[]): RobotSums => {
  const sum = (value: (robot: { readonly hits: number; readonly of: number }) => number): number =>
    robots.reduce((total, robot) => total + value(robot), 0);
  return {
    robots: robots.length,
    of: sum(({ of }) => of),
    hits: sum(({ hits }) => hits),
    hitsSquared: sum(({ hits }) => hits * hits),
    hitsTimesOf: sum(({ hits, of }) => hits * of),
    ofSquared: sum(({ of }) => of * of),
  };
};
const valueOf = (metric: Metric | undefined): Extract<Metric, { kind: 'value' }> => {
  if (metric?.kind !== 'value') throw new Error(JSON.stringify(metric));
  return metric;
};

const noSums = sumsOf([]);
const nothing: GroupFacts = {
  success: noSums,
  intervention: noSums,
  latency: null,
  decodingLatency: null,
  policyLatency: null,
  tasks: [],
  activeTasks: [],
};
const economics = {
  currency: 'EUR',
  perRobotDay: 10,
  perOnlineHour: 1,
  perIntervention: 5,
  perFailure: 2,
  itemWithoutRobot: 3,
};
const hourMs = 3_600_000;

describe('the standing of a task', () => {
  it('is proven by at least 30 episodes, and good above 80 % only', () => {
    for (const [episodes, successes, standing] of [
      [29, 29, 'unproven'],
      [30, 24, 'belowTarget'],
      [30, 25, 'operational'],
      [1_000, 0, 'belowTarget'],
      [0, 0, 'unproven'],
      [Number.NaN, 0, 'unproven'],
    ] as const)
      assert.equal(activeStanding({ episodes, successes }), standing, `${successes} of ${episodes}`);
  });
});

describe('the metrics', () => {
  it('say why there is no number instead of showing a zero, each of them', () => {
    for (const { name, metric } of metricsOf({ ...nothing, time: { onlineMs: 0, serviceMs: 0, robots: 0 } }))
      assert.notEqual(metric.kind, 'value', name);
    assert.deepEqual(
      metricsOf(nothing).map(({ name }) => name),
      metricNames,
    );
  });

  it('tell what is not told by such a group from what has no data', () => {
    const kinds = Object.fromEntries(metricsOf(nothing).map(({ name, metric }) => [name, metric.kind]));
    assert.equal(kinds['success'], 'noData');
    for (const name of ['uptime', 'throughput', 'costPerItem', 'savings', 'failedRollouts', 'trainingYield'])
      assert.equal(kinds[name], 'notDefined', name);
  });

  it('are these numbers for a worked example', () => {
    const facts: GroupFacts = {
      success: sumsOf([
        { hits: 80, of: 100 },
        { hits: 90, of: 100 },
      ]),
      intervention: sumsOf([
        { hits: 4, of: 100 },
        { hits: 6, of: 100 },
      ]),
      latency: { n: 190, p95Ms: 40, lowMs: 30, highMs: null },
      decodingLatency: { n: 90, p95Ms: 25, lowMs: 20, highMs: null },
      policyLatency: { n: 90, p95Ms: 15, lowMs: 10, highMs: null },
      tasks: [
        { task: 'dock', episodes: 30, successes: 25 },
        { task: 'follow', episodes: 29, successes: 29 },
        { task: 'park', episodes: 100, successes: 80 },
        { task: 'retired', episodes: 100, successes: 100 },
      ],
      activeTasks: ['dock', 'follow', 'park', 'never'],
      time: { onlineMs: 40 * hourMs, serviceMs: 48 * hourMs, robots: 2 },
      rollouts: { ended: 4, failed: 1 },
      trainings: { trained: 5, offered: 3 },
      economics,
    };
    const found = new Map(metricsOf(facts).map(({ name, metric }) => [name as string, valueOf(metric)]));
    const round = (value: number | undefined): number => Math.round((value ?? Number.NaN) * 1e6) / 1e6;
    assert.deepEqual(Object.fromEntries([...found].map(([name, { value, n }]) => [name, [round(value), n]])), {
      success: [0.85, 200],
      uptime: [0.833333, 2],
      latency: [40, 190],
      policyLatency: [15, 90],
      decodingLatency: [25, 90],
      interventions: [0.05, 200],
      // 25 of 30 is above 80 %; 80 of 100 is not, 29 are too few, the retired one is not asked for.
      tasksOperational: [0.25, 4],
      throughput: [4.25, 170],
      // 2 robot days, 40 hours, 10 interventions, 30 failures: 20 + 40 + 50 + 60.
      costPerItem: [1, 170],
      savings: [340, 170],
      failedRollouts: [0.25, 4],
      trainingYield: [0.6, 5],
    });
    assert.equal(found.get('latency')?.high, null);
    assert.equal(costOf(economics, { robotDays: 2, onlineHours: 40, interventions: 10, failures: 30 }), 170);
  });

  it('never show more uptime than there is', () => {
    const [, uptime] = metricsOf({ ...nothing, time: { onlineMs: 2 * hourMs, serviceMs: hourMs, robots: 1 } });
    assert.equal(valueOf(uptime?.metric).value, 1);
  });
});

describe('the intervals of metrics', () => {
  it('are Wilson’s where robots do not differ, or there is one', () => {
    const alike = valueOf(fractionOf(sumsOf(Array.from({ length: 10 }, () => ({ hits: 8, of: 10 }))), ''));
    const { low, high } = wilsonInterval({ successes: 80, trials: 100, z });
    assert.ok(Math.abs((alike.low ?? 0) - low) < 1e-12 && Math.abs((alike.high ?? 0) - high) < 1e-12);
    assert.deepEqual(fractionOf(sumsOf([{ hits: 80, of: 100 }]), ''), plainFraction(80, 100, ''));
    assert.deepEqual(
      fractionOf(
        sumsOf([
          { hits: 5, of: 5 },
          { hits: 3, of: 3 },
        ]),
        '',
      ),
      plainFraction(8, 8, ''),
    );
  });

  it('hold what they say for robots that differ, where one that takes episodes for independent does not', () => {
    const random = randomFromSeed('robots that differ');
    const runs = 400;
    const hits = { ours: 0, naive: 0 };
    for (let run = 0; run < runs; run += 1) {
      // Success between 0.6 and 1.0 by robot, 0.8 in the middle.
      const robots = Array.from({ length: 40 }, () => {
        const p = 0.6 + 0.4 * random();
        const of = 20 + Math.floor(60 * random());
        return { of, hits: Array.from({ length: of }, random).filter((each) => each < p).length };
      });
      const sums = sumsOf(robots);
      const { low, high } = valueOf(fractionOf(sums, ''));
      if ((low ?? 1) <= 0.8 && 0.8 <= (high ?? 0)) hits.ours += 1;
      const naive = wilsonInterval({ successes: sums.hits, trials: sums.of, z });
      if (naive.low <= 0.8 && 0.8 <= naive.high) hits.naive += 1;
    }
    assert.ok(hits.ours / runs > 0.91, `${hits.ours / runs}`);
    assert.ok(hits.naive / runs < 0.85, `${hits.naive / runs}`);
  });

  it('of a quantile hold it, and are open where the sample is too small', () => {
    assert.deepEqual(quantileRanks(1_000, 0.95), { rank: 950, low: 936, high: 964 });
    assert.deepEqual(quantileRanks(1, 0.95), { rank: 1, low: null, high: null });
    assert.equal(quantileRanks(20, 0.95).high, null);
    const random = randomFromSeed('latencies');
    let held = 0;
    for (let run = 0; run < 400; run += 1) {
      const sorted = Array.from({ length: 300 }, random).toSorted((a, b) => a - b);
      const { low, high } = quantileRanks(sorted.length, 0.95);
      if ((sorted[(low ?? 1) - 1] ?? 1) <= 0.95 && 0.95 <= (sorted[(high ?? 1) - 1] ?? 0)) held += 1;
    }
    assert.ok(held / 400 > 0.92, `${held / 400}`);
  });
});

describe('time in service', () => {
  it('goes from record to record, within the time that is asked about', () => {
    const life = [
      { atMs: 10, isInService: true, site: 'hall' },
      { atMs: 20, isInService: true, site: 'yard' },
      { atMs: 30, isInService: false, site: 'yard' },
    ];
    const spans = (startMs: number, endMs: number) =>
      serviceSpans(life, startMs, endMs).map(({ record, ms }) => [record.site, ms]);
    assert.deepEqual(spans(0, 100), [
      ['hall', 10],
      ['yard', 10],
    ]);
    assert.deepEqual(spans(15, 22), [
      ['hall', 5],
      ['yard', 2],
    ]);
    assert.deepEqual(spans(30, 100), []);
    assert.deepEqual(spans(0, 5), []);
  });
});
