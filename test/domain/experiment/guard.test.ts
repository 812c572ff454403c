import assert from 'node:assert/strict';
import {
  defaultRolloutLimits,
  judgeGuard,
  type GuardInput,
  type GuardVerdict,
} from '../../../domain/experiment/index.ts';
import { evidence, parameters, type FleetOptions } from './fleets.ts';

const judge = (fleet: FleetOptions = {}, rest: Partial<GuardInput> = {}): GuardVerdict => {
  const hours = fleet.hours ?? 6;
  return judgeGuard({
    parameters,
    robots: evidence(fleet),
    stage: 1,
    hoursInStage: hours,
    hoursTotal: hours,
    daysTreated: hours / 24,
    ...rest,
  });
};
const silentFrom =
  (hour: number, ...robots: number[]): NonNullable<FleetOptions['change']> =>
  (robot, entry) =>
    robots.includes(robot) && entry.block >= hour * 12 ? undefined : entry;

const withSafetyEvent = (unsafe: readonly number[], faultsSoFar = 0): GuardVerdict =>
  judgeGuard({
    parameters,
    robots: evidence({ hours: 24 }).map((robot, own) => (unsafe.includes(own) ? { ...robot, safetyEvents: 1 } : robot)),
    stage: 1,
    hoursInStage: 24,
    hoursTotal: 24,
    daysTreated: 1,
    faultsSoFar,
    presence: 'unknown',
  });

