import assert from 'node:assert/strict';

import { isFailure } from '../../../store/failures.ts';
import type { ObserveFleetResult } from '../../../activities/monitor/observe-fleet.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { openFleet } from '../../../fleet/desk/index.ts';
import { hourMs, policy, startMs } from '../trials/trial-world.ts';
import { dayMs, keysOf, minuteMs, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

describe('observeFleet', function () {
  this.timeout(60_000);
  let world: MonitorWorld;
  afterEach(() => world.close());

  const silentOne = (robotId: string) => robotId !== 'robot-003';

  it('opens one incident for a robot nobody hears, closes it when it is back, and does not flap', async () => {
    world = await openMonitorWorld(6);
    assert.equal((await world.look({ online: silentOne })).openIncidents, 0);
    const opened = await world.look({ online: silentOne });
    assert.deepEqual([opened.silentRobots, opened.openIncidents, opened.changes.opened], [1, 1, 1]);
    const [incident] = opened.incidents;
    assert.deepEqual([incident?.cause, incident?.subject], ['silent', 'robot-003']);
    assert.match(incident?.reason ?? '', /no contact for 120 min/);
    for (let round = 0; round < 3; round += 1) {
      for (let back = 0; back < 4; back += 1) assert.equal((await world.look()).openIncidents, 1);
      await world.look({ online: silentOne });
    }
    for (let back = 0; back < 5; back += 1) await world.look();
    assert.deepEqual(await world.log(), [`opened ${incident?.incidentId}`, `closed ${incident?.incidentId}`]);
  });

  it('holds everything when no gateway says who is online', async () => {
    world = await openMonitorWorld(6);
    await world.look({ online: silentOne });
    await world.look({ online: silentOne });
    world.nowMs += 10 * minuteMs;
    world.isGatewayThere = false;
    const blind: ObserveFleetResult[] = [];
    for (let tick = 0; tick < 8; tick += 1) blind.push(await world.look());
    assert.deepEqual(
      blind.map(({ presence, incidents }) => [presence, incidents.filter(({ cause }) => cause === 'silent').length]),
      blind.map(() => ['unknown', 1]),
    );
  });

  it('answers a look again, and lets a late one change nothing', async () => {
    world = await openMonitorWorld(6);
    await world.look({ online: silentOne });
    const first = await world.look({ online: silentOne });
    const { nowMs } = world;
    world.nowMs -= minuteMs;
    assert.deepEqual(await world.look(), first);
    world.nowMs = nowMs - 5 * minuteMs;
    assert.deepEqual(await world.look(), first);
    assert.equal((await world.log()).length, 1);
  });

  it('writes the log of a look whose worker died between state and log', async () => {
    world = await openMonitorWorld(6);
    await world.look({ online: silentOne });
    world.isLogWritable = false;
    await assert.rejects(world.look({ online: silentOne }));
    world.isLogWritable = true;
    assert.deepEqual(await world.log(), []);
    world.nowMs -= minuteMs;
    const { changes, logEndSeq } = await world.look();
    assert.deepEqual([changes.opened, logEndSeq], [1, 1]);
    assert.equal((await world.log()).length, 1);
  });

  it('acknowledges what is open, once', async () => {
    world = await openMonitorWorld(6);
    await world.look({ online: silentOne });
    const { incidents } = await world.look({ online: silentOne });
    const { incidentId } = incidents[0]!;
    const acknowledgements = [{ incidentId, who: 'ada', reason: 'on my way' }];
    const after = await world.look({ online: silentOne, acknowledgements });
    await world.look({ online: silentOne, acknowledgements });
    assert.equal(after.incidents[0]?.acknowledgedBy, 'ada');
    assert.deepEqual(await world.log(), [`opened ${incidentId}`, `acknowledged ${incidentId}`]);
  });

  it('opens at once for a robot that fell back, a model that was refused and a safety event', async () => {
    world = await openMonitorWorld(6);
    await world.look();
    await world.install('robot-000', 'fellBack', 'crashLoop');
    await world.install('robot-001', 'refused', 'wrongSignature');
    await world.install('robot-002', 'fellBack', 'noContact');
    await world.report('robot-004', [{ seq: 1 }]);
    const key = [...(await keysOf(world, 'telemetry/'))].at(-1)!;
    const text = new TextDecoder().decode(await world.store.get(key));
    const entry = {
      kind: 'safetyEvent',
      seq: 2,
      atMs: world.nowMs,
      policyVersion: '1.0.0',
      trialId: null,
      event: 'hit',
    };
    const line = { ...(JSON.parse(text) as object), entries: [entry] };
    await world.store.put(
      `${key.slice(0, -64)}${'a'.repeat(64)}`,
      new TextEncoder().encode(`${JSON.stringify(line)}\n`),
    );
    const { incidents } = await world.look();
    assert.deepEqual(incidents.map(({ cause, subject }) => `${cause} ${subject}`).toSorted(), [
      'crashLoop robot-000',
      'installRefused robot-001',
      'unsafe robot-004',
    ]);
    await world.install('robot-000', 'installed', 'ordered');
    for (let tick = 0; tick < 5; tick += 1) await world.look();
    assert.ok((await world.log()).some((line) => line.startsWith('closed crashLoop.robot-000')));
  });

  it('has orders signed anew at every look, and tells when that cannot be', async () => {
    world = await openMonitorWorld(6);
    await world.look();
    assert.equal(world.refreshes, 1);
    world.unsigned = 'record 7 of the assignments is not signed';
    await world.look();
    const { incidents } = await world.look();
    assert.deepEqual(
      incidents.map(({ cause, subject, reason }) => [cause, subject, reason]),
      [['ordersUnsigned', 'fleet', 'record 7 of the assignments is not signed']],
    );
    assert.equal(world.refreshes, 3);
    world.unsigned = undefined;
    for (let tick = 0; tick < 5; tick += 1) await world.look();
    assert.ok((await world.log()).some((line) => line.startsWith('closed ordersUnsigned')));
  });

  it('tells at once of a robot that refused an order, and closes it when that is long ago', async () => {
    world = await openMonitorWorld(6);
    await world.install('robot-002', 'refused', 'replayedOrder');
    const { incidents } = await world.look();
    assert.deepEqual(
      incidents.map(({ cause, subject }) => `${cause} ${subject}`),
      ['orderRefused robot-002'],
    );
    world.nowMs += 2 * hourMs;
    for (let tick = 0; tick < 5; tick += 1) await world.look();
    assert.ok((await world.log()).some((line) => line.startsWith('closed orderRefused.robot-002')));
  });

  it('finds the robot that does worse than it used to, while the others do not', async () => {
    world = await openMonitorWorld(12);
    const live = (fromMs: number, toMs: number, successOf: (robotId: string) => number) =>
      Promise.all(
        world.robotIds.map((robotId) =>
          world.live(robotId, '1.0.0', {
            fromMs,
            toMs,
            episodes: Math.round((toMs - fromMs) / hourMs) * 10,
            success: successOf(robotId),
          }),
        ),
      );
    for (let day = 9; day > 1; day -= 1) await live(startMs - day * dayMs, startMs - (day - 1) * dayMs, () => 0.9);
    world.nowMs = startMs;
    await world.look();
    const made = await world.monitor.refreshFleetBaseline({ policy, nowMs: startMs, dayMs });
    assert.deepEqual(made.robots, 12);
    await live(startMs - dayMs, startMs, (robotId) => (robotId === 'robot-005' ? 0.4 : 0.9));
    await world.look();
    const one = await world.look();
    assert.deepEqual(
      one.incidents.filter(({ cause }) => cause === 'anomaly').map(({ subject }) => subject),
      ['robot-005'],
    );
    assert.equal(one.trigger.errorRate, null);
  });

  it('takes in telemetry once, whatever comes twice, and reads only what is new', async () => {
    world = await openMonitorWorld(4);
    const span = (toMs: number) => ({ fromMs: toMs - hourMs, toMs, episodes: 40, success: 0.5 });
    for (const robotId of world.robotIds) await world.live(robotId, '1.0.0', span(startMs));
    const before = await world.look();
    for (const key of await keysOf(world, 'telemetry/')) {
      const bytes = await world.store.get(key);
      await world.store.put(`${key.slice(0, -64)}${key.slice(-1).repeat(64)}`, bytes!);
    }
    const after = await world.look();
    assert.deepEqual(after.failureFraction, before.failureFraction);
    world.reads.length = 0;
    await world.look();
    assert.deepEqual(
      world.reads.filter((key) => key.startsWith('telemetry/')),
      [],
    );
    await world.live('robot-000', '1.0.0', span(world.nowMs));
    world.reads.length = 0;
    const grown = await world.look();
    assert.equal(world.reads.filter((key) => key.startsWith('telemetry/')).length, 1);
    assert.notDeepEqual(grown.failureFraction, after.failureFraction);
  });

  describe('corrections', () => {
    const correctedFrames = async () => (await world.look()).trigger.correctedFrames;

    it('are frames, whichever version and robot they are of; interventions alone are none', async () => {
      world = await openMonitorWorld(4);
      await world.report('robot-000', [
        { seq: 1, correctedFrames: 3 },
        { seq: 2, intervened: true },
      ]);
      await world.report('robot-001', [
        { seq: 1, correctedFrames: 4, policyVersion: '1.1.0', trialId: 'trial-1' },
        { seq: 2, correctedFrames: 5, outcome: 'aborted', failureReason: 'agentStopped', policyVersion: null },
      ]);
      assert.equal(await correctedFrames(), 12);
      assert.equal(await correctedFrames(), 12);
    });

    it('count once though they come twice', async () => {
      world = await openMonitorWorld(4);
      await world.report('robot-000', [{ seq: 1, correctedFrames: 3 }]);
      await world.report('robot-000', [
        { seq: 1, correctedFrames: 3 },
        { seq: 2, correctedFrames: 2 },
      ]);
      assert.equal(await correctedFrames(), 5);
    });

    it('are new when they came after the hour in which the last cycle began, whenever they were made', async () => {
      world = await openMonitorWorld(4);
      const [before, after] = [startMs - 3 * hourMs, startMs - hourMs];
      await world.report('robot-000', [{ seq: 1, atMs: before, correctedFrames: 10 }], before);
      await world.report(
        'robot-001',
        [{ seq: 1, atMs: startMs - 2 * hourMs, correctedFrames: 20 }],
        startMs - 2 * hourMs,
      );
      await world.report('robot-002', [{ seq: 1, atMs: startMs - 9 * hourMs, correctedFrames: 40 }], after);
      assert.equal(await correctedFrames(), 70);
      world.loop.cycles = { running: 1, lastStartedMs: startMs - 2 * hourMs + minuteMs };
      const { trigger } = await world.look();
      assert.deepEqual([trigger.correctedFrames, trigger.runningCycles], [40, 1]);
    });

    it('stay old when the server has forgotten the cycle, or does not answer', async () => {
      world = await openMonitorWorld(4);
      await world.report('robot-000', [{ seq: 1, atMs: startMs - hourMs, correctedFrames: 10 }], startMs - hourMs);
      world.loop.cycles = { running: 0, lastStartedMs: startMs };
      assert.equal(await correctedFrames(), 0);
      world.loop.cycles = { running: 0, lastStartedMs: null };
      assert.equal(await correctedFrames(), 0);
      world.loop.cycles = undefined;
      const { trigger } = await world.look();
      assert.deepEqual([trigger.correctedFrames, trigger.runningCycles], [0, null]);
    });

    it('are counted on from what an earlier build remembered without them', async () => {
      world = await openMonitorWorld(4);
      await world.look();
      const key = (await keysOf(world, 'monitor/')).at(-1)!;
      const kept = JSON.parse(new TextDecoder().decode(await world.store.get(key))) as Record<string, unknown>;
      delete kept['correctedFrames'];
      delete kept['lastCycleStartedMs'];
      await world.store.put(key, new TextEncoder().encode(JSON.stringify({ ...kept, interventions: [[1, 1]] })));
      await world.report('robot-000', [{ seq: 1, correctedFrames: 3 }]);
      assert.equal(await correctedFrames(), 3);
    });
  });

  describe('a promotion that crashes robots', () => {
    const crash = async (count: number) => {
      for (const robotId of world.robotIds.slice(0, count)) await world.install(robotId, 'fellBack', 'crashLoop');
    };
    /** 1.0.0 baseline, 1.0.5 champion before, 1.1.0 champion. */
    const promoted = async () => {
      await world.promote('1.0.5');
      await world.promote('1.1.0');
    };

    it('is taken back for 3 robots and 5 %, not for fewer', async () => {
      world = await openMonitorWorld(60);
      await promoted();
      await crash(2);
      assert.equal((await world.look()).rollback.kind, 'none');
      await crash(3);
      const { rollback } = await world.look();
      assert.deepEqual([rollback.kind, rollback.promotion], ['start', 'to-1.1.0']);
      assert.match(rollback.reason, /on 3 of 60 robots, 0\.0 h after the promotion/);
    });

    it('is taken back once, and never when it was a return itself', async () => {
      world = await openMonitorWorld(20);
      await promoted();
      await crash(5);
      assert.equal((await world.look({ rolledBack: 'to-1.1.0' })).rollback.kind, 'none');
      await moveAliases(
        { store: world.store, clock: () => world.nowMs },
        { policy, operationId: 'back', who: 't', why: 't' },
        () => ({ champion: '1.0.5' }),
      );
      await world.look();
      for (const robotId of world.robotIds.slice(0, 5)) await world.install(robotId, 'fellBack', 'crashLoop', '1.0.5');
      assert.match((await world.look()).rollback.reason, /on 5 of 20 robots.*: rolled back once already/);
    });

    it('is left alone after 72 h', async () => {
      world = await openMonitorWorld(20);
      await promoted();
      world.nowMs += 73 * hourMs;
      await crash(5);
      assert.match((await world.look()).rollback.reason, /longer than 72 h ago/);
    });

    it('asks a person, by an incident, when only the baseline is there or it is switched off', async () => {
      world = await openMonitorWorld(20);
      await world.promote('1.1.0');
      await crash(5);
      const asked = await world.look();
      assert.equal(asked.rollback.kind, 'ask');
      assert.match(asked.rollback.reason, /the baseline needs approval/);
      assert.ok((await world.log()).some((line) => line.startsWith('opened rollbackNeeded.fleet')));
      await world.close();

      world = await openMonitorWorld(20);
      await promoted();
      await crash(5);
      const off = await world.look({ automaticRollback: false });
      assert.match(off.rollback.reason, /automatic rollback is off/);
      assert.equal(off.rollback.kind, 'ask');
    });

    it('is the trial’s while one runs, and so are its robots', async () => {
      world = await openMonitorWorld(20);
      await world.promote('1.0.5');
      const fleet = openFleet({ store: world.store, clock: () => world.nowMs });
      const onTrial = world.robotIds.slice(0, 5);
      const origin = { operationId: 'o', who: 't', why: 't', atMs: world.nowMs };
      await fleet.write({
        policy,
        seq: 0,
        record: {
          kind: 'assign',
          defaultVersion: '1.0.5',
          championVersion: '1.0.5',
          trialId: null,
          urgency: 'whenIdle',
          overrides: [
            {
              version: '1.1.0',
              trialId: 'trial-1',
              urgency: 'whenIdle',
              robotIds: onTrial,
            },
          ],
          ...origin,
        },
      });
      await fleet.renewLease({ policy, trialId: 'trial-1', atMs: world.nowMs, leaseMs: 30 * minuteMs });
      await crash(5);
      const off = (robotId: string) => !onTrial.includes(robotId);
      await world.look({ online: off });
      const seen = await world.look({ online: off });
      assert.deepEqual([seen.robotsOnTrial, seen.openIncidents], [5, 0]);
      assert.equal(seen.rollback.reason, 'a trial runs: its guard decides');
      world.nowMs += hourMs;
      await world.look({ online: off });
      const after = await world.look({ online: off });
      assert.equal(after.robotsOnTrial, 0);
      assert.deepEqual(after.incidents.map(({ cause, subject }) => `${cause} ${subject}`).toSorted(), [
        'crashLoop site hall',
        'silent site hall',
      ]);
    });
  });

  it('looks at 500 robots in bounded time, state and answer', async () => {
    world = await openMonitorWorld(500);
    await world.promote('1.0.5');
    await world.promote('1.1.0');
    for (const robotId of world.robotIds) {
      await world.live(robotId, '1.1.0', { fromMs: startMs - 20 * hourMs, toMs: startMs, episodes: 200, success: 0.7 });
      await world.install(robotId, 'fellBack', 'crashLoop');
    }
    world.nowMs = startMs;
    while ((await world.look({ online: () => false })).isBehind);
    const before = process.cpuUsage();
    const answer = await world.look({ online: () => false });
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1_000;
    assert.deepEqual([answer.robots, answer.silentRobots, answer.openIncidents], [500, 500, 3]);
    const answerBytes = Buffer.byteLength(JSON.stringify(answer));
    assert.ok(answerBytes <= 2_048, `${answerBytes} bytes`);
    const states = await keysOf(world, 'monitor/');
    assert.equal(states.length, 2);
    const stateBytes = (await world.store.get(states.at(-1)!))!.length;
    assert.ok(stateBytes < 600_000, `${stateBytes} bytes`);
    assert.ok(tookMs < 2_000, `${Math.round(tookMs)} ms of processor time`);
  });

  it('refuses limits that make no sense, with the field', async () => {
    world = await openMonitorWorld(1);
    await assert.rejects(
      world.look({ limits: { closeAfterTicks: 0 } }),
      (error) =>
        isFailure(error, 'InvalidInput') &&
        /closeAfterTicks: expected a whole number from 1 to 1000, got 0/.test(error.message),
    );
  });
});
