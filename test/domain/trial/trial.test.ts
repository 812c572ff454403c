import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { aliasesAt, demotionMoves, type AliasRecord } from '../../../domain/registry/index.ts';
import { parseRolloutPlan } from '../../../domain/rollout/index.ts';
import { randomFromSeed, type VersionedHistory } from '../../../domain/statistics/index.ts';
import {
  abTransition,
  addReport,
  begunAbTest,
  blocksOf,
  chooseRollback,
  draftTrial,
  fleetClock,
  fleetProfiles,
  leastStageHours,
  lookHoursOf,
  robotEvidence,
  takeSeq,
  trialPlanSchema,
  unsafeLateRobots,
  type AbEvent,
  type AbProgress,
  type Cells,
  type TrialFacts,
} from '../../../domain/trial/index.ts';

const hourMs = 3_600_000;

describe('the fleet clock', () => {
  it('is real time in the real profile, and a day in a minute in the compressed one', () => {
    const real = fleetClock(fleetProfiles.real);
    assert.equal(real.fleetMs(1_795_000_000_000), 1_795_000_000_000);
    assert.equal(real.realMs(6), 6 * hourMs);
    const fast = fleetClock(fleetProfiles.compressed);
    assert.equal(fast.fleetHours(60_000), 24);
    assert.equal(fast.realMs(24), 60_000);
    assert.equal(fast.fleetMs(1_795_000_060_000) - fast.fleetMs(1_795_000_000_000), 24 * hourMs);
    assert.ok(Number.isSafeInteger(fast.fleetMs(4_000_000_000_000)));
  });

  it('keeps stages six ticks and looks five seconds apart when days are short', () => {
    assert.ok(Math.abs(leastStageHours(fleetProfiles.compressed) - 4.8) < 1e-9);
    assert.equal(leastStageHours(fleetProfiles.real), 0);
    assert.equal(lookHoursOf(fleetProfiles.compressed, 6), 6);
    assert.equal(lookHoursOf({ ...fleetProfiles.compressed, dayMs: 10_000 }, 6), 12);
  });

  it('refuses a day without length', () => assert.throws(() => fleetClock({ dayMs: 0 }), /expected dayMs ≥ 1, got 0/));
});

const random = randomFromSeed('trial plans');
const history = (robots: number, days = 7): VersionedHistory[] =>
  Array.from({ length: robots }, (_, index) => ({
    robotId: `robot-${index}`,
    cells: Array.from({ length: days * 24 }, (_, hour) => ({
      day: Math.floor(hour / 24),
      hour: hour % 24,
      episodes: 40,
      successes: 33 + Math.floor(random() * 4),
      policyVersion: '1.0.0',
    })),
  }));

const facts = (robots: number, more: Partial<TrialFacts> = {}): TrialFacts => ({
  kind: 'rollout',
  policy: 'wall',
  trialId: 'wall-1.1.0-rollout',
  championVersion: '1.0.0',
  candidateVersion: '1.1.0',
  createdAtMs: 0,
  times: fleetProfiles.real,
  robots: Array.from({ length: robots }, (_, index) => ({ robotId: `robot-${index}`, stratum: `hall-${index % 3}` })),
  excluded: [],
  history: history(robots),
  tasks: ['follow'],
  candidateFraction: 0.2,
  effectFraction: 0.01,
  allowEquivalent: false,
  anchorLossFraction: 0,
  approvalBefore: [],
  ...more,
});

const planOf = (of: TrialFacts) => {
  const draft = draftTrial(of);
  if (draft.kind !== 'planned') throw new Error(draft.reason);
  return draft;
};

