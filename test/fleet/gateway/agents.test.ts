import assert from 'node:assert/strict';

import type { Agent } from '../../../fleet/agent/index.ts';
import { openFleetReader, readTelemetry } from '../../../fleet/desk/index.ts';
import { policy } from '../../support/gateway.ts';
import { recordEpisode, until } from '../agent/robot.ts';
import { gatewayWorld } from './gateway-world.ts';

describe('a gateway and a real agent', () => {
  const world = gatewayWorld(1, 2);
  const open = (gatewayUrl: string): Promise<Agent> =>
    world.open(gatewayUrl, { publicKeyPem: world.fleet.publicKeyPem });

  it('bring a robot onto the candidate while its lease lives, and back when its trial is closed', async function () {
    this.timeout(60_000);
    const reader = openFleetReader({ store: world.fleet.store, clock: Date.now });
    const runs = async (version: string) =>
      (await reader.readFleet(policy)).robots[0]?.lastInstall?.report.version === version;
    const { url } = await world.fleet.startGateway({ FLYWHEEL_GATEWAY_PRESENCE_MS: '200' });
    const robot = await open(url);
    await until('champion', () => runs('1.0.0'), 20_000);

    await world.fleet.desk.renewLease({ policy, trialId: 't1', atMs: Date.now() });
    await world.fleet.assign(0, {
      overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }],
    });
    await until('candidate', () => runs('1.1.0'), 20_000);
    await until('confirmed', async () => (await reader.readConfirmations(policy))?.confirmed[0] === 'r1', 20_000);
    await recordEpisode(robot);

    const closing = {
      kind: 'closeTrial' as const,
      closedTrialId: 't1',
      defaultVersion: '1.0.0',
      championVersion: '1.0.0',
      trialId: null,
      urgency: 'safeStop' as const,
      overrides: [],
      operationId: 'rollback',
      who: 'tester',
      why: 'test',
      atMs: 0,
    };
    await world.fleet.desk.write({ policy, seq: 1, record: closing });
    await until('back', () => runs('1.0.0'), 20_000);
    await until(
      'confirmed again',
      async () => {
        const confirmations = await reader.readConfirmations(policy);
        return confirmations?.seq === 1 && confirmations.confirmed[0] === 'r1';
      },
      20_000,
    );
  });

  it('bring every episode into landing and telemetry, through a gateway that goes and comes back', async function () {
    this.timeout(60_000);
    const first = await world.fleet.startGateway();
    const robot = await open(first.url);
    await recordEpisode(robot);
    await robot.settle();
    await until('uploaded', () => robot.status().waitingSegments === 0, 20_000);
    await first.stop();
    await recordEpisode(robot, { outcome: 'failure', corrections: 3 });
    await robot.settle();
    assert.equal(robot.status().waitingSegments, 1);
    await world.fleet.startGateway({ FLYWHEEL_GATEWAY_PORT: new URL(first.url).port });
    await until('uploaded', () => robot.status().waitingSegments === 0, 20_000);
    await until('told', () => robot.status().waitingTelemetry === 0, 20_000);

    const segments: string[] = [];
    for await (const { key } of world.fleet.store.list('landing/r1/')) segments.push(key);
    assert.equal(segments.length, 2);
    const outcomes: string[] = [];
    let correctedFrames = 0;
    for await (const { entry } of readTelemetry(world.fleet.store, policy, Date.now() - 600_000, Date.now() + 1))
      if (entry.kind === 'episode') {
        outcomes.push(entry.outcome);
        correctedFrames += entry.correctedFrames;
      }
    assert.deepEqual([outcomes.toSorted(), correctedFrames], [['failure', 'success'], 3]);
  });
});
