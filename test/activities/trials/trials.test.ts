import assert from 'node:assert/strict';

import type { PlannedTrial, PlanTrialInput } from '../../../activities/trials/plan-trial.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';
import { readAliases } from '../../../store/records/aliases.ts';
import { openFleet, openFleetReader } from '../../../fleet/desk/index.ts';
import { hourMs, openTrialWorld, policy, startMs, type TrialWorld } from './trial-world.ts';

const dayMs = 24 * hourMs;
const origin = { operationId: 'test', who: 'tester', why: 'a test' };

describe('the activities of a trial', function () {
  this.timeout(60_000);
  let world: TrialWorld;

  beforeEach(async () => {
    world = await openTrialWorld(40);
  });
  afterEach(() => world.close());

  /** Three days of every robot on the champion. */
  async function past(): Promise<void> {
    for (const robotId of world.robotIds)
      await world.live(robotId, '1.0.0', { fromMs: startMs - 3 * dayMs, toMs: startMs, episodes: 300, success: 0.85 });
  }
  const ask = (kind: 'abTest' | 'rollout', more: Partial<PlanTrialInput> = {}) =>
    world.call('planTrial', { policy, kind, trialId: `wall-${kind}`, nowMs: world.nowMs, ...more });
  async function planned(kind: 'abTest' | 'rollout', more: Partial<PlanTrialInput> = {}): Promise<PlannedTrial> {
    const result = await ask(kind, more);
    if (result.kind !== 'planned') throw new Error(JSON.stringify(result));
    return result;
  }
  const expose = (plan: PlannedTrial, seq: number, robots = 8, more: object = {}) =>
    world.call('writeExposure', {
      plan: plan.plan,
      seq,
      robots,
      isLastStage: false,
      faultyRobots: [],
      ...origin,
      atMs: world.nowMs,
      ...more,
    });
  const end = (seq: number, trialId = 'wall-rollout', more: object = {}) =>
    world.call('endExposure', {
      policy,
      trialId,
      version: '1.0.0',
      seq,
      urgency: 'safeStop',
      ...origin,
      atMs: world.nowMs,
      ...more,
    });
  async function versions(): Promise<Record<string, string>> {
    const orders = await openFleetReader({ store: world.store, clock: () => world.nowMs }).readOrders(policy);
    return Object.fromEntries(world.robotIds.map((id) => [id, orders?.(id)?.version ?? 'none']));
  }
  const count = (all: Record<string, string>, version: string): number =>
    Object.values(all).filter((one) => one === version).length;
  const lease = (trialId: string, leaseMs = 30 * 60_000) =>
    world.call('renewLease', { policy, trialId, atMs: world.nowMs, leaseMs });

  describe('plan', () => {
    it('a rollout and an A/B test on the past, once: later telemetry changes no plan that stands', async () => {
      await past();
      const first = await planned('rollout');
      assert.deepEqual(
        first.stages.map(({ robots }) => robots),
        [5, 10, 20, 35],
      );
      assert.deepEqual([first.candidateVersion, first.championVersion, first.assignmentSeq], ['1.1.0', '1.0.0', -1]);
      assert.ok(JSON.stringify(first).length < 2_048);
      world.nowMs += hourMs;
      await world.live('robot-000', '1.0.0', { fromMs: startMs, toMs: world.nowMs, episodes: 50, success: 0 });
      assert.deepEqual((await planned('rollout')).plan, first.plan);
      const test = await planned('abTest', { candidateFraction: 0.5 });
      assert.equal(test.stages[0]?.robots, 20);
      assert.ok((test.abTest?.looks ?? 0) >= 2);
    });

    it('reads an hour that is over once, and its sum from then on', async () => {
      await past();
      world.nowMs += hourMs;
      await planned('rollout');
      const telemetryReads = () => world.reads.filter((key) => key.startsWith('telemetry/')).length;
      const before = telemetryReads();
      assert.ok(before > 0);
      world.nowMs += hourMs;
      await planned('abTest');
      assert.equal(telemetryReads(), before);
    });

    it('say why there is nothing to try', async () => {
      const why = async (more: Partial<PlanTrialInput>) => {
        const result = await ask('rollout', more);
        return result.kind === 'impossible' ? result.reason : result.kind;
      };
      assert.match(await why({ candidateVersion: '1.0.0' }), /1\.0\.0 is the champion already/);
      assert.match(await why({ candidateVersion: '7.0.0' }), /7\.0\.0 of policy wall is not registered/);
      assert.match(await why({ policy: 'nobody' }), /no champion/);
      const result = await ask('abTest');
      assert.match(result.kind === 'impossible' ? result.reason : '', /no episode of the champion/);
    });

    it('leave a fleet alone on which another trial runs, and close one that nobody judges', async () => {
      await past();
      const other = await planned('rollout', { trialId: 'other' });
      await lease('other');
      await expose(other, 0);
      const running = await ask('rollout');
      assert.match(running.kind === 'impossible' ? running.reason : '', /trial other runs/);
      world.nowMs += hourMs;
      assert.deepEqual(await ask('rollout'), { kind: 'abandoned', trialId: 'other' });
      await end(1, 'other');
      assert.equal((await ask('rollout')).kind, 'planned');
    });

    it('refuse wrong input, naming activity and field', async () => {
      await assert.rejects(ask('rollout', { candidateFraction: 2 }), {
        type: 'InvalidInput',
        message: /planTrial: candidateFraction/,
      });
      await assert.rejects(ask('rollout', { rolloutLimits: { gard: {} } }), { message: /rolloutLimits: .*gard/ });
    });
  });

  describe('assign', () => {
    it('the first robots of the order, and in the last stage everybody but the rest of it', async () => {
      await past();
      const plan = await planned('rollout');
      await lease('wall-rollout');
      await expose(plan, 0);
      assert.equal(count(await versions(), '1.1.0'), 8);
      const faulty = Object.entries(await versions()).find(([, version]) => version === '1.1.0')?.[0] ?? '';
      await expose(plan, 1, 8, { faultyRobots: [faulty] });
      assert.equal((await versions())[faulty], '1.0.0');
      await expose(plan, 2, 35, { isLastStage: true, faultyRobots: [faulty] });
      assert.equal(count(await versions(), '1.1.0'), 34);
      world.nowMs += hourMs;
      assert.equal(count(await versions(), '1.0.0'), 40, 'without its lease the champion');
    });

    it('nothing when an exposure wakes after its trial was ended', async () => {
      await past();
      const plan = await planned('rollout');
      await lease('wall-rollout');
      await expose(plan, 0);
      assert.equal((await end(1)).kind, 'written');
      assert.equal(count(await versions(), '1.0.0'), 40);
      const late = [await expose(plan, 1, 20), await expose(plan, 2, 20)];
      assert.deepEqual(
        late.map(({ kind }) => kind),
        ['conflict', 'refused'],
      );
      assert.equal((await lease('wall-rollout')).kind, 'refused');
      assert.equal(count(await versions(), '1.0.0'), 40);
      assert.deepEqual(await world.call('readTrialState', { policy, trialId: 'wall-rollout' }), {
        seq: 1,
        isClosed: true,
      });
    });

    it('the same at the same place again, and another there is a conflict', async () => {
      await past();
      const plan = await planned('rollout');
      assert.deepEqual(await expose(plan, 0), await expose(plan, 0));
      assert.equal((await expose(plan, 0, 9)).kind, 'conflict');
    });

    it('a first stage behind what was ordered while it waited for a person, once, and only for the champion it was planned with', async () => {
      await past();
      const plan = await planned('rollout');
      await lease('wall-rollout');
      const fleet = openFleet({ store: world.store, clock: () => world.nowMs });
      const champion = { kind: 'assign', championVersion: '1.0.0', defaultVersion: '1.0.0', trialId: null } as const;
      const order = (seq: number, more: object = {}) => {
        const origin = { urgency: 'whenIdle', overrides: [], who: 'ada', why: 'a word', atMs: 1 } as const;
        return fleet.write({ policy, seq, record: { ...champion, ...origin, operationId: `ada-${seq}`, ...more } });
      };
      await order(0);
      await order(1);
      const [first, again] = [await expose(plan, 0), await expose(plan, 0)];
      assert.deepEqual(
        [first, again],
        [
          { kind: 'written', seq: 2 },
          { kind: 'written', seq: 2 },
        ],
      );
      assert.equal(count(await versions(), '1.1.0'), 8);
      await order(3);
      assert.equal((await expose(plan, 0)).kind, 'conflict', 'it has begun: what is ordered now is meant for it');
      assert.equal(count(await versions(), '1.0.0'), 40);
    });

    it('no first stage behind another champion', async () => {
      await past();
      const plan = await planned('rollout');
      await lease('wall-rollout');
      await end(0, 'another', { version: '1.1.0', isForced: true });
      const result = await expose(plan, 0);
      assert.match(JSON.stringify(result), /"refused".*the champion is 1\.1\.0 by now/);
    });

    it('nothing over what somebody else assigned meanwhile', async () => {
      await past();
      const plan = await planned('rollout');
      await lease('wall-rollout');
      await expose(plan, 0);
      await end(1, 'wall-rollout', { version: '1.1.0', isForced: true });
      await end(2, 'another');
      assert.equal(count(await versions(), '1.1.0'), 40);
      assert.match(JSON.stringify(await expose(plan, 3)), /closed|champion is 1\.1\.0/);
    });
  });

  describe('collect and judge', () => {
    let plan: PlannedTrial;
    let tick = 0;
    const exposed: string[] = [];
    const question = (generation: number, robots = 8) => ({
      plan: plan.plan,
      generation,
      originMs: startMs,
      nowMs: world.nowMs,
      faultyRobots: [] as string[],
      exposures: [{ robots, atMs: startMs }],
    });
    const collect = (generation = -1) =>
      world.call('collectCells', { plan: plan.plan, generation, originMs: startMs, nowMs: world.nowMs });
    const judge = (generation: number, more: object = {}) => {
      const hours = (world.nowMs - startMs) / hourMs;
      const clock = { stage: 0, hoursInStage: hours, hoursTotal: hours } as const;
      return world.call('judgeTick', { ...question(generation), ...clock, tick: tick++, ...more });
    };

    beforeEach(async () => {
      await past();
      plan = await planned('rollout');
      await lease('wall-rollout');
      await expose(plan, 0);
      const all = await versions();
      exposed.splice(0, exposed.length, ...world.robotIds.filter((id) => all[id] === '1.1.0'));
      tick = 0;
    });

    /** All robots work for some hours, candidates with another success. */
    async function work(hours: number, candidateSuccess: number): Promise<void> {
      const fromMs = world.nowMs;
      world.nowMs += hours * hourMs;
      for (const robotId of world.robotIds) {
        const isExposed = exposed.includes(robotId);
        const success = isExposed ? candidateSuccess : 0.85;
        await world.live(robotId, isExposed ? '1.1.0' : '1.0.0', {
          fromMs,
          toMs: world.nowMs,
          episodes: 40 * hours,
          success,
        });
      }
      await world.see((id) => (exposed.includes(id) ? '1.1.0' : '1.0.0'));
    }

    it('advances an equal candidate once its time has come', async () => {
      await work(2, 0.85);
      const first = await collect();
      assert.equal(first.entries, 40 * 80);
      assert.equal((await judge(first.generation)).verdict, 'continue');
      await work(8, 0.85);
      const second = await collect(first.generation);
      const verdict = await judge(second.generation);
      assert.equal(verdict.verdict, 'advance', verdict.reason);
      assert.deepEqual([verdict.candidates, verdict.robots, verdict.episodes], [8, 8, 8 * 400]);
      assert.ok(JSON.stringify(verdict).length < 2_048);
    });

    it('rolls a harmful one back, and says so again whatever came since', async () => {
      await work(2, 0.5);
      const { generation } = await collect();
      const verdict = await judge(generation);
      assert.equal(verdict.verdict, 'rollback');
      assert.match(
        verdict.reason,
        /^1\.1\.0 was stopped in stage 1 of 4 and not promoted: .*success \d\d(\.\d)? % with 1\.1\.0 and \d\d(\.\d)? % with 1\.0\.0, worse by .*All robots go back to 1\.0\.0 \(/,
      );
      tick = 0;
      await work(3, 1);
      const later = await collect(generation);
      assert.deepEqual(await judge(later.generation), verdict);
    });

    it('compares episodes that began together, and not those that ended together', async () => {
      const minuteMs = 60_000;
      const [everyMs, takesMs] = [15 * minuteMs, { success: 12 * minuteMs, failure: 2 * minuteMs }];
      const random = randomFromSeed('shifts');
      const hours = 12;
      for (const robotId of world.robotIds) {
        const isExposed = exposed.includes(robotId);
        const entries = Array.from({ length: (hours * hourMs) / everyMs }, (_, index) => {
          const outcome = random() < (isExposed ? 0.95 : 0.6) ? ('success' as const) : ('failure' as const);
          return {
            seq: 50_000 + index,
            policyVersion: isExposed ? '1.1.0' : '1.0.0',
            atMs: startMs + index * everyMs + takesMs[outcome],
            durationMs: takesMs[outcome],
            outcome,
            failureReason: outcome === 'success' ? null : 'collision',
          };
        });
        await world.report(robotId, entries, startMs + hours * hourMs);
      }
      world.nowMs += hours * hourMs;
      await world.see((id) => (exposed.includes(id) ? '1.1.0' : '1.0.0'));
      const { generation } = await collect();
      const { delta, episodes } = await judge(generation);
      assert.equal(episodes, (exposed.length * hours * hourMs) / everyMs);
      assert.ok(Math.abs(delta - 0.35) < 0.08, `${delta}`);
    });

    it('holds when no gateway says who is online, and takes a lone unsafe robot back', async () => {
      await work(5, 0.85);
      const { generation } = await collect();
      world.nowMs += 10 * 60_000;
      assert.equal((await judge(generation)).verdict, 'hold');
      await world.see((id) => (exposed.includes(id) ? '1.1.0' : '1.0.0'));
      const event = { kind: 'safetyEvent', seq: 9_000, policyVersion: '1.1.0', event: 'bump' };
      const entry = { ...event, atMs: world.nowMs, trialId: null };
      const line = {
        robotId: exposed[0],
        bootId: '01J00000000000000000000000',
        receivedMs: world.nowMs,
        clockSkewMs: 0,
      };
      await world.store.put(
        'telemetry/wall/2026-06-01/05/ffff',
        new TextEncoder().encode(`${JSON.stringify({ ...line, entries: [entry] })}\n`),
      );
      const next = await collect(generation);
      const verdict = await judge(next.generation);
      assert.deepEqual([verdict.verdict, verdict.reason.includes('safety event')], ['robotFault', true]);
      assert.equal(verdict.suspectRobotId, exposed[0]);
    });

    it('counts once what came twice, to the version that ran it, in its own block, and reads no object again', async () => {
      const [robotId = ''] = exposed;
      world.nowMs = startMs + 2 * hourMs;
      const entries = [
        { seq: 5_000, atMs: startMs + 60_000, policyVersion: '1.1.0' },
        { seq: 5_001, atMs: startMs + 2 * 60_000, policyVersion: '1.0.0' },
        { seq: 5_002, atMs: startMs + 60_000, policyVersion: '1.1.0', outcome: 'aborted', failureReason: 'rollback' },
      ] as const;
      await world.report(robotId, entries);
      await world.report(robotId, entries, world.nowMs + 1);
      const first = await collect();
      world.reads.length = 0;
      const late = { seq: 5_003, atMs: startMs + 61 * 60_000, policyVersion: '1.1.0', outcome: 'failure' } as const;
      await world.report(robotId, [late], world.nowMs + 2);
      const second = await collect(first.generation);
      assert.equal(world.reads.filter((key) => key.startsWith('telemetry/')).length, 1);
      assert.equal(second.entries, first.entries + 1);
      assert.deepEqual(
        await collect(first.generation),
        { ...second, isBehind: true },
        'the same generation again, and a look for what came since',
      );
      const key = [...(await keys(`trials/wall-rollout/cells/parts/`))];
      const cells = await Promise.all(
        key.map(async (one) => JSON.parse(new TextDecoder().decode(await world.store.get(one)))),
      );
      const own = cells.flatMap((part) => (part[robotId]?.['1.1.0'] ?? []) as { block: number; episodes: number }[]);
      assert.deepEqual(
        own.map(({ block, episodes }) => [block, episodes]).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
        [
          [0, 1],
          [12, 1],
        ],
      );
    });

    async function keys(prefix: string): Promise<string[]> {
      const all: string[] = [];
      for await (const { key } of world.store.list(prefix)) all.push(key);
      return all;
    }

    it('refuses a plan that is not the one it was told of', async () => {
      plan = { ...plan, plan: { ...plan.plan, digest: 'a'.repeat(64) } };
      await assert.rejects(collect(), { type: 'CorruptData', message: /digest/ });
    });

    it('decides an A/B test at its looks, each once', async () => {
      await end(1);
      plan = await planned('abTest', { candidateFraction: 0.5 });
      await lease('wall-abTest');
      await expose(plan, 2, 20);
      const all = await versions();
      exposed.splice(0, exposed.length, ...world.robotIds.filter((id) => all[id] === '1.1.0'));
      await work(12, 0.95);
      const { generation } = await collect();
      const look = { ...question(generation, 20), look: 2, hoursTotal: 12 };
      const decision = await world.call('judgeLook', look);
      assert.equal(decision.decision, 'accept', decision.reason);
      assert.deepEqual([decision.candidateRobots, decision.controlRobots], [20, 20]);
      assert.ok(JSON.stringify(decision).length < 2_048);
      assert.deepEqual(await world.call('judgeLook', { ...look, nowMs: world.nowMs + 1 }), decision);
    });
  });

  describe('the champion alias', () => {
    const repair = (more: object = {}) =>
      world.call('repairAliases', { policy, who: 'tester', why: 'a test', ...more });
    const aliases = () => readAliases({ store: world.store })({ policy });

    it('follows the assignment log there and back, with previous and anchor', async () => {
      await past();
      assert.deepEqual(await repair(), { championVersion: '1.0.0', isMoved: false });
      const plan = await planned('rollout');
      await expose(plan, 0, 35, { isLastStage: true, operationId: 'stage-3' });
      assert.deepEqual(await repair({ isBetter: true }), { championVersion: '1.1.0', isMoved: true });
      assert.deepEqual(await aliases(), {
        champion: '1.1.0',
        previous: '1.0.0',
        anchor: '1.1.0',
        baseline: '1.0.0',
      });
      assert.equal((await repair()).isMoved, false);
      await end(1, 'wall-rollout', { operationId: 'back' });
      await repair();
      assert.deepEqual([(await aliases()).champion, (await aliases()).anchor], ['1.0.0', '1.0.0']);
    });

    it('keeps what an equivalent may have lost against the best', async () => {
      await past();
      await expose(await planned('rollout'), 0, 35, { isLastStage: true });
      await repair({ anchorLossFraction: 0.004 });
      assert.equal((await aliases()).anchor, '1.0.0');
      const kept = await world.store.get('registry/wall/anchor-loss/1.1.0.json');
      assert.match(new TextDecoder().decode(kept), /0\.004/);
    });

    it('gives a rollback its place to go', async () => {
      await past();
      await expose(await planned('rollout'), 0);
      const { choice, openTrialId } = await world.call('planRollback', { policy });
      assert.deepEqual([choice.kind, openTrialId], ['endTrial', 'wall-rollout']);
      await end(1);
      assert.equal((await world.call('planRollback', { policy })).choice.kind, 'nothing');
    });
  });

  it('quarantine a robot once, and leave it out of the next plan', async () => {
    await past();
    for (let again = 0; again < 2; again += 1)
      await world.call('quarantineRobot', { robotId: 'robot-003', who: 'tester', why: 'broken' });
    assert.equal((await planned('rollout')).robots, 39);
    const robots: string[] = [];
    for await (const { key } of world.store.list('robots/robot-003/')) robots.push(key);
    assert.equal(robots.length, 2);
  });

  it('keep the first end of a trial', async () => {
    const record = (outcome: string) =>
      world.call('recordTrialEnd', {
        trialId: 't1',
        policy,
        candidateVersion: '1.1.0',
        outcome,
        reason: 'r',
        atMs: 0,
      });
    const { key } = await record('promoted');
    await record('aborted');
    assert.match(new TextDecoder().decode(await world.store.get(key)), /promoted/);
  });
});