describe('the draft of a trial', () => {
  it('has the stages of the method, the same robots first in each, and survives being stored', () => {
    const { plan } = planOf(facts(100));
    assert.deepEqual(
      plan.stages.map(({ robots, minimumHours, maximumHours }) => [robots, minimumHours, maximumHours]),
      [
        [5, 4, 48],
        [25, 6, 96],
        [50, 14, 48],
        [95, 48, 96],
      ],
    );
    assert.deepEqual(plan.approvalBefore, []);
    assert.deepEqual(trialPlanSchema.parse(JSON.parse(JSON.stringify(plan))), plan);
    assert.deepEqual(planOf(facts(100)).plan.robots.length, 100);
  });

  it('does not depend on the order of the robots, but on the trial', () => {
    const given = facts(30);
    const turned = planOf({ ...given, robots: given.robots.toReversed(), history: given.history.toReversed() }).plan;
    const order = (plan: typeof turned) => plan.robots.map(({ robotId }) => robotId);
    assert.deepEqual(order(turned), order(planOf(given).plan));
    assert.notDeepEqual(order(planOf({ ...given, trialId: 'another' }).plan), order(turned));
  });

  it('asks a person before every stage of a fleet below 20 robots, the first too, which is one robot', () => {
    const { plan, remarks } = planOf(facts(8));
    assert.deepEqual(plan.approvalBefore, [0, 1, 2, 3]);
    assert.deepEqual(
      plan.stages.map(({ robots, marginFraction }) => [robots, marginFraction]),
      [
        [1, null],
        [2, null],
        [4, null],
        [7, null],
      ],
    );
    assert.match(remarks.join(), /8 robots are fewer than the 20/);
    assert.deepEqual(draftTrial(facts(8, { kind: 'abTest' })).kind, 'impossible');
  });

  it('does the same when nothing is known of the past', () => {
    const { plan, remarks } = planOf(facts(40, { history: [] }));
    assert.deepEqual(plan.approvalBefore, [0, 1, 2, 3]);
    assert.match(remarks.join(), /no episode of the champion/);
  });

  it('lets people stage fleets of one to four robots, the first one alone', () => {
    const robotsOf = (robots: number) => planOf(facts(robots)).plan.stages.map((stage) => stage.robots);
    assert.deepEqual([1, 2, 3, 4].map(robotsOf), [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 2, 2, 2],
      [1, 2, 3, 3],
    ]);
    for (const robots of [1, 2, 3, 4]) {
      const { stages, approvalBefore } = planOf(facts(robots)).plan;
      const plan = {
        approvalBefore,
        stages: stages.map(({ robots: n, maximumHours }) => ({ robots: n, maximumHours })),
      };
      assert.deepEqual(parseRolloutPlan(plan).approvalBefore, [0, 1, 2, 3]);
    }
  });

  it('plans an A/B test, also blue-green, and says when the effect is too small to see', () => {
    const { plan } = planOf(facts(100, { kind: 'abTest' }));
    assert.equal(plan.stages[0]?.robots, 20);
    assert.ok((plan.abTest?.looks ?? 0) >= 2 && (plan.abTest?.informationMax ?? 0) > 0);
    assert.equal(planOf(facts(100, { kind: 'abTest', candidateFraction: 0.5 })).plan.stages[0]?.robots, 50);
    const tiny = planOf(facts(100, { kind: 'abTest', effectFraction: 0.0001 }));
    assert.equal(tiny.plan.abTest?.looks, 28);
    assert.match(tiny.remarks.join(), /the test runs its 7 days and sees/);
  });
});

describe('cells', () => {
  const episode = (isSuccess: boolean, latencyMs: number | null) =>
    ({ kind: 'episode', task: 'follow', isSuccess, intervened: !isSuccess, latencyMs }) as const;

  it('keep versions and blocks apart, in whatever order reports come', () => {
    const reports = fc.array(
      fc.record({ block: fc.nat(3), version: fc.constantFrom('1.0.0', '1.1.0'), isSuccess: fc.boolean() }),
    );
    fc.assert(
      fc.property(reports, (list) => {
        const fold = (of: typeof list) => {
          const cells: Cells = {};
          for (const { block, version, isSuccess } of of)
            addReport(cells, { robotId: 'r', version, block }, episode(isSuccess, 2));
          return Object.entries(cells['r'] ?? {})
            .flatMap(([version, own]) =>
              own.map(({ block, successes, episodes }) => [version, block, successes, episodes].join()),
            )
            .toSorted((a, b) => (a < b ? -1 : 1))
            .join(';');
        };
        assert.equal(fold(list), fold(list.toReversed()));
      }),
    );
  });

  it('give episodes without latency an entry of their own, so that latency has one value an episode', () => {
    const cells: Cells = {};
    const at = { robotId: 'r', version: '1.0.0', block: 12 };
    addReport(cells, at, episode(true, Math.E));
    addReport(cells, at, episode(true, null));
    addReport(cells, at, episode(false, null));
    addReport(cells, at, { kind: 'online', minutes: 4 });
    const blocks = blocksOf(cells['r']!['1.0.0']![0]!, 12);
    assert.deepEqual(
      blocks.map(({ block, successes, episodes, latencyLogSum }) => [block, successes, episodes, latencyLogSum]),
      [
        [1, 1, 1, 1],
        [1, 1, 2, undefined],
      ],
    );
    assert.equal(blocks[0]?.onlineMinutes, 4);
  });
});