describe('guard', () => {
  it('advances a proven stage, and says what it is proven by', () => {
    const verdict = judge({ hours: 24 });
    assert.equal(verdict.verdict, 'advance');
    assert.ok(verdict.lowerBound > -0.02);
    assert.match(verdict.reasons[0] ?? '', /worse, 2\.00 pp allowed/u);
    assert.deepEqual([verdict.treatedRobots, verdict.controlRobots, verdict.treatedEpisodes], [8, 32, 8 * 24 * 12 * 4]);
  });

  it('goes on while a stage is not proven yet', () => {
    assert.equal(judge({ hours: 6 }, { stage: 0, hoursInStage: 3 }).verdict, 'continue');
  });

  it('waits for the minimum time whatever the evidence', () => {
    assert.equal(judge({ hours: 24 }, { hoursInStage: 5.9 }).verdict, 'continue');
    assert.equal(
      judge({ hours: 30, candidates: 20 }, { stage: 2, hoursInStage: 20, hoursTotal: 23.9 }).verdict,
      'continue',
    );
  });

  it('rolls a bad candidate back with value, threshold and metric', () => {
    const verdict = judge({ candidateSuccess: 0.7 });
    assert.equal(verdict.verdict, 'rollback');
    assert.equal(verdict.metric, 'success');
    assert.ok(verdict.logEvidence >= verdict.threshold && Math.abs(verdict.threshold - Math.log(200)) < 1e-12);
  });

  it('takes the one robot off that explains an alarm', () => {
    const broken: FleetOptions = {
      hours: 24,
      change: (robot, entry) => (robot === 3 ? { ...entry, successes: 0 } : entry),
    };
    const verdict = judge(broken);
    assert.deepEqual([verdict.verdict, verdict.suspectRobotId, verdict.metric], ['robotFault', 'robot-03', 'success']);
    assert.equal(judge(broken, { faultsSoFar: 1 }).verdict, 'rollback');
    assert.equal(
      judge({ ...broken, candidates: 2, change: (robot, entry) => (robot === 1 ? { ...entry, successes: 0 } : entry) })
        .verdict,
      'rollback',
    );
  });

  it('gives no evidence and never advances without candidate episodes', () => {
    const verdict = judge(
      { hours: 48, change: (robot, entry) => (robot < 8 ? undefined : entry) },
      { hoursInStage: 0.1 },
    );
    assert.notEqual(verdict.verdict, 'advance');
    assert.deepEqual([verdict.delta, verdict.logEvidence, verdict.lowerBound, verdict.treatedEpisodes], [0, 0, -1, 0]);
    const idle = judge({ hours: 48, perBlock: 0 });
    assert.equal(idle.verdict, 'hold');
    assert.equal(judge({ robots: 0 }).verdict, 'hold');
    assert.equal(judge({ robots: 1, candidates: 1 }).verdict, 'hold');
  });

  it('holds with less than half of the candidates reporting, and with too few episodes after an hour', () => {
    const few = judge({ change: silentFrom(5.9, 0, 1, 2, 3, 4) });
    assert.deepEqual([few.verdict, few.reasons[0]], ['continue', few.reasons[0]]);
    const uninstalled = judgeGuard({
      parameters,
      robots: evidence({ hours: 24 }).map((robot, index) =>
        index < 5 ? { ...robot, blocks: [], installed: false } : robot,
      ),
      stage: 1,
      hoursInStage: 24,
      hoursTotal: 24,
      daysTreated: 1,
    });
    assert.equal(uninstalled.verdict, 'hold');
    assert.match(uninstalled.reasons.join('; '), /3 of 8 candidates report.*5 robots do not run the candidate yet/u);
    assert.match(judge({ hours: 2, perBlock: 0 }).reasons[0] ?? '', /0 episodes to compare, 30 are needed/u);
  });

  it('holds from the maximum time on, but still advances on proof', () => {
    const wide = {
      limits: { stages: defaultRolloutLimits.stages.map((stage) => ({ ...stage, marginFraction: 0.0001 })) },
    };
    const verdict = judge({ hours: 12 }, { ...wide, hoursInStage: 96 });
    assert.equal(verdict.verdict, 'hold');
    assert.match(verdict.reasons[0] ?? '', /not proven within 96 h/u);
    assert.equal(judge({ hours: 24 }, { hoursInStage: 96 }).verdict, 'advance');
  });

  it('says how bad it may be without a double negative', () => {
    const strict = {
      limits: { stages: defaultRolloutLimits.stages.map((stage) => ({ ...stage, marginFraction: 0.0001 })) },
    };
    for (const hoursInStage of [1, 12, 96]) {
      const [reason = ''] = judge({ hours: 12 }, { ...strict, hoursInStage }).reasons;
      assert.match(reason, /at most \d+\.\d\d pp worse|at least \d+\.\d\d pp better|nothing is proven yet/, reason);
      assert.doesNotMatch(reason, /(?:least|most) -/);
    }
  });

  it('gives small fleets more time in stage 2', () => {
    const limits = { stages: defaultRolloutLimits.stages.map((stage) => ({ ...stage, marginFraction: 0.0001 })) };
    const at = (robots: number): string =>
      judge({ robots, hours: 6 }, { stage: 2, limits, hoursInStage: 50, hoursTotal: 6 }).verdict;
    assert.deepEqual([at(40), at(80)], ['continue', 'hold']);
  });

  describe('silence', () => {
    it('of one candidate is its own fault', () => {
      const verdict = judge({ candidates: 5, hours: 1, change: silentFrom(0.75, 2) });
      assert.deepEqual(
        [verdict.verdict, verdict.suspectRobotId, verdict.metric],
        ['robotFault', 'robot-02', 'missing'],
      );
    });
    it('of one candidate is looked at as harm once the faults are used up', () => {
      assert.equal(
        judge({ candidates: 5, hours: 1, change: silentFrom(0.75, 2) }, { faultsSoFar: 1 }).verdict,
        'rollback',
      );
    });
    it('of several candidates is harm', () => {
      assert.deepEqual(pick(judge({ hours: 1, change: silentFrom(0.75, 2, 5) })), ['rollback', 'missing']);
    });
    it('of 14 minutes is nothing', () => {
      assert.equal(judge({ hours: 1, change: silentFrom(1 - 2 / 12, 2, 5) }).verdict, 'continue');
    });
    it('of both arms is the network', () => {
      const all = Array.from({ length: 40 }, (_, robot) => robot);
      assert.deepEqual(pick(judge({ hours: 1, change: silentFrom(0.75, ...all) })), ['hold', 'missing']);
      assert.equal(judge({ hours: 1, change: silentFrom(0.75, 0, 1, ...all.slice(8, 20)) }).verdict, 'hold');
    });
    it('of many controls beside the candidates proves nothing', () => {
      const tenControls = Array.from({ length: 10 }, (_, index) => 8 + index);
      assert.equal(judge({ hours: 1, change: silentFrom(0.75, 0, 1, 2, 3, 4, 5, ...tenControls) }).verdict, 'hold');
    });
    it('on both sides is no lack of throughput, though more controls are back already', () => {
      const away = Array.from({ length: 60 }, (_, robot) => robot);
      const verdict = judge({ robots: 100, hours: 12, change: silentFrom(8, ...away) });
      assert.deepEqual(pick(verdict), ['hold', 'missing']);
      const throughput = verdict.evidence.find(({ metric }) => metric === 'throughput');
      assert.ok(throughput !== undefined && throughput.logEvidence > throughput.threshold);
    });
    it('is read from the last report where that is known', () => {
      const robots = evidence({ hours: 1 }).map((robot, index) => ({
        ...robot,
        lastReportAgeMs: index < 4 ? 900_000 : 1000,
      }));
      const input = { parameters, robots, stage: 1, hoursInStage: 1, hoursTotal: 1, daysTreated: 0.04 } as const;
      assert.deepEqual(pick(judgeGuard(input)), ['rollback', 'missing']);
    });
    it('means nothing while no gateway says who is online', () => {
      assert.equal(judge({ hours: 1, change: silentFrom(0.75, 2, 5) }, { presence: 'unknown' }).verdict, 'hold');
      assert.equal(judge({ hours: 24 }, { presence: 'unknown' }).verdict, 'hold');
    });
    it('for 4 hours of one among 25 candidates rolls nothing back', () => {
      const verdict = judge({ robots: 100, candidates: 25, hours: 12, change: silentFrom(8, 3) });
      assert.notEqual(verdict.verdict, 'rollback');
    });
  });

  it('rolls a candidate back that makes no episodes, and one that makes half', () => {
    const idle = judge({
      robots: 100,
      hours: 0.5,
      change: (robot, entry) => (robot < 8 ? { ...entry, episodes: 0, successes: 0 } : entry),
    });
    assert.deepEqual(pick(idle), ['rollback', 'throughput']);
    const half = judge({
      robots: 100,
      hours: 4,
      change: (robot, entry) => (robot < 8 ? { ...entry, episodes: 2, successes: 2 } : entry),
    });
    assert.deepEqual(pick(half), ['rollback', 'throughput']);
    const one = judge({
      robots: 100,
      hours: 12,
      change: (robot, entry) => (robot === 4 ? { ...entry, episodes: 0, successes: 0 } : entry),
    });
    assert.deepEqual([...pick(one), one.suspectRobotId], ['robotFault', 'throughput', 'robot-04']);
  });

  describe('of robots that left the trial', () => {
    const leaveAt = 6 * 12;
    const fleet = (leavers: readonly number[], isKnown: boolean, fleet: FleetOptions = {}) =>
      evidence({ robots: 100, hours: 24, change: silentFrom(6, ...leavers), ...fleet }).map((robot, index) =>
        leavers.includes(index) && isKnown
          ? {
              ...robot,
              lastReportAgeMs: 0,
              left: { block: leaveAt - 1, presentFraction: 0.25 },
              ...(robot.arm === 'candidate' ? { installed: false } : {}),
            }
          : robot,
      );
    const input = { parameters, stage: 1, hoursInStage: 24, hoursTotal: 24, daysTreated: 1 } as const;

    it('takes no silence and no missing episode of either arm for harm, and goes on proving', () => {
      const unknown = judgeGuard({ ...input, robots: fleet([2, 5, 7], false) });
      assert.notEqual(unknown.verdict, 'advance');
      for (const leavers of [
        [2, 5, 7],
        [40, 50, 60, 70],
        [2, 40],
      ]) {
        const { verdict, reasons } = judgeGuard({ ...input, robots: fleet(leavers, true) });
        assert.equal(verdict, 'advance', `${leavers.join()}: ${reasons.join('; ')}`);
      }
    });

    it('keeps what they proved: leaving does not hide harm', () => {
      const { verdict, metric } = judgeGuard({
        ...input,
        robots: fleet([0, 1, 2], true, { candidateSuccess: 0.6 }),
      });
      assert.deepEqual([verdict, metric], ['rollback', 'success']);
    });

    it('sees the rest of the candidates idle all the same', () => {
      const robots = fleet([0, 1], true, {
        change: (robot, entry) => {
          if (robot < 2 && entry.block >= leaveAt) return undefined;
          return robot >= 2 && robot < 8 ? { ...entry, episodes: 2, successes: 2 } : entry;
        },
      });
      assert.deepEqual(pick(judgeGuard({ ...input, robots })), ['rollback', 'throughput']);
    });
  });

  it('waits with the throughput for robots that are back and have not brought everything yet', () => {
    const behind = [0, 1, 2, 3, 4, 5];
    const robots = evidence({ robots: 100, hours: 12, change: silentFrom(8, ...behind) }).map((robot, index) => ({
      ...robot,
      lastReportAgeMs: 1_000,
      knownUntilBlock: behind.includes(index) ? 8 * 12 : 12 * 12,
      backlogAgeMs: behind.includes(index) ? 4 * 3_600_000 : 0,
    }));
    const input = { parameters, stage: 1, hoursInStage: 12, hoursTotal: 12, daysTreated: 0.5 } as const;
    const waiting = judgeGuard({ ...input, robots });
    assert.deepEqual(
      [waiting.verdict, waiting.reasons[0]],
      ['hold', '6 robots are back and have not told everything yet'],
    );
    const told = robots.map((robot) => ({ ...robot, knownUntilBlock: 12 * 12, backlogAgeMs: 0 }));
    assert.deepEqual(pick(judgeGuard({ ...input, robots: told })), ['rollback', 'throughput']);
  });

  it('does not alarm when the candidates make more episodes than before', () => {
    const eager = judge({
      robots: 100,
      hours: 6,
      change: (robot, entry) => (robot < 8 ? { ...entry, episodes: 8, successes: 7 } : entry),
    });
    assert.equal(eager.verdict, 'advance');
  });

  it('rolls a slow candidate back, leaves an equally fast one alone and misses no latency', () => {
    const slow = judge({ latency: (robot) => Math.log(50) + (robot < 8 ? 0.5 : 0) + 0.02 * (robot % 5) });
    assert.deepEqual(pick(slow), ['rollback', 'latency']);
    const equal = judge({ hours: 24, latency: (robot) => Math.log(50) + 0.02 * (robot % 5) });
    assert.equal(equal.verdict, 'advance');
    const mute = judge({
      hours: 24,
      latency: () => Math.log(50),
      change: (robot, entry) =>
        robot < 8 ? { block: entry.block, successes: entry.successes, episodes: entry.episodes } : entry,
    });
    assert.deepEqual([mute.verdict, mute.reasons[0]], ['hold', 'controls report latency, candidates do not']);
  });

  it('takes a lone unsafe candidate back, all with the second one, and puts one of a control aside', () => {
    assert.deepEqual(pick(withSafetyEvent([2])), ['robotFault', 'safety']);
    assert.equal(withSafetyEvent([2]).suspectRobotId, 'robot-02');
    assert.match(withSafetyEvent([2]).reasons[0] ?? '', /alone: it goes back, and one more safety event/u);
    assert.deepEqual(pick(withSafetyEvent([2, 3])), ['rollback', 'safety']);
    assert.deepEqual(pick(withSafetyEvent([2], 1)), ['rollback', 'safety']);
    assert.equal(withSafetyEvent([20]).verdict, 'hold');
  });

  describe('a robot that lies', () => {
    const times =
      (liar: number, factor: number, success: number): NonNullable<FleetOptions['change']> =>
      (robot, entry) =>
        robot === liar
          ? { ...entry, episodes: entry.episodes * factor, successes: entry.episodes * factor * success }
          : entry;

    it('goes back for claiming more than it can have made, and counts no more than the others until then', () => {
      const verdict = judge({ change: times(0, 25, 1) });
      assert.deepEqual(pick(verdict), ['robotFault', 'claims']);
      assert.equal(verdict.suspectRobotId, 'robot-00');
      assert.match(verdict.reasons.join(), /robot-00 claims 7200 episodes, \d+ count: more than a robot can make/u);
    });

    it('hides no harm when no fault is left: it weighs as the median robot does', () => {
      for (const factor of [1, 5, 100])
        assert.deepEqual(pick(judge({ candidateSuccess: 0.6, change: times(0, factor, 1) }, { faultsSoFar: 1 })), [
          'rollback',
          'success',
        ]);
    });

    it('among the controls neither hides harm nor makes it up', () => {
      for (const factor of [1, 100]) {
        const hidden = judge({ candidateSuccess: 0.7, change: times(30, factor, 0) }, { faultsSoFar: 1 });
        assert.deepEqual(pick(hidden), ['rollback', 'success']);
        assert.match(hidden.reasons.join(), /controls far from their own past not compared with: robot-30/u);
        assert.notEqual(judge({ change: times(30, factor, 1) }, { faultsSoFar: 1 }).verdict, 'rollback');
      }
    });
  });

  it('passes a lone robot by time, and takes it back when it falls far below its own past', () => {
    const stages = defaultRolloutLimits.stages.map((stage) => ({ ...stage, marginFraction: null }));
    const lone = (candidateSuccess: number, stage: 0 | 3) =>
      judge(
        { robots: 1, candidates: 1, hours: 50, candidateSuccess },
        { stage, hoursInStage: 50, hoursTotal: 50, daysTreated: 2, limits: { stages } },
      );
    for (const stage of [0, 3] as const) assert.equal(lone(0.85, stage).verdict, 'advance');
    const worse = lone(0.3, 0);
    assert.deepEqual(pick(worse), ['rollback', 'success']);
    assert.match(worse.reasons[0] ?? '', /against the robots' own past in \d+ episodes, no robot to compare with/u);
  });

  it('holds while everything fails in both arms, whatever the arms have in common', () => {
    const broken = judge({ candidateSuccess: 0, controlSuccess: 0, hours: 24 }, { hoursInStage: 24, hoursTotal: 24 });
    assert.equal(broken.verdict, 'hold');
    assert.match(
      broken.reasons[0] ?? '',
      /the fleet is broken, not the candidate: both arms far below .* -8\d\.\d\d pp in \d+ episodes/u,
    );
    const badDay = judge(
      { candidateSuccess: 0.75, controlSuccess: 0.75, hours: 24 },
      { hoursInStage: 24, hoursTotal: 24 },
    );
    assert.doesNotMatch(badDay.reasons.join(), /broken/u);
  });

  it('asks in the order: safety, tasks, evidence, network, silence, too few, proof', () => {
    const bad: FleetOptions = { candidateSuccess: 0.6, change: silentFrom(5.5, 1, 2, 3) };
    assert.deepEqual(pick(judge(bad, { blockedTasks: ['door'] })), ['rollback', 'task']);
    assert.deepEqual(pick(judge(bad, { presence: 'unknown' })), ['rollback', 'success']);
    assert.deepEqual(pick(judge(bad)), ['rollback', 'success']);
  });

  it('makes the holdback the treated side in the last stage, and ends it by time without alarm', () => {
    const last = { stage: 3, hoursInStage: 48, hoursTotal: 90, daysTreated: 3.75 } as const;
    const fleet: FleetOptions = { robots: 40, candidates: 35, hours: 90 };
    const good = judge(fleet, last);
    assert.deepEqual(
      [good.verdict, good.treatedRobots, good.controlRobots, good.marginFraction],
      ['advance', 5, 35, null],
    );
    assert.equal(judge(fleet, { ...last, hoursInStage: 47.9 }).verdict, 'continue');
    const bad = judge({ ...fleet, candidateSuccess: 0.78 }, last);
    assert.deepEqual(pick(bad), ['rollback', 'success']);
    assert.ok(bad.delta < -0.03);
    const better = judge({ ...fleet, candidateSuccess: 0.92 }, last);
    assert.equal(better.verdict, 'advance');
    assert.ok(better.delta > 0.03);
  });

  it('names a holdback robot that alone makes the candidates look bad', () => {
    const verdict = judge(
      {
        robots: 40,
        candidates: 35,
        hours: 60,
        candidateSuccess: 0.85,
        change: (robot, entry) => (robot === 37 ? { ...entry, successes: entry.episodes } : entry),
      },
      { stage: 3, hoursInStage: 40, hoursTotal: 60, daysTreated: 2.5 },
    );
    assert.ok(verdict.verdict !== 'rollback');
  });

  it('works in the hourly blocks of an A/B test', () => {
    const limits = { blockMinutes: 60 };
    assert.equal(judge({ hours: 24, blockMinutes: 60, perBlock: 40 }, { limits }).verdict, 'advance');
    assert.equal(
      judge({ hours: 24, blockMinutes: 60, perBlock: 40, candidateSuccess: 0.7 }, { limits }).verdict,
      'rollback',
    );
  });

  it('gives the same verdict for the same input, to the bit, and leaves the input alone', () => {
    const robots = evidence({ hours: 8 });
    const input = Object.freeze({
      parameters,
      robots: Object.freeze(robots.map((robot) => Object.freeze(robot))),
      stage: 1,
      hoursInStage: 8,
      hoursTotal: 8,
      daysTreated: 1,
    } as const);
    assert.deepEqual(judgeGuard(input), judgeGuard(input));
  });

  it('stays small enough to be handed around: no verdict above 2 KiB', () => {
    for (const verdict of [
      judge(),
      judge({ candidateSuccess: 0.5 }),
      judge({ hours: 1, change: silentFrom(0.5, 1, 2, 3) }),
    ]) {
      assert.ok(JSON.stringify(verdict).length < 2048);
    }
  });
});

const pick = ({ verdict, metric }: GuardVerdict): [string, string | undefined] => [verdict, metric];
