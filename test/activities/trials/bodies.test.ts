import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { registerModel } from '../../../activities/registry/register-model.ts';
import { planReader } from '../../../activities/trials/stored-plan.ts';
import { leavesOf } from '../../../activities/trials/trial-evidence.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { PlannedTrial } from '../../../activities/trials/plan-trial.ts';
import { addRobot, openFleet, openFleetReader, rebodyRobot } from '../../../fleet/desk/index.ts';
import { notServedText } from '../../../fleet/desk/fleet-view.ts';
import { identityBody, type VersionBody } from '../../../policies/version-bodies.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { approveBody, readServeRecords } from '../../../store/records/served-bodies.ts';
import { hourMs, openTrialWorld, policy, startMs, type TrialWorld } from './trial-world.ts';

const dayMs = 24 * hourMs;
const body1 = { id: 'scitos-g5', version: 1 };
const body2 = { id: 'scitos-g5', version: 2 };
const digest = 'e'.repeat(64);
const who = { who: 't', why: 't' };

function listed(robotType: typeof body1, standing: VersionBody['standing']): VersionBody {
  const body = identityBody(scitosG5Type, { ...robotType, digest }, { standing, heldOutEpisodes: 7 });
  if (body === undefined) throw new Error('expected a body');
  return body;
}

