import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { defaultLimits, type Agent } from '../../fleet/agent/index.ts';
import { heavy } from '../fleet/agent/bad-policies.ts';
import { startFakeGateway, type FakeGateway } from '../fleet/agent/fake-gateway.ts';
import { championOrder, fleetKeys, publish } from '../fleet/agent/fleet-keys.ts';
import { frameAt, openRobot, robotId, temporaryDirectory, token, until } from '../fleet/agent/robot.ts';
import { openSlowLine, type SlowLine } from '../fleet/agent/slow-line.ts';

const robots = 30;
const bytesPerS = 1_000_000 / 8;
const modelBytes = 16_000_000;
const limitMs = 10_000;
/** How long a robot takes to stand still. */
const brakingMs = 300;

describe('a fleet that downloads over lines of 1 Mbit/s', () => {
  it(`is back on what is on its disks within ${limitMs / 1000} s of the order, the last robot too`, async () => {
    const folder = await temporaryDirectory();
    const keys = fleetKeys();
    const model = heavy(modelBytes);
    const fleet: { agent: Agent; gateway: FakeGateway; line: SlowLine }[] = [];
    try {
      const orders = await Promise.all(
        Array.from({ length: robots }, async (_, index) => {
          const gateway = await startFakeGateway(robotId, token);
          const baseline = await publish(gateway, keys, '1.0.0', { seed: 1 });
          const champion = await publish(gateway, keys, '1.1.0', { seed: 2 });
          const candidate = await publish(gateway, keys, '1.2.0', { seed: 3, model });
          gateway.setOrder(championOrder(1, champion, baseline));
          const line = await openSlowLine(gateway.url, bytesPerS);
          const agent = await openRobot({
            gatewayUrl: line.url,
            directory: path.join(folder.directory, String(index)),
            publicKeyPem: keys.publicKeyPem,
            onSafeStop: () => sleep(brakingMs),
            limits: { ...defaultLimits, heartbeatEveryMs: 1_000, longPollMs: 10_000, decideTimeoutMs: 60_000 },
          });
          fleet.push({ agent, gateway, line });
          return { gateway, baseline, candidate };
        }),
      );
      const running = (version: string): number =>
        fleet.filter(({ agent }) => agent.policy()?.version === version).length;
      await until('all run the champion', () => running('1.1.0') === robots, 60_000);
      const hasBaseline = ({ requests }: FakeGateway): boolean =>
        requests.some((request) => request.endsWith('1.0.0/model.onnx'));
      await until('all have the baseline', () => fleet.every(({ gateway }) => hasBaseline(gateway)), 60_000);
      for (const { gateway, baseline, candidate } of orders) gateway.setOrder(championOrder(2, candidate, baseline));
      const before = fleet.map(({ line }) => line.sentBytes());
      const came = (index: number): number => (fleet[index]?.line.sentBytes() ?? 0) - (before[index] ?? 0);
      await until('all download', () => fleet.every((_, index) => came(index) > 2 * bytesPerS), 120_000);
      for (const { agent } of fleet) agent.record(frameAt(0));
      const orderedMs = performance.now();
      for (const { gateway, baseline } of orders)
        gateway.setOrder({ ...championOrder(3, baseline, baseline), urgency: 'safeStop' });
      await until('all are back', () => running('1.0.0') === robots, 2 * limitMs);
      const backMs = performance.now() - orderedMs;
      process.stdout.write(`      the last of ${robots} robots was back after ${Math.round(backMs)} ms\n`);
      assert.ok(backMs <= limitMs, `expected the last robot back within ${limitMs} ms, got ${Math.round(backMs)} ms`);
      assert.ok(
        fleet.every((_, index) => came(index) < modelBytes),
        'expected downloads that were under way',
      );
    } finally {
      await Promise.all(fleet.map(({ agent }) => agent.close()));
      for (const { line } of fleet) line.close();
      await Promise.all(fleet.map(({ gateway }) => gateway.stop()));
      await folder.remove();
    }
  });
});
