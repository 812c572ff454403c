import assert from 'node:assert/strict';

import {
  chooseTrigger,
  conditionsSince,
  defaultMonitorLimits,
  forgetOld,
  isSilent,
  judgeFailures,
  monitorLimitRanges,
  rememberOutcome,
  whyNoMonitorLimits,
  type FleetMemory,
  type TriggerFacts,
  type WatchedRobot,
} from '../../../domain/monitoring/index.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';

const limits = defaultMonitorLimits;
const nowHour = 12 * 40_000 + 5;

/** Ten robots with `perHour` episodes an hour; the share that fails, and why, by how many hours ago. */
function memoryOf(failing: (hoursAgo: number) => { fraction: number; reason: string }, perHour = 10): FleetMemory {
  const fleet: FleetMemory = {};
  const random = randomFromSeed('monitor');
  for (let robot = 0; robot < 10; robot += 1)
    for (let hoursAgo = 190; hoursAgo >= 0; hoursAgo -= 1)
      for (let episode = 0; episode < perHour; episode += 1) {
        const { fraction, reason } = failing(hoursAgo);
        const isSuccess = random() >= fraction;
        const outcome = { isSuccess, failureReason: isSuccess ? null : reason };
        rememberOutcome(fleet, `r${robot}`, { hour: nowHour - hoursAgo, nowHour }, outcome);
      }
  return fleet;
}

describe('the memory of the monitor', () => {
  it('holds a day by hours and eight days by half days, however long it runs', () => {
    const fleet = memoryOf(() => ({ fraction: 0.1, reason: 'collision' }));
    const { hours, halves } = fleet['r0']!;
    assert.deepEqual([hours.length, Object.keys(halves).length], [24, 16]);
    assert.deepEqual(
      hours.map(([hour]) => hour),
      hours.map((_, index) => nowHour - 23 + index),
    );
    forgetOld(fleet, nowHour + 12);
    assert.deepEqual([fleet['r0']!.hours.length, Object.keys(fleet['r0']!.halves).length], [12, 15]);
    forgetOld(fleet, nowHour + 500);
    assert.deepEqual(fleet, {});
  });

  it('takes outcomes in any order and leaves out what is too old', () => {
    const fleet: FleetMemory = {};
    for (const hoursAgo of [3, 1, 2, 1, 900])
      rememberOutcome(fleet, 'r', { hour: nowHour - hoursAgo, nowHour }, { isSuccess: true, failureReason: null });
    assert.deepEqual(fleet['r']?.hours, [
      [nowHour - 3, 1, 1],
      [nowHour - 2, 1, 1],
      [nowHour - 1, 2, 2],
    ]);
  });

  it('is not filled by a robot that makes reasons up', () => {
    const fleet: FleetMemory = {};
    for (let index = 0; index < 1_000; index += 1)
      rememberOutcome(fleet, 'r', { hour: nowHour, nowHour }, { isSuccess: false, failureReason: `reason ${index}` });
    const { episodes, reasons } = fleet['r']!.halves[Math.floor(nowHour / 12)]!;
    assert.deepEqual([episodes, Object.keys(reasons).length, reasons['other']], [1_000, 21, 980]);
  });
});

describe('failures of the fleet', () => {
  it('say nothing new while nothing changes', () => {
    const { findings, isKnown, failureFraction } = judgeFailures(
      memoryOf(() => ({ fraction: 0.1, reason: 'collision' })),
      nowHour,
      limits,
    );
    assert.deepEqual([findings, isKnown], [[], true]);
    assert.ok(Math.abs(failureFraction.current! - 0.1) < 0.01 && Math.abs(failureFraction.reference! - 0.1) < 0.01);
  });

  it('name the reason and the error rate that rose', () => {
    const { findings } = judgeFailures(
      memoryOf((hoursAgo) =>
        hoursAgo < 12 ? { fraction: 0.4, reason: 'slip' } : { fraction: 0.1, reason: 'collision' },
      ),
      nowHour,
      limits,
    );
    assert.deepEqual(
      findings.map(({ cause, subject }) => `${cause} ${subject}`),
      ['failureReason slip', 'errorRate fleet'],
    );
    assert.match(findings[1]?.reason ?? '', /failed: \d+\.\d % → \d\d\.\d % of episodes/);
  });

  it('tell a change of reason from a change of rate', () => {
    const { findings } = judgeFailures(
      memoryOf((hoursAgo) => ({ fraction: 0.1, reason: hoursAgo < 17 ? 'slip' : 'collision' })),
      nowHour,
      limits,
    );
    assert.deepEqual(
      findings.map(({ cause, subject }) => `${cause} ${subject}`),
      ['failureReason slip'],
    );
  });

  it('are unknown with too few episodes', () => {
    const few = memoryOf(() => ({ fraction: 0.5, reason: 'slip' }), 0);
    assert.equal(judgeFailures(few, nowHour, limits).isKnown, false);
    assert.deepEqual(judgeFailures({}, nowHour, limits).failureFraction, { reference: null, current: null });
  });
});

