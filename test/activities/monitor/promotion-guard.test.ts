import assert from 'node:assert/strict';

import { hourMs, policy } from '../trials/trial-world.ts';
import { dayMs, minuteMs, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

describe('observeFleet after a promotion', function () {
  this.timeout(120_000);
  let world: MonitorWorld;
  afterEach(() => world.close());

  const hour = async (version: string, success: number): Promise<void> => {
    const fromMs = world.nowMs;
    world.nowMs += hourMs;
    await world.liveTogether({ fromMs, toMs: world.nowMs }, () => ({ version, episodes: 20, success }));
  };

  /** Two days of the first champion, summed up, then the promotion of the second one. */
  async function promoted(): Promise<void> {
    world = await openMonitorWorld(24);
    for (let hours = 0; hours < 50; hours += 1) await hour('1.0.0', 0.87);
    await world.monitor.refreshFleetBaseline({ policy, nowMs: world.nowMs, dayMs });
    await world.look();
    await world.promote('1.1.0');
    world.nowMs += minuteMs;
  }

  it('takes a promotion back that makes robots succeed less, and says so in figures', async () => {
    await promoted();
    assert.equal((await world.look()).rollback.kind, 'none');
    await hour('1.1.0', 0.6);
    const { rollback } = await world.look();
    assert.equal(rollback.kind, 'ask', 'the baseline is all there is before');
    assert.match(
      rollback.reason,
      /^1\.1\.0 does worse than the champion before it: success −\d\d(\.\d)? points against the robots' own past .* at most 2 points worse are allowed, n \d+ episodes of \d+ robots \(log evidence/,
    );
  });

  it('leaves one alone that succeeds as before', async () => {
    await promoted();
    for (let hours = 0; hours < 6; hours += 1) {
      await hour('1.1.0', 0.87);
      assert.equal((await world.look()).rollback.kind, 'none');
    }
  });

  it('opens an incident when everything fails, keeps it open, and compares with the past from before it', async () => {
    await promoted();
    await hour('1.1.0', 0);
    await world.look();
    const causes = async () => (await world.look()).incidents.map(({ cause }) => cause);
    assert.ok((await causes()).includes('fleetBroken'));
    const before = await world.store.get(`monitor/${policy}/baseline.json`);
    for (let hours = 0; hours < 30; hours += 1) await hour('1.1.0', 0);
    await world.monitor.refreshFleetBaseline({ policy, nowMs: world.nowMs, dayMs });
    assert.deepEqual(await world.store.get(`monitor/${policy}/baseline.json`), before);
    assert.ok((await causes()).includes('fleetBroken'));
    for (let hours = 0; hours < 5; hours += 1) await hour('1.1.0', 0.87);
    for (let look = 0; look < 6; look += 1) await world.look();
    assert.ok(!(await causes()).includes('fleetBroken'));
  });
});
