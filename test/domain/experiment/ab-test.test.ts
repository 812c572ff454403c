import assert from 'node:assert/strict';
import { judgeAbTest, type AbTestInput, type AbTestVerdict } from '../../../domain/experiment/index.ts';
import { evidence, parameters, type FleetOptions } from './fleets.ts';

const look = (fleet: FleetOptions = {}, rest: Partial<AbTestInput> = {}): AbTestVerdict =>
  judgeAbTest({
    parameters,
    robots: evidence({ robots: 60, candidates: 20, hours: 24, blockMinutes: 60, perBlock: 40, ...fleet }),
    look: 4,
    looks: 7,
    informationMax: 120_000,
    ...rest,
  });

describe('A/B gate', () => {
  it('accepts a better candidate, with score, bound and sample sizes', () => {
    const verdict = look({ candidateSuccess: 0.89 });
    assert.equal(verdict.decision, 'accept');
    assert.ok(verdict.z > verdict.bound);
    assert.deepEqual(
      [verdict.robots, verdict.episodes],
      [
        { candidate: 20, control: 40 },
        { candidate: 19_200, control: 38_400 },
      ],
    );
    assert.ok(verdict.interval99.low < verdict.delta && verdict.delta < verdict.interval99.high);
  });

  it('rejects a worse one as worse, and an unproven one only at the last look', () => {
    assert.deepEqual(pick(look({ candidateSuccess: 0.8 })), ['reject', 'worse']);
    assert.deepEqual(pick(look()), ['continue', undefined]);
    assert.deepEqual(pick(look({}, { look: 7 })), ['reject', 'unproven']);
    assert.deepEqual(pick(look({}, { informationMax: 1000 })), ['reject', 'unproven']);
  });

  it('judges from the second look on', () => {
    assert.equal(look({ candidateSuccess: 0.95, hours: 6 }, { look: 1 }).decision, 'continue');
    assert.equal(look({ candidateSuccess: 0.95, hours: 12 }, { look: 2 }).decision, 'accept');
  });

  it('accepts an equivalent one only where that is asked for and the chain of equivalents is short', () => {
    const last = { look: 7, looks: 7 } as const;
    const fleet = { hours: 168, candidateSuccess: 0.85 };
    assert.equal(
      look(fleet, { ...last, allowEquivalent: true, anchorLossFraction: 0.004 }).decision,
      'acceptEquivalent',
    );
    assert.equal(look(fleet, last).decision, 'reject');
    assert.equal(look(fleet, { ...last, allowEquivalent: true, anchorLossFraction: 0.02 }).decision, 'reject');
    const unknown = look(fleet, { ...last, allowEquivalent: true });
    assert.match(unknown.reasons.join('; '), /loss against the best champion so far is unknown/u);
  });

  it('raises the bound when there is less information', () => {
    assert.ok(look({}, { informationMax: 1e6 }).bound > look({}, { informationMax: 1e5 }).bound);
  });

  describe('blocks', () => {
    it('not on volumes that differ because robots left the test', () => {
      const leavers = [0, 1, 2, 3, 4];
      const robots = (isKnown: boolean) =>
        evidence({
          robots: 60,
          candidates: 20,
          hours: 24,
          blockMinutes: 60,
          perBlock: 40,
          change: (robot, entry) => (leavers.includes(robot) && entry.block >= 6 ? undefined : entry),
        }).map((robot, index) =>
          leavers.includes(index) && isKnown ? { ...robot, left: { block: 5, presentFraction: 0.25 } } : robot,
        );
      assert.equal(look({}, { robots: robots(true) }).decision, 'continue');
      assert.match(look({}, { robots: robots(false) }).reasons.join('; '), /sample-ratio mismatch/u);
    });

    it('on a mismatch of the arms’ volumes', () => {
      const verdict = look({
        change: (robot, entry) => (robot < 20 ? { ...entry, episodes: 30, successes: 26 } : entry),
      });
      assert.equal(verdict.decision, 'block');
      assert.match(verdict.reasons[0] ?? '', /sample-ratio mismatch: p .* < 0\.0001/u);
    });
    it('on missing telemetry', () => {
      assert.match(
        look({ change: (robot, entry) => (robot < 20 ? undefined : entry) }).reasons[0] ?? '',
        /missing telemetry: 0 candidate/u,
      );
      assert.equal(look({ change: (robot, entry) => (robot < 6 ? undefined : entry) }).decision, 'block');
      assert.equal(look({ robots: 0 }).decision, 'block');
    });
    it('on a metric that only one arm reports', () => {
      const robots = evidence({ robots: 60, candidates: 20, hours: 24, blockMinutes: 60, perBlock: 40 }).map((robot) =>
        robot.arm === 'control'
          ? { ...robot, blocks: robot.blocks.map((entry) => ({ ...entry, interventions: 1 })) }
          : robot,
      );
      assert.match(look({}, { robots }).reasons[0] ?? '', /only one arm reports interventions/u);
    });
    it('on safety events of several candidates, a lone one being the guard’s, and on a blocked task', () => {
      const robots = evidence({ robots: 60, candidates: 20, hours: 24, blockMinutes: 60, perBlock: 40 }).map(
        (robot, index) => (index < 2 ? { ...robot, safetyEvents: 1 } : robot),
      );
      assert.match(look({}, { robots }).reasons[0] ?? '', /safety event on robot-00, robot-01/u);
      const lone = robots.map((robot, index) => (index === 1 ? { ...robot, safetyEvents: 0 } : robot));
      assert.notEqual(look({}, { robots: lone }).decision, 'block');
      assert.match(look({}, { blockedTasks: ['door'] }).reasons[0] ?? '', /proven harm in task door/u);
    });
  });

  it('does not accept a better candidate that may be slower or need more help', () => {
    const slower = look(
      { candidateSuccess: 0.91, latency: (robot) => (robot < 20 ? 0.2 : 0) },
      { informationMax: 400_000 },
    );
    assert.deepEqual([slower.decision, slower.guardrails[0]?.verdict], ['continue', 'unproven']);
    assert.deepEqual(pick(look({ candidateSuccess: 0.89, latency: (robot) => (robot < 20 ? 0.2 : 0) }, { look: 7 })), [
      'reject',
      'unproven',
    ]);
    const as = look({ candidateSuccess: 0.89, latency: (robot) => 0.01 * (robot % 3) });
    assert.deepEqual(
      [as.decision, as.guardrails[0]?.verdict, as.guardrails[1]?.verdict],
      ['accept', 'notInferior', 'notMeasured'],
    );
  });

  it('looks once, at the end, when an arm has fewer than ten robots', () => {
    const small = { robots: 12, candidates: 5, candidateSuccess: 0.95 };
    const middle = look(small);
    assert.equal(middle.decision, 'continue');
    const last = look(small, { look: 7 });
    assert.deepEqual([last.decision, Number(last.bound.toFixed(4))], ['accept', 2.5758]);
  });

  it('is finite for robots without any variation', () => {
    const verdict = look({ candidateSuccess: 1, controlSuccess: 1 });
    for (const value of [verdict.z, verdict.bound, verdict.interval99.low, verdict.information])
      assert.ok(Number.isFinite(value));
  });

  it('refuses a look that is not one', () => {
    assert.throws(() => look({}, { look: 8 }), /expected look in 1 to 7, got 8/u);
    assert.throws(() => look({}, { informationMax: 0 }), /expected informationMax > 0, got 0/u);
  });
});

const pick = ({ decision, rejection }: AbTestVerdict): [string, string | undefined] => [decision, rejection];