describe('sequence numbers taken', () => {
  it('are a set in ascending runs, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 80 }), (numbers) => {
        const runs: number[] = [];
        const reference = new Set<number>();
        for (const seq of numbers) {
          assert.equal(takeSeq(runs, seq), !reference.has(seq));
          reference.add(seq);
        }
        assert.deepEqual(
          runs,
          runs.toSorted((a, b) => a - b),
        );
        const inRuns = runs.flatMap((start, at) =>
          at % 2 === 0 ? Array.from({ length: (runs[at + 1] ?? 0) - start }, (_, step) => start + step) : [],
        );
        assert.deepEqual(new Set(inRuns), reference);
        assert.equal(new Set(runs).size, runs.length, 'neighbouring runs are one');
      }),
    );
  });
});

describe('the evidence', () => {
  const { plan } = planOf(facts(40));
  const first = plan.robots[0]!.robotId;
  const online = { contact: 'online', heardAgeMs: 60_000, version: '1.1.0', newestBlock: 9 } as const;
  const input = {
    plan,
    exposures: [{ robots: 5, block: 2 }],
    faultyRobots: [],
    nowBlock: 10,
    cellsOf: (_: string, version: string) =>
      [1, 2, 11].map((block) => ({ block, successes: version === '1.1.0' ? 0 : 1, episodes: 1 })),
    sightingOf: () => online,
    exposedForMs: hourMs,
  };

  it('counts an outcome to the version of its arm, since the own exposure, and none of the future', () => {
    const evidence = robotEvidence(input);
    assert.equal(evidence.filter(({ arm }) => arm === 'candidate').length, 5);
    assert.deepEqual(
      evidence.find(({ robotId }) => robotId === first)?.blocks.map(({ block, successes }) => [block, successes]),
      [[2, 0]],
    );
    assert.deepEqual(
      evidence.at(-1)?.blocks.map(({ block, successes }) => [block, successes]),
      [
        [1, 1],
        [2, 1],
      ],
    );
  });

  it('is the same whoever joins late and whatever they do; only what is unsafe of them is told', () => {
    const of = (more: object) => JSON.stringify(robotEvidence({ ...input, ...more }));
    const late = fc.record({
      robotId: fc.stringMatching(/^late-[a-z0-9]{1,8}$/),
      cells: fc.array(
        fc.record({ block: fc.nat(12), successes: fc.constant(0), episodes: fc.nat(1_000), safetyEvents: fc.nat(2) }),
      ),
      version: fc.constantFrom('1.0.0', '1.1.0'),
    });
    fc.assert(
      fc.property(fc.array(late, { maxLength: 5 }), fc.array(fc.nat(39), { maxLength: 3 }), (joined, faulty) => {
        const faultyRobots = faulty.map((rank) => plan.robots[rank]?.robotId ?? '');
        const cellsOf = (robotId: string, version: string) =>
          robotId.startsWith('late-')
            ? joined.flatMap((robot) => (robot.robotId === robotId && robot.version === version ? robot.cells : []))
            : input.cellsOf(robotId, version);
        assert.equal(of({ cellsOf, faultyRobots }), of({ faultyRobots }));
        const robotIds = [...plan.robots, ...joined].map(({ robotId }) => robotId);
        const unsafe = unsafeLateRobots({
          plan,
          faultyRobots,
          nowBlock: 10,
          cellsOf,
          robotIds: [...new Set(robotIds)],
        });
        const expected = joined.filter(
          ({ version, cells }) =>
            version === '1.1.0' && cells.some(({ block, safetyEvents }) => block <= 10 && safetyEvents > 0),
        );
        assert.deepEqual(unsafe, [...new Set(expected.map(({ robotId }) => robotId))].toSorted());
      }),
    );
  });

  it('leaves faulty robots out of both arms', () => {
    const ids = robotEvidence({ ...input, faultyRobots: [first] }).map(({ robotId }) => robotId);
    assert.equal(ids.length, 39);
    assert.ok(!ids.includes(first));
  });

  it('calls a candidate without the candidate not installed only after the limit, and only online', () => {
    const installed = (sighting: object, exposedForMs = hourMs) =>
      robotEvidence({ ...input, exposedForMs, sightingOf: () => ({ ...online, ...sighting }) })[0]?.installed;
    assert.equal(installed({}), true);
    assert.equal(installed({ version: '1.0.0' }), false);
    assert.equal(installed({ version: '1.0.0' }, 60_000), undefined);
    assert.equal(installed({ version: '1.0.0', contact: 'silent' }), undefined);
  });

  it('takes the age of the last report to fleet time, and unknown contact for no silence', () => {
    const age = (sighting: object, times = plan.times) =>
      robotEvidence({ ...input, plan: { ...plan, times }, sightingOf: () => ({ ...online, ...sighting }) })[0]
        ?.lastReportAgeMs;
    assert.equal(age({}), 60_000);
    assert.equal(age({ heardAgeMs: 10_000 }, fleetProfiles.compressed), 15 * 60_000);
    assert.equal(age({ heardAgeMs: hourMs, contact: 'unknown' }), 0);
    assert.equal(age({ heardAgeMs: undefined }), undefined);
  });

  it('is known up to the newest thing a robot told of, while it is there and not a day behind', () => {
    const known = (sighting: object, nowBlock = 10) =>
      robotEvidence({ ...input, nowBlock, sightingOf: () => ({ ...online, ...sighting }) })[0]?.knownUntilBlock;
    assert.equal(known({}), 9);
    assert.equal(known({ newestBlock: undefined }), 0);
    assert.equal(known({ contact: 'silent' }), undefined);
    assert.equal(known({}, 9 + 288), 9);
    assert.equal(known({}, 9 + 289), undefined);
    assert.equal(robotEvidence({ ...input, width: 4, sightingOf: () => online })[0]?.knownUntilBlock, 2);
    const age = (times = plan.times) => robotEvidence({ ...input, plan: { ...plan, times } })[0]?.backlogAgeMs;
    assert.equal(age(), 5 * 60_000);
    assert.equal(Math.round(age(fleetProfiles.compressed) ?? 0), Math.round((60_000 / 288) * 90));
  });
});