describe('a trial over bodies', function () {
  this.timeout(60_000);
  let world: TrialWorld;
  let registered = 0;

  beforeEach(async () => {
    registered = 0;
    world = await openTrialWorld(24, { versions: 0 });
    for (const robotId of world.robotIds)
      await world.live(robotId, '1.0.0', { fromMs: startMs - 3 * dayMs, toMs: startMs, episodes: 300, success: 0.85 });
  });
  afterEach(() => world.close());

  /** A version with body 1 proven and body 2 as said. */
  async function register(second: VersionBody['standing'] | undefined): Promise<string> {
    const { store, signer } = world;
    const bytes = new TextEncoder().encode(`version ${registered}`);
    const operationId = `r${registered++}`;
    await store.put(`incoming/${operationId}`, bytes);
    const bodies = [listed(body1, 'proven'), ...(second === undefined ? [] : [listed(body2, second)])];
    await store.put(`incoming/${operationId}-bodies`, jsonBytes({ bodies }));
    const ports = { store, signer, clock: () => startMs, codeBuild: 'test' };
    const { version } = await registerModel(ports)({
      policy,
      operationId,
      change: 'minor',
      parents: [],
      training: null,
      gates: [],
      metrics: {},
      robotType: { ...body1, digest },
      sources: { 'model.onnx': `incoming/${operationId}`, 'bodies.json': `incoming/${operationId}-bodies` },
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
    });
    return version;
  }
  const rebody = (robotIds: readonly string[]) =>
    Promise.all(
      robotIds.map((robotId) =>
        rebodyRobot({ store: world.store, clock: () => world.nowMs }, { robotId, robotType: body2, ...who }),
      ),
    );
  const plan = (kind: 'rollout' | 'abTest' = 'rollout', trialId = 'r') =>
    world.call('planTrial', { policy, kind, trialId, nowMs: world.nowMs });
  async function planned(trialId = 'r') {
    const answer = await plan('rollout', trialId);
    if (answer.kind !== 'planned') throw new Error(JSON.stringify(answer));
    const document = await planReader(world.store)(answer.plan);
    return {
      remarks: answer.remarks,
      stages: answer.stages,
      ids: document.robots.map(({ robotId }) => robotId),
      document,
    };
  }

  it('holds robots of both bodies where both versions are proven on both', async () => {
    for (const _ of [1, 2]) await register('proven');
    await rebody(world.robotIds.slice(0, 12));
    const { ids, remarks } = await planned();
    assert.equal(ids.length, 24);
    assert.doesNotMatch(remarks, /left out/);
  });

  it('leaves out, in arms and stages and sizes, robots whose body the candidate is unproven on, and says how many and why', async () => {
    await register('proven');
    await register('unproven');
    const whole = await planned('whole');
    const others = world.robotIds.slice(0, 8);
    await rebody(others);
    const { ids, remarks, stages, document } = await planned();
    assert.deepEqual(ids.toSorted(), world.robotIds.slice(8));
    assert.deepEqual(document.excluded, others);
    assert.ok(
      Math.max(...stages.map((stage) => stage.robots)) < Math.max(...whole.stages.map((stage) => stage.robots)),
    );
    assert.match(remarks, /8 robots are left out: 1\.1\.0 is unproven on scitos-g5@2 \(7 held-out episodes\)/);
  });

  it('takes them in once a person let the candidate have the body', async () => {
    await register('proven');
    await register('unproven');
    await rebody(world.robotIds.slice(0, 8));
    await approveBody({ store: world.store, clock: () => 1 }, { policy, version: '1.1.0', robotType: body2, ...who });
    assert.equal((await planned()).ids.length, 24);
  });

  it('leaves out robots that the champion does not serve: they have nothing to be compared with', async () => {
    await register(undefined);
    await register('proven');
    await rebody(world.robotIds.slice(0, 1));
    const { ids, remarks } = await planned();
    assert.equal(ids.length, 23);
    assert.match(remarks, /1 robot is left out: 1\.0\.0 does not serve scitos-g5@2/);
  });

  it('is impossible, with the reason, where too few are left', async () => {
    await register('proven');
    await register('unproven');
    await rebody(world.robotIds.slice(0, 23));
    const one = await plan('abTest', 'one');
    assert.ok(one.kind === 'impossible', JSON.stringify(one));
    assert.match(one.reason, /23 robots are left out: 1\.1\.0 is unproven on scitos-g5@2/);
    await rebody(world.robotIds.slice(23));
    const none = await plan('rollout', 'none');
    assert.ok(none.kind === 'impossible');
    assert.match(none.reason, /no robot that may take part; 24 robots are left out/);
  });

  describe('of a candidate that is proven on a body which the champion does not serve', () => {
    let others: readonly string[];
    const fleet = () => openFleet({ store: world.store, clock: () => world.nowMs });
    const said = async () =>
      (await readServeRecords(world.store, policy)).map(({ record: { kind, version, robotType, who: by, why } }) => [
        kind,
        version,
        robotType.version,
        by,
        why,
      ]);
    const ordered = async (robotIds: readonly string[]) => {
      const reader = openFleetReader({ store: world.store, clock: () => world.nowMs });
      const of = (await reader.readOrders(policy)) ?? assert.fail();
      return [...new Set(robotIds.map((robotId) => of(robotId)?.version))];
    };

    beforeEach(async () => {
      for (const second of ['proven', 'unproven', 'proven'] as const) await register(second);
      const ports = { store: world.store, clock: () => world.nowMs };
      await moveAliases(ports, { policy, operationId: 'next', ...who }, () => ({ champion: '1.1.0' }));
      others = world.robotIds.slice(0, 8);
      await rebody(others);
    });

    /** The last stage of a rollout on these robots of its order. */
    async function lastStage({ plan, assignmentSeq }: PlannedTrial, robots: number): Promise<number> {
      await world.call('renewLease', { policy, trialId: plan.trialId, atMs: world.nowMs, leaseMs: hourMs });
      const seq = assignmentSeq + 1;
      const exposure = { seq, robots, isLastStage: true, faultyRobots: [], operationId: 'o', atMs: world.nowMs };
      const written = await world.call('writeExposure', { plan, ...exposure, ...who });
      assert.equal(written.kind, 'written', JSON.stringify(written));
      return seq;
    }
    async function rollout(trialId = 'r'): Promise<PlannedTrial> {
      const answer = await plan('rollout', trialId);
      assert.ok(answer.kind === 'planned', JSON.stringify(answer));
      return answer;
    }
    const promote = (seq: number) =>
      world.call('endExposure', {
        policy,
        trialId: 'r',
        version: '1.2.0',
        seq,
        urgency: 'whenIdle',
        operationId: 'end',
        ...who,
        atMs: world.nowMs,
      });

    it('gives it to robots of that body by no promotion: they keep what they run, and everybody says so', async () => {
      const planned = await rollout();
      const remark =
        'no robot of scitos-g5@2 (8 robots) takes part in a stage: a promotion does not give them 1.2.0, `flywheel models serve` does';
      assert.equal(planned.withheld, remark);
      assert.ok(planned.remarks.includes(remark));
      const seq = await lastStage(planned, 14);
      assert.deepEqual(await ordered(others), ['1.0.0']);
      await promote(seq + 1);
      assert.deepEqual(await ordered(others), ['1.0.0']);
      assert.deepEqual(await ordered(world.robotIds.slice(8)), ['1.2.0']);
      assert.deepEqual(await said(), [
        ['withhold', '1.2.0', 2, 't', 'no robot of scitos-g5@2 took part in a stage of trial r'],
      ]);
      const [robot] = (await fleet().readFleet(policy)).robots;
      assert.equal(notServedText(robot?.notServed ?? assert.fail()), 'not served by 1.2.0 (untried), keeps 1.0.0');
      const words = { policy, version: '1.2.0', robotType: body2, who: 'ada', why: 'tried by hand' };
      await approveBody({ store: world.store, clock: () => world.nowMs }, words);
      assert.deepEqual(await ordered(world.robotIds), ['1.2.0']);
    });

    it('gives it to no robot of that body that joins, or gets that body, in the last stage', async () => {
      const planned = await rollout();
      await lastStage(planned, 14);
      const robot = { policy, site: 'hall', stratum: 'hall', tokenHashes: ['0'.repeat(64)], ...who };
      const ports = { store: world.store, clock: () => world.nowMs };
      await addRobot(ports, { robotId: 'late', robotType: body2, ...robot });
      await addRobot(ports, { robotId: 'late-too', robotType: body1, ...robot });
      const treated = (await planReader(world.store)(planned.plan)).robots[0]?.robotId ?? '';
      assert.deepEqual(await ordered([treated, 'late-too']), ['1.2.0']);
      world.nowMs += 1;
      await rebody([treated]);
      assert.deepEqual(await ordered([treated, 'late']), ['1.0.0']);
    });

    it('counts no robot that got that body meanwhile, and withholds nothing again that a person gave since', async () => {
      const planned = await rollout();
      const treated = (await planReader(world.store)(planned.plan)).robots[0]?.robotId ?? '';
      world.nowMs += 1;
      await rebody([treated]);
      const assignmentSeq = await lastStage(planned, 14);
      assert.deepEqual(
        (await said()).map(([kind, version]) => [kind, version]),
        [['withhold', '1.2.0']],
      );
      const words = { policy, version: '1.2.0', robotType: body2, ...who };
      await approveBody({ store: world.store, clock: () => world.nowMs }, words);
      const seq = await lastStage({ ...planned, assignmentSeq }, 15);
      await promote(seq + 1);
      assert.deepEqual(await ordered(others), ['1.2.0']);
      assert.deepEqual(
        (await said()).map(([kind]) => kind),
        ['withhold', 'serve'],
      );
    });

    it('withholds it from no body whose robots took part, because a person let them have the champion', async () => {
      const ports = { store: world.store, clock: () => world.nowMs };
      await approveBody(ports, { policy, version: '1.1.0', robotType: body2, ...who });
      const planned = await rollout();
      assert.equal(planned.withheld, undefined);
      const seq = await lastStage(planned, 22);
      await promote(seq + 1);
      assert.deepEqual(await ordered(world.robotIds), ['1.2.0']);
      assert.deepEqual(
        (await said()).map(([kind, version]) => [kind, version]),
        [['serve', '1.1.0']],
      );
    });
  });

  it('loses a robot that gets another body meanwhile, from that moment on', async () => {
    for (const _ of [1, 2]) await register('proven');
    const { document } = await planned();
    const [robotId = ''] = world.robotIds;
    world.nowMs += hourMs;
    await rebody([robotId]);
    const fleet = openFleet({ store: world.store, clock: () => world.nowMs });
    const left = leavesOf(await fleet.readFleet(policy), document, world.nowMs);
    assert.deepEqual([...left], [[robotId, world.nowMs]]);
    assert.equal(leavesOf(await fleet.readFleet(policy), document, world.nowMs - 1).size, 0);
  });
});
