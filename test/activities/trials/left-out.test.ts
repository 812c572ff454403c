import assert from 'node:assert/strict';

import { z } from 'zod';

import type { PlannedTrial } from '../../../activities/trials/plan-trial.ts';
import { CellStore } from '../../../activities/trials/cell-store.ts';
import { planReader } from '../../../activities/trials/stored-plan.ts';
import { readEvidence } from '../../../activities/trials/trial-evidence.ts';
import { openFleet, quarantineRobot, releaseRobot, retireRobot, transferRobot } from '../../../fleet/desk/index.ts';
import { readJson } from '../../../store/json-objects.ts';
import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { hourMs, openTrialWorld, policy, startMs, type TrialWorld } from './trial-world.ts';

const dayMs = 24 * hourMs;
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const [one, other] = ['01J00000000000000000000008', '01J00000000000000000000009'];

describe('what is no evidence', function () {
  this.timeout(60_000);
  let world: TrialWorld;
  let plan: PlannedTrial;
  let generation: number;
  let ticks: number;
  let objects: number;

  beforeEach(async () => {
    world = await openTrialWorld(24);
    [generation, ticks, objects] = [-1, 0, 0];
    for (const robotId of world.robotIds)
      await world.live(robotId, '1.0.0', { fromMs: startMs - 3 * dayMs, toMs: startMs, episodes: 300, success: 0.85 });
    const nowMs = world.nowMs;
    const result = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'wall-rollout', nowMs });
    if (result.kind !== 'planned') throw new Error(JSON.stringify(result));
    plan = result;
    world.nowMs += 2 * hourMs;
  });
  afterEach(() => world.close());

  /** Episodes of one life of a robot that begin at these minutes of the trial and fail within a second. */
  async function tell(
    robotId: string,
    bootId: string,
    minutes: readonly number[],
    more: { readonly isTimeUnknown?: true; readonly kind?: 'safetyEvent'; readonly policyVersion?: string } = {},
  ): Promise<void> {
    const { isTimeUnknown, kind, policyVersion = '1.0.0' } = more;
    const outcome = {
      kind: 'episode',
      episodeId: '01J00000000000000000000001',
      task: 'follow',
      durationMs: secondMs,
      outcome: 'failure',
      failureReason: 'collision',
      intervened: false,
      latencyP50Ms: 3,
    };
    const entries = minutes.map((minute, seq) => ({
      seq,
      atMs: startMs + minute * minuteMs + secondMs,
      policyVersion,
      trialId: null,
      ...(kind === undefined ? outcome : { kind, event: 'bump' }),
    }));
    const receivedMs = world.nowMs;
    const line = JSON.stringify({
      robotId,
      bootId,
      receivedMs,
      clockSkewMs: 0,
      entries,
      ...(isTimeUnknown === undefined ? {} : { isTimeUnknown }),
    });
    objects += 1;
    const key = `${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${String(objects).padEnd(64, 'a')}`;
    await world.store.put(key, new TextEncoder().encode(`${line}\n`));
  }

  async function tick(candidates = 4) {
    const treated = new Set((await planned()).slice(0, candidates));
    await world.see((robotId) => (treated.has(robotId) ? '1.1.0' : '1.0.0'));
    const question = { plan: plan.plan, originMs: startMs, nowMs: world.nowMs };
    ({ generation } = await world.call('collectCells', { ...question, generation }));
    const verdict = await world.call('judgeTick', {
      ...question,
      generation,
      tick: ticks++,
      stage: 0,
      hoursInStage: 2,
      hoursTotal: 2,
      exposures: [{ robots: candidates, atMs: startMs }],
      faultyRobots: [],
    });
    const document = await readJson(world.store, verdict.verdictKey, z.looseObject({ leftOut: z.unknown() }));
    return { ...verdict, leftOut: document?.leftOut, episodes: await episodesOf(question, candidates) };
  }

  /** Those that the evidence holds of the candidates. */
  async function episodesOf(
    question: { readonly plan: PlannedTrial['plan']; readonly originMs: number; readonly nowMs: number },
    candidates: number,
  ): Promise<number> {
    const ports = {
      cells: new CellStore(world.store),
      fleet: openFleet({ store: world.store, clock: () => world.nowMs }),
    };
    const exposures = [{ robots: candidates, atMs: startMs }];
    const document = await planReader(world.store)(plan.plan);
    const { robots } = await readEvidence(ports, document, { ...question, generation, exposures, faultyRobots: [] });
    const blocks = robots.flatMap((robot) => (robot.arm === 'candidate' ? robot.blocks : []));
    return blocks.reduce((sum, { episodes }) => sum + episodes, 0);
  }

  /** Robots in the order of the plan: the first ones become candidates. */
  async function planned(): Promise<readonly string[]> {
    const stored = z.looseObject({ robots: z.array(z.looseObject({ robotId: z.string() })) });
    const document = await readJson(world.store, `trials/${plan.plan.trialId}/plan.json`, stored);
    return document?.robots.map(({ robotId }) => robotId) ?? [];
  }
  const candidate = async (): Promise<string> => (await planned())[0] ?? assert.fail('expected a plan with robots');

  it('episodes of the time in which two lives of a robot overlapped, those told before it was known too; the rest counts', async () => {
    const robotId = await candidate();
    const run = { policyVersion: '1.1.0' };
    await tell(robotId, one, [0, 20, 30, 40], run);
    assert.equal((await tick()).episodes, 4);
    await tell(robotId, other, [28, 42, 90, 100], run);
    const { episodes, reason, leftOut } = await tick();
    // Minutes 30 and 40 of the one and 28 of the other lie in the blocks of the overlap, 28 to 40; minute 42 in the last of them.
    assert.equal(episodes, 4);
    assert.match(reason, new RegExp(`4 episodes left out, of times in which ${robotId} lived twice`));
    assert.deepEqual(leftOut, { undatedEpisodes: 0, doubtfulEpisodes: 4, doubtfulRobots: [robotId], goneRobots: [] });
    const again = await tick();
    assert.deepEqual([again.episodes, again.leftOut], [episodes, leftOut]);
  });

  it('episodes of lives one after the other count, however late they are told', async () => {
    const robotId = await candidate();
    await tell(robotId, other, [60, 70], { policyVersion: '1.1.0' });
    await tell(robotId, one, [0, 50], { policyVersion: '1.1.0' });
    const { episodes, leftOut } = await tick();
    assert.equal(episodes, 4);
    assert.deepEqual(leftOut, { undatedEpisodes: 0, doubtfulEpisodes: 0, doubtfulRobots: [], goneRobots: [] });
  });

  it('episodes of which nobody knows the time, in trials and in the past of plans; a safety event counts all the same', async () => {
    const robotId = await candidate();
    const run = { policyVersion: '1.1.0', isTimeUnknown: true } as const;
    await tell(robotId, one, [5, 10, 15], run);
    const { episodes, reason, leftOut } = await tick();
    assert.equal(episodes, 0);
    assert.match(reason, /3 episodes left out, of which nobody knows the time/);
    assert.deepEqual(leftOut, { undatedEpisodes: 3, doubtfulEpisodes: 0, doubtfulRobots: [], goneRobots: [] });
    world.nowMs += minuteMs;
    const nowMs = world.nowMs;
    const next = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'later', nowMs });
    assert.match(next.kind === 'planned' ? next.remarks : '', /3 episodes left out, of which nobody knows the time/);
    await tell(robotId, other, [-9_000_000], { ...run, kind: 'safetyEvent' });
    assert.match((await tick()).reason, /safety/);
  });

  const act = (robotId: string) => ({ robotId, who: 'ada', why: 'its wheel squeaks' });
  const ports = () => ({ store: world.store, clock: () => world.nowMs });

  it('what a robot does after it was quarantined, released or not: what it did until then counts, its silence does not', async () => {
    const robotId = await candidate();
    await tell(robotId, one, [5, 10, 15], { policyVersion: '1.1.0' });
    assert.equal((await tick()).episodes, 3);
    await quarantineRobot(ports(), act(robotId));
    const quarantinedMinute = Math.floor((world.nowMs - startMs) / minuteMs);
    world.nowMs += 3 * hourMs;
    await tell(robotId, other, [quarantinedMinute + 20, quarantinedMinute + 30], { policyVersion: '1.1.0' });
    const after = await tick();
    assert.equal(after.episodes, 3);
    assert.match(
      after.reason,
      new RegExp(
        `${robotId} left the trial, quarantined, retired or moved to another policy: what they did until then counts`,
      ),
    );
    assert.deepEqual((after.leftOut as { leftRobots: unknown }).leftRobots, [robotId]);
    await releaseRobot(ports(), act(robotId));
    world.nowMs += hourMs;
    assert.equal((await tick()).episodes, 3);
    const next = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'later', nowMs: world.nowMs });
    assert.equal(next.kind === 'planned' ? next.robots : 0, 24);
  });

  it('a retired robot is waited for by nobody, keeps what it proved, and is in no plan any more', async () => {
    const robotId = await candidate();
    await tell(robotId, one, [5, 10, 15], { policyVersion: '1.1.0' });
    assert.equal((await tick()).episodes, 3);
    await retireRobot(ports(), act(robotId));
    world.nowMs += hourMs;
    const { verdict, episodes, reason, leftOut } = await tick();
    assert.equal(episodes, 3);
    assert.doesNotMatch(`${verdict} ${reason}`, /rollback|robotFault|candidates silent/);
    assert.deepEqual((leftOut as { goneRobots: unknown }).goneRobots, []);
    const next = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'later', nowMs: world.nowMs });
    assert.equal(next.kind === 'planned' ? next.robots : 0, 23);
  });

  it('a robot that was moved to another policy keeps what it proved, and counts no more in this trial although it comes back', async () => {
    const robotId = await candidate();
    await tell(robotId, one, [5, 10, 15], { policyVersion: '1.1.0' });
    assert.equal((await tick()).episodes, 3);
    const orders = {
      epoch: 1,
      rootVersion: 1,
      sign: (signed: unknown) => ({ signed, signatures: [] }),
      trusts: () => true,
    };
    const robotType = { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) };
    const move = (to: string) => transferRobot({ ...ports(), orders }, { ...act(robotId), to, robotType });
    await move('pickers');
    world.nowMs += hourMs;
    const minute = Math.round((world.nowMs - startMs) / minuteMs) - 10;
    await tell(robotId, other, [minute, minute + 1], { policyVersion: '1.1.0' });
    for (const where of ['away', 'back']) {
      const { verdict, episodes, reason, leftOut } = await tick();
      assert.equal(episodes, 3);
      assert.doesNotMatch(`${verdict} ${reason}`, /rollback|robotFault|candidates silent/);
      assert.deepEqual((leftOut as { leftRobots: unknown }).leftRobots, [robotId]);
      assert.deepEqual((leftOut as { goneRobots: unknown }).goneRobots, []);
      const next = await world.call('planTrial', {
        policy,
        kind: 'rollout',
        trialId: `later-${where}`,
        nowMs: world.nowMs,
      });
      assert.equal(next.kind === 'planned' ? next.robots : 0, where === 'away' ? 23 : 24);
      await move(policy).catch(() => undefined);
      world.nowMs += hourMs;
    }
  });

  it('a stage that most of its candidates left holds: nobody quarantines a candidate into a promotion', async () => {
    const candidates = (await planned()).slice(0, 4);
    for (const robotId of candidates) await tell(robotId, one, [5, 10, 15], { policyVersion: '1.1.0' });
    await tick();
    for (const robotId of candidates.slice(0, 3)) await quarantineRobot(ports(), act(robotId));
    world.nowMs += hourMs;
    const { verdict, reason, episodes } = await tick();
    assert.equal(verdict, 'hold');
    assert.match(reason, /1 of 4 candidates report/);
    assert.equal(episodes, 12);
  });

  it('a safety event of a robot in quarantine counts all the same', async () => {
    const robotId = await candidate();
    await quarantineRobot(ports(), act(robotId));
    world.nowMs += hourMs;
    await tell(robotId, one, [150], { policyVersion: '1.1.0', kind: 'safetyEvent' });
    assert.match((await tick()).reason, new RegExp(`safety event on ${robotId}`));
  });

  it('a stage takes no robot in quarantine along: each keeps what it runs', async () => {
    const order = await planned();
    const [first = '', second = '', third = ''] = order;
    const expose = (seq: number, robots: number, isLastStage = false) =>
      world.call('writeExposure', {
        plan: plan.plan,
        seq,
        robots,
        isLastStage,
        faultyRobots: [],
        operationId: `stage ${seq}`,
        who: 'test',
        why: 'stage',
        atMs: world.nowMs,
      });
    const begin = plan.assignmentSeq + 1;
    const runs = async (robotId: string): Promise<string | undefined> => {
      const { current } = await openFleet(ports()).readAssignments(policy);
      const own = current?.record.overrides.find(({ robotIds }) => robotIds.includes(robotId));
      return own?.version ?? current?.record.defaultVersion;
    };
    await expose(begin, 2);
    world.nowMs += minuteMs;
    await quarantineRobot(ports(), act(first));
    await quarantineRobot(ports(), act(third));
    world.nowMs += minuteMs;
    await expose(begin + 1, 4);
    assert.deepEqual(await Promise.all([first, second, third].map(runs)), ['1.1.0', '1.1.0', '1.0.0']);
    await releaseRobot(ports(), act(third));
    world.nowMs += minuteMs;
    const last = await expose(begin + 2, 22, true);
    assert.deepEqual(await Promise.all([first, second, third, 'nobody-yet'].map(runs)), [
      '1.1.0',
      '1.1.0',
      '1.0.0',
      '1.1.0',
    ]);
    assert.deepEqual(await expose(begin + 2, 22, true), last);
  });

  it('a robot whose tokens were revoked, in whichever arm, as a record of old says it', async () => {
    const robotId = await candidate();
    await tell(robotId, one, [5, 10, 15], { policyVersion: '1.1.0' });
    const before = await tick();
    assert.equal(before.episodes, 3);
    const old = {
      robotId,
      policy,
      robotType: { id: 'scitos-g5', version: 1 },
      site: 'hall',
      stratum: 'hall-0',
      tokenHashes: [],
      isQuarantined: false,
      atMs: world.nowMs,
      who: 'somebody',
      why: 'tokens revoked',
    };
    const key = `${fleetKeys.robotLog(robotId)}/${'1'.padStart(20, '0')}.json`;
    await world.store.put(key, new TextEncoder().encode(JSON.stringify(old)));
    const { episodes, reason, leftOut } = await tick();
    assert.equal(episodes, 0);
    assert.match(reason, new RegExp(`without ${robotId}, registered no more`));
    assert.deepEqual((leftOut as { goneRobots: unknown }).goneRobots, [robotId]);
    const next = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'later', nowMs: world.nowMs });
    if (next.kind !== 'planned') throw new Error(JSON.stringify(next));
    assert.equal(next.robots, 23);
  });
});
