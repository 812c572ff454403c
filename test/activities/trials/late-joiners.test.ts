import assert from 'node:assert/strict';

import { addRobot, openFleetReader } from '../../../fleet/desk/index.ts';
import { hourMs, openPlannedRollout, policy, startMs, type TrialWorld } from './trial-world.ts';

const late = 'robot-late';
const trialId = 'wall-rollout';
const origin = { operationId: 'test', who: 'tester', why: 'a test' };

describe('a robot that joins while a rollout runs', function () {
  this.timeout(120_000);
  let world: TrialWorld;
  let plan: { trialId: string; digest: string };

  beforeEach(async () => {
    ({ world, plan } = await openPlannedRollout(trialId));
    await expose(0, 5);
    const robotType = { id: 'scitos-g5', version: 1 };
    const { store } = world;
    const robot = {
      robotId: late,
      policy,
      robotType,
      site: 'hall',
      stratum: 'hall-0',
      tokenHashes: ['0'.repeat(64)],
      who: 't',
      why: 't',
    };
    await addRobot({ store, clock: () => world.nowMs }, robot);
  });
  afterEach(() => world.close());

  const expose = (seq: number, robots: number, isLastStage = false, faultyRobots: readonly string[] = []) =>
    world.call('writeExposure', {
      plan,
      seq,
      robots,
      isLastStage,
      faultyRobots: [...faultyRobots],
      ...origin,
      atMs: world.nowMs,
    });
  const end = (seq: number, version: string) =>
    world.call('endExposure', { policy, trialId, version, seq, urgency: 'whenIdle', ...origin, atMs: world.nowMs });
  const orders = () => openFleetReader({ store: world.store, clock: () => world.nowMs }).readOrders(policy);
  const versionOf = async (robotId: string): Promise<string | undefined> => (await orders())?.(robotId)?.version;

  /** Everybody works ten hours, the late one as told; the candidates are as good as the champion. */
  async function work(lateOne?: { version: string; episodes: number; success: number }): Promise<void> {
    const fromMs = world.nowMs;
    world.nowMs += 10 * hourMs;
    const order = await orders();
    const of = (id: string): string => order?.(id)?.version ?? 'none';
    await world.liveTogether({ fromMs, toMs: world.nowMs }, (id) => ({
      version: of(id),
      episodes: 400,
      success: 0.85,
    }));
    if (lateOne !== undefined) await world.live(late, lateOne.version, { ...lateOne, fromMs, toMs: world.nowMs });
    await world.see(of);
  }
  async function judge(stage: 0 | 3, robots: number, tick = 0) {
    const asked = { plan, originMs: startMs, nowMs: world.nowMs };
    let generation = -1;
    for (let isBehind = true; isBehind;)
      ({ generation, isBehind } = await world.call('collectCells', { ...asked, generation }));
    const exposures = [{ robots, atMs: startMs }];
    const clock = { stage, hoursInStage: 10, hoursTotal: 10 };
    return world.call('judgeTick', { ...asked, generation, exposures, faultyRobots: [], ...clock, tick });
  }
  const unsafe = (robotId: string) =>
    world.store.put(
      `telemetry/wall/2026-06-01/10/${robotId}`,
      new TextEncoder().encode(
        `${JSON.stringify({
          robotId,
          bootId: '01J00000000000000000000000',
          receivedMs: world.nowMs,
          clockSkewMs: 0,
          entries: [
            {
              kind: 'safetyEvent',
              seq: 9_000,
              policyVersion: '1.1.0',
              event: 'bump',
              atMs: world.nowMs,
              trialId: null,
            },
          ],
        })}\n`,
      ),
    );

  it('gets the champion until the last stage, then what everybody but the holdback runs, and afterwards the new champion', async () => {
    assert.equal(await versionOf(late), '1.0.0');
    await expose(1, 20);
    assert.equal(await versionOf(late), '1.0.0');
    await expose(2, 35, true);
    assert.equal(await versionOf(late), '1.1.0');
    await expose(3, 35, true, [late]);
    assert.equal(await versionOf(late), '1.0.0', 'taken off as any other');
    await end(4, '1.1.0');
    assert.equal(await versionOf(late), '1.1.0');
  });

  it('goes back with all others when the rollout does', async () => {
    await expose(1, 35, true);
    await end(2, '1.0.0');
    assert.equal(await versionOf(late), '1.0.0');
  });

  it('counts nowhere in the pinned plan, and keeps no stage waiting, whatever it does', async () => {
    await work({ version: '1.0.0', episodes: 4_000, success: 0 });
    const verdict = await judge(0, 5);
    assert.equal(verdict.verdict, 'advance', verdict.reason);
    assert.deepEqual([verdict.candidates, verdict.robots, verdict.episodes], [5, 5, 5 * 400]);
  });

  it('is heard when it is unsafe on the candidate: it goes back alone, and with a second one everybody', async () => {
    await expose(1, 35, true);
    await work({ version: '1.1.0', episodes: 400, success: 0.85 });
    await unsafe(late);
    const first = await judge(3, 35);
    assert.deepEqual([first.verdict, first.suspectRobotId], ['robotFault', late], first.reason);
    const order = await orders();
    await unsafe(world.robotIds.find((id) => order?.(id)?.version === '1.1.0') ?? '');
    assert.equal((await judge(3, 35, 1)).verdict, 'rollback');
  });
});