describe('the progress of an A/B test', () => {
  const tick = (verdict: 'continue' | 'rollback' | 'robotFault', atMs = 0): AbEvent => ({
    kind: 'ticked',
    atMs,
    verdict,
    reason: 'because',
    ...(verdict === 'robotFault' ? { suspectRobotId: 'r7' } : {}),
  });
  const look = (decision: 'accept' | 'continue' | 'block', number = 2): AbEvent => ({
    kind: 'looked',
    atMs: 0,
    look: number,
    decision,
    reason: 'seen',
  });
  const exposed: AbEvent = { kind: 'exposed', atMs: 0, exposure: 9 };
  const pause: AbEvent = { kind: 'pauseRequested', atMs: 0, reason: 'lunch' };
  const resume: AbEvent = { kind: 'resumeRequested', atMs: 0 };
  const returned: AbEvent = { kind: 'returned', atMs: 0 };
  const after = (...events: AbEvent[]): AbProgress => events.reduce(abTransition, begunAbTest(0));

  it('ends through returning, whatever ends it', () => {
    const ends: [AbEvent, string][] = [
      [look('accept'), 'accept'],
      [look('block'), 'block'],
      [tick('rollback'), 'harmful'],
      [{ kind: 'abortRequested', atMs: 0, reason: 'stop' }, 'aborted'],
      [{ kind: 'rollbackRequested', atMs: 0, reason: 'stop' }, 'harmful'],
      [{ kind: 'exposureRefused', atMs: 0, reason: 'owned' }, 'aborted'],
    ];
    for (const [event, end] of ends) {
      const state = after(exposed, event);
      assert.deepEqual([state.kind, state.end], ['returning', end]);
      assert.deepEqual([abTransition(state, returned).kind, abTransition(state, returned).end], ['ended', end]);
      assert.equal(abTransition(state, tick('rollback')).end, 'harmful');
    }
    assert.equal(after({ kind: 'exposureRefused', atMs: 0, reason: 'owned' }).end, 'notStarted');
  });

  it('keeps the reason of the first alarm while the arms return', () => {
    const later: AbEvent = { kind: 'ticked', atMs: 0, verdict: 'rollback', reason: 'harm, but nobody runs it' };
    assert.equal(after(exposed, tick('rollback'), later, returned).reason, 'because');
  });

  it('is stopped by the guard also in a pause, in which looks count for nothing and the clock stands', () => {
    assert.equal(after(exposed, pause, tick('rollback')).end, 'harmful');
    assert.equal(after(exposed, pause, look('accept')).kind, 'paused');
    const resumed = after(exposed, pause, tick('continue', 5 * hourMs), resume, tick('continue', 7 * hourMs));
    assert.deepEqual([resumed.kind, resumed.watchedMs], ['watching', 2 * hourMs]);
    const held = after(exposed, tick('continue', hourMs), { ...pause, atMs: hourMs }, tick('continue', 5 * hourMs));
    assert.equal(held.watchedMs, hourMs);
  });

  it('takes a faulty robot off once, and writes the assignment again', () => {
    const state = after(exposed, tick('robotFault'), tick('robotFault'));
    assert.deepEqual([state.faultyRobots, state.wantedExposure, state.writtenExposure], [['r7'], 2, 1]);
    const lapsed = after(exposed, tick('continue', hourMs), { kind: 'leaseLapsed', atMs: 50 * hourMs });
    assert.deepEqual([lapsed.wantedExposure, lapsed.watchedMs], [2, hourMs], 'an outage is no time watched');
    const windowed: AbEvent = { kind: 'ticked', verdict: 'hold', reason: 'test', stopsClock: true, atMs: 50 * hourMs };
    const waiting = after(exposed, tick('continue', hourMs), windowed);
    assert.deepEqual([waiting.kind, waiting.watchedMs], ['watching', hourMs], 'nor is a closed update window');
  });

  it('hears a look once', () => {
    assert.equal(after(exposed, look('continue', 2), look('accept', 2)).kind, 'watching');
    assert.equal(after(exposed, look('continue', 2), look('accept', 3)).end, 'accept');
  });
});

