import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { fleetWatching } from '../../../activities/judging.ts';
import { newToken, openFleet, openFleetReader, openTelemetryLog, tokenHash } from '../../../fleet/desk/index.ts';
import { splitRobot } from '../../../fleet/desk/robots.ts';
import { wirePaths } from '../../../fleet/protocol/index.ts';
import { heartbeat, openTestFleet, policy, post, telemetry, who, type TestFleet } from '../../support/gateway.ts';

const [one, other] = ['01J00000000000000000000008', '01J00000000000000000000009'];
const minuteMs = 60_000;
const never = (): never => assert.fail('expected a look to start nothing');

describe('two machines with one identity', function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let url: string;
  let token: string;
  let looks: number;

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    token = await fleet.addRobot('r1');
    ({ url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_LOOK_MS: '100' }));
    looks = 0;
  });
  afterEach(() => fleet.close());

  /** A life tells of ten minutes that ended just now. */
  async function tell(robotId: string, its: string, bootId: string, fromSeq = 0): Promise<number> {
    const entries = Array.from({ length: 10 }, (_, index) => ({
      kind: 'online',
      seq: fromSeq + index,
      atMs: Date.now() - (10 - index) * minuteMs,
      policyVersion: '1.0.0',
      trialId: null,
      durationMs: minuteMs,
    }));
    return (await post(url + wirePaths.telemetry(robotId), its, telemetry([], { bootId, entries }))).status;
  }

  async function look(): Promise<readonly string[]> {
    const loop = { cycles: async () => undefined, sight: async () => undefined };
    const { observeFleet } = fleetWatching({
      store: fleet.store,
      fleet: openFleet({ store: fleet.store, clock: Date.now }),
      telemetry: openTelemetryLog(fleet.store),
      loop: { ...loop, turnHolder: never, startCycle: never, startRollback: never },
    });
    looks += 1;
    const { incidents } = await observeFleet({
      policy,
      nowMs: Date.now() + looks,
      dayMs: 86_400_000,
      limits: {},
      automaticRollback: false,
      rolledBack: null,
      drift: null,
      acknowledgements: [],
    });
    return incidents.filter(({ cause }) => cause === 'twoLives').map(({ subject, reason }) => `${subject}: ${reason}`);
  }

  it('are an incident; split, each has a token of its own, what both had opens nothing, and no more is told of them', async () => {
    assert.deepEqual([await tell('r1', token, one), await tell('r1', token, other)], [200, 200]);
    const [told = '', ...more] = await look();
    assert.deepEqual(more, []);
    assert.match(told, new RegExp(`^r1: two lives at once, ${one} and ${other}`));

    const tokens = { r1: newToken('r1', randomBytes), 'r1-b': newToken('r1-b', randomBytes) };
    const hashOf = (id: string): string => tokenHash(tokens[id as keyof typeof tokens]);
    await splitRobot({ store: fleet.store, clock: Date.now }, { robotId: 'r1', newId: 'r1-b', hashOf, ...who });
    const status = async (robotId: string, its: string): Promise<number> =>
      (await post(url + wirePaths.heartbeat(robotId), its, heartbeat())).status;
    while ((await status('r1', token)) !== 401) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([await status('r1', tokens.r1), await status('r1-b', tokens['r1-b'])], [200, 200]);
    assert.equal(await status('r1', tokens['r1-b']), 403);

    assert.deepEqual([await tell('r1', tokens.r1, one, 10), await tell('r1-b', tokens['r1-b'], other, 10)], [200, 200]);
    assert.equal((await look()).filter((incident) => incident.startsWith('r1-b')).length, 0);
    const { robots } = await openFleetReader({ store: fleet.store, clock: Date.now }).readFleet(policy);
    assert.deepEqual(
      robots.map(({ robotId, site, stratum }) => [robotId, site, stratum]),
      [
        ['r1', 'hall', 'hall'],
        ['r1-b', 'hall', 'hall'],
      ],
    );
  });

  it('stay as they are when the other id is taken, or the first is nobody', async () => {
    await fleet.addRobot('r2');
    const split = (robotId: string, newId: string) =>
      splitRobot({ store: fleet.store, clock: Date.now }, { robotId, newId, hashOf: () => '0'.repeat(64), ...who });
    await assert.rejects(split('r1', 'r2'), { type: 'Conflict' });
    await assert.rejects(split('r3', 'r4'), { type: 'NotFound' });
    assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
  });
});
