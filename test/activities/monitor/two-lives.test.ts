import assert from 'node:assert/strict';

import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { policy } from '../trials/trial-world.ts';
import { minuteMs, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

const [one, other] = ['01J00000000000000000000001', '01J00000000000000000000002'];

describe('two lives of one robot', () => {
  let world: MonitorWorld;
  let objects = 0;
  afterEach(() => world.close());

  /** `online` entries of one life at these minutes of the test. */
  async function tell(bootId: string, minutes: readonly number[], originMs: number): Promise<void> {
    objects += 1;
    const entries = minutes.map((minute) => ({
      kind: 'online',
      seq: minute,
      atMs: originMs + minute * minuteMs,
      policyVersion: '1.0.0',
      trialId: null,
      durationMs: minuteMs,
    }));
    const receivedMs = world.nowMs;
    const line = JSON.stringify({ robotId: 'robot-002', bootId, receivedMs, clockSkewMs: 0, entries });
    const key = `${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${String(objects).padEnd(64, 'a')}`;
    await world.store.put(key, new TextEncoder().encode(`${line}\n`));
  }

  it('at the same time are an incident that names both and when; one after the other, however late told, are none', async () => {
    world = await openMonitorWorld(6);
    const originMs = world.nowMs;
    world.nowMs += 30 * minuteMs;
    await tell(other, [10, 11, 12, 13], originMs);
    await tell(one, [0, 1, 2, 3, 4], originMs);
    assert.equal((await world.look()).openIncidents, 0);
    await tell(one, [11, 12, 13, 14], originMs);
    const { incidents } = await world.look();
    assert.deepEqual(
      incidents.map(({ cause, subject }) => [cause, subject]),
      [['twoLives', 'robot-002']],
    );
    const kept = (await world.look()).openIncidents;
    assert.equal(kept, 1);
    assert.ok(incidents[0]?.reason.includes(one) && incidents[0].reason.includes(other.slice(0, 10)));
  });
});