describe('a rollback', () => {
  const history: AliasRecord[] = [
    { baseline: '1.0.0', champion: '1.0.0', anchor: '1.0.0' },
    { champion: '1.1.0', previous: '1.0.0', anchor: '1.1.0' },
    { champion: '1.2.0', previous: '1.1.0' },
  ].map((set, seq) => ({ seq, operationId: `${seq}`, set, atMs: seq, who: 'w', why: 'y' }));
  const aliases = aliasesAt(history);
  const assigned = { defaultVersion: '1.2.0', championVersion: '1.2.0' };
  const given = { target: undefined, aliases, history, openTrialId: undefined, assigned };

  it('goes to the champion before at once, elsewhere only with leave', () => {
    assert.deepEqual(chooseRollback(given), {
      kind: 'assign',
      version: '1.1.0',
      reason: 'back to the champion before, 1.1.0',
    });
    assert.equal(chooseRollback({ ...given, target: 'previous' }).kind, 'assign');
    assert.equal(chooseRollback({ ...given, target: 'baseline' }).kind, 'ask');
    assert.equal(chooseRollback({ ...given, target: '1.0.0' }).kind, 'ask');
  });

  it('goes to the untrained baseline with an approval only, also when it is the champion before', () => {
    const young = {
      ...given,
      history: history.slice(0, 2),
      aliases: { ...aliases, champion: '1.1.0', previous: '1.0.0' },
    };
    const assigned = { defaultVersion: '1.1.0', championVersion: '1.1.0' };
    for (const target of [undefined, 'previous', 'baseline', '1.0.0'])
      assert.equal(chooseRollback({ ...young, assigned, target }).kind, 'ask', target);
  });

  it('takes `champion` during a trial as the one the trial began with, also when the alias has moved on', () => {
    const last = { ...aliases, champion: '1.3.0', previous: '1.2.0' };
    const choice = chooseRollback({ ...given, aliases: last, openTrialId: 't1', target: 'champion' });
    assert.deepEqual([choice.kind, 'version' in choice && choice.version], ['endTrial', '1.2.0']);
  });

  it('ends a trial first, with everyone on the champion it began with', () => {
    const choice = chooseRollback({ ...given, openTrialId: 't1' });
    assert.deepEqual([choice.kind, 'version' in choice && choice.version], ['endTrial', '1.2.0']);
    const last = chooseRollback({
      ...given,
      aliases: { ...aliases, champion: '1.3.0', previous: '1.2.0' },
      openTrialId: 't1',
      assigned: { defaultVersion: '1.3.0', championVersion: '1.2.0' },
    });
    assert.deepEqual([last.kind, 'version' in last && last.version], ['endTrial', '1.2.0']);
  });

  it('does nothing without a place to go to, and says why', () => {
    for (const [more, why] of [
      [{ target: '9.9.9' }, /never champion/],
      [{ target: 'champion' }, /already/],
      [{ aliases: { champion: '1.0.0' } }, /no previous/],
    ] as const) {
      const choice = chooseRollback({ ...given, ...more });
      assert.equal(choice.kind, 'nothing');
      assert.match(choice.reason, why);
    }
  });

  it('puts previous and anchor back as they were with that champion', () => {
    assert.deepEqual(demotionMoves(history, '1.1.0'), { champion: '1.1.0', previous: '1.0.0', anchor: '1.1.0' });
    assert.deepEqual(demotionMoves(history, '1.0.0'), { champion: '1.0.0', anchor: '1.0.0' });
    assert.equal(demotionMoves(history, '3.0.0'), undefined);
  });
});