describe('a cycle is triggered', () => {
  const quiet: TriggerFacts = {
    drift: undefined,
    errorRate: undefined,
    correctedFrames: 0,
    runningCycles: 0,
    hoursSinceTrigger: undefined,
  };
  const choose = (changes: Partial<TriggerFacts>) => chooseTrigger({ ...quiet, ...changes }, limits);

  it('by drift, by the error rate, by enough corrections, with the cause', () => {
    assert.deepEqual(choose({ drift: 'range_3 PSI 0.4' }), { kind: 'start', cause: 'drift: range_3 PSI 0.4' });
    assert.deepEqual(choose({ errorRate: 'failed: 10 → 20 %' }), {
      kind: 'start',
      cause: 'error rate: failed: 10 → 20 %',
    });
    assert.deepEqual(choose({ correctedFrames: 500_000 }), {
      kind: 'start',
      cause: 'corrections: 500000 corrected frames, 500000 are enough',
    });
    assert.equal(choose({ correctedFrames: 499_999 }).kind, 'wait');
  });

  it('never while one runs, nobody can tell, or the last one was just now', () => {
    const because = (changes: Partial<TriggerFacts>): string => {
      const choice = choose({ drift: 'range_3', ...changes });
      return choice.kind === 'wait' ? choice.reason : choice.kind;
    };
    assert.match(because({ runningCycles: 1 }), /drift: range_3, but a cycle runs already/);
    assert.match(because({ runningCycles: undefined }), /it is unknown/);
    assert.match(because({ hoursSinceTrigger: 47 }), /47\.0 h ago, at least 48 h are required/);
    assert.equal(because({ hoursSinceTrigger: 48 }), 'start');
  });
});

describe('limits of the monitor', () => {
  it('have a range each, their defaults within', () => {
    assert.deepEqual(Object.keys(monitorLimitRanges), Object.keys(defaultMonitorLimits));
    assert.equal(whyNoMonitorLimits(defaultMonitorLimits), undefined);
  });

  it('are refused in words', () => {
    const why = (given: unknown) => whyNoMonitorLimits(given) ?? 'taken';
    assert.match(why(undefined), /expected an object with at least one of silentAfterMs, /);
    assert.match(why({}), /at least one of/);
    assert.match(why({ silentMs: 1 }), /^silentMs: expected one of silentAfterMs/);
    assert.match(why({ openAfterTicks: 1.5 }), /openAfterTicks: expected a whole number from 1 to 1000, got 1\.5/);
    assert.match(
      why({ errorRiseFraction: 'much' }),
      /errorRiseFraction: expected a number from 0\.001 to 1, got "much"/,
    );
    assert.match(why({ driftEveryHours: Number.NaN }), /got null/);
    assert.match(why({ toString: 1 }), /^toString: expected one of/);
    assert.equal(why({ openAfterTicks: 3 }), 'taken');
  });
});

describe('what the champion brought about', () => {
  const robot = (robotId: string, changes: Partial<WatchedRobot> = {}): WatchedRobot => ({
    robotId,
    contact: 'online',
    unheardMs: 0,
    install: null,
    memory: undefined,
    ...changes,
  });
  const fell = (attempted: string, receivedMs: number) =>
    ({ install: { outcome: 'fellBack', reason: 'crashLoop', attempted, receivedMs } }) as const;

  it('is what happened on its version since its promotion', () => {
    const unsafe = (version: string, atMs: number) => ({
      memory: { hours: [], halves: {}, safety: { atMs, version } },
    });
    const conditions = conditionsSince(
      [
        robot('fell', fell('1.1.0', 200)),
        robot('before', fell('1.1.0', 50)),
        robot('other', fell('1.0.0', 200)),
        robot('unsafe', unsafe('1.1.0', 150)),
        robot('unsafe-before', unsafe('1.0.0', 150)),
      ],
      '1.1.0',
      100,
    );
    assert.deepEqual(
      conditions.map(({ condition }) => condition),
      ['crashLoop', 'well', 'well', 'unsafe', 'well'],
    );
  });

  it('is no silence where nobody listened', () => {
    assert.equal(isSilent(robot('r', { unheardMs: 1e9 }), 'unknown', 1), undefined);
    assert.equal(isSilent(robot('r', { contact: 'unknown', unheardMs: 1e9 }), 'known', 1), undefined);
    assert.equal(isSilent(robot('r', { contact: 'silent', unheardMs: null }), 'known', 1), true);
    assert.equal(isSilent(robot('r', { unheardMs: 10 }), 'known', 300), false);
  });
});
