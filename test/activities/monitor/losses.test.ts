import assert from 'node:assert/strict';

import { concludeCollection } from '../../../activities/collection/conclude-collection.ts';
import { collectionSummarySchema } from '../../../activities/collection/summary.ts';
import type { Lake } from '../../../activities/lake/lake.ts';
import { readRobotLosses } from '../../../activities/monitor/monitor-state.ts';
import { writeReport } from '../../../activities/report/write-report.ts';
import { jsonBytes, requireJson } from '../../../store/json-objects.ts';
import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { policy } from '../trials/trial-world.ts';
import { dayMs, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

const boots = ['01J00000000000000000000001', '01J00000000000000000000002'];

describe('what robots made and nobody has', () => {
  let world: MonitorWorld;
  let objects: number;
  beforeEach(async () => {
    world = await openMonitorWorld(4);
    objects = 0;
  });
  afterEach(() => world.close());

  async function tell(robotId: string, entries: readonly object[], more: object = {}): Promise<void> {
    const receivedMs = world.nowMs;
    const base = { atMs: receivedMs, policyVersion: '1.0.0', trialId: null };
    const told = entries.map((entry, seq) => ({ ...base, seq: 10 * objects + seq, ...entry }));
    const line = { robotId, bootId: boots[0], receivedMs, clockSkewMs: 0, entries: told, ...more };
    objects += 1;
    const key = `${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${String(objects).padEnd(64, 'a')}`;
    await world.store.put(key, new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  }
  const dropped = (successes: number, others: number) => ({ kind: 'dropped', successes, others });
  const episode = {
    kind: 'episode',
    episodeId: '01J00000000000000000000001',
    task: 'follow',
    durationMs: 60_000,
    outcome: 'failure',
    failureReason: null,
    intervened: false,
    latencyP50Ms: 3,
  };
  async function page(): Promise<string> {
    const ports = { store: world.store, clock: () => world.nowMs, codeBuild: 'test' };
    const { reportKey } = await writeReport(ports)({ cycleId: 'c', policy, cause: 'test' });
    return new TextDecoder().decode(await world.store.get(reportKey));
  }

  it('is in the summary of a collection of its robot type, where a monitor watches', async () => {
    const robotType = { id: 'scitos-g5', version: 1 };
    const manifest = { robotType: 'scitos-g5@1', segments: 0, sizeBytes: 0, frames: 0, segmentsOfOtherTypes: 0 };
    const ports = {
      store: world.store,
      lake: { currentVersion: async () => ({ episodes: 0, frames: 0 }) } as Lake,
      progress: () => undefined,
      attempt: () => 1,
    };
    const lossesOf = async (cycleId: string) => {
      const manifestKey = `collections/${cycleId}/manifest.json`;
      await world.store.put(manifestKey, jsonBytes({ ...manifest, cycleId, batches: [] }));
      const startedFrom = { episodes: 0, frames: 0 };
      const { summaryKey } = await concludeCollection(ports)({ cycleId, manifestKey, robotType, startedFrom });
      return (await requireJson(world.store, summaryKey, collectionSummarySchema, 'it was written')).losses;
    };
    assert.equal(await lossesOf('a'), null);
    for (const [name, id] of [
      [policy, 'scitos-g5'],
      ['arm', 'ur3-cobotops'],
    ] as const)
      await world.store.put(`config/policies/${name}.json`, jsonBytes({ policy: name, robotType: { id, version: 1 } }));
    await world.look();
    assert.deepEqual(await lossesOf('b'), []);
    await tell('robot-001', [dropped(3, 4)]);
    world.nowMs += 1_000;
    for (let looks = 0; looks < 3; looks += 1) await world.look();
    assert.deepEqual(await lossesOf('c'), [{ policy, robotId: 'robot-001', reason: 'episodesDropped', count: 7 }]);
    assert.deepEqual(await lossesOf('b'), [], 'the first summary stays');
  });

  it('is in the report of the cycle by robot and reason, the worst first, for seven fleet days', async () => {
    assert.equal(await readRobotLosses(world.store, policy), undefined);
    assert.match(await page(), /No monitor watches this fleet/);
    await world.look();
    assert.match(await page(), /Nothing that robots told of/);

    await tell('robot-001', [dropped(3, 4), dropped(0, 0)]);
    await tell('robot-002', [dropped(1_200, 34)]);
    await tell('robot-003', [episode, { kind: 'online', durationMs: 1_000 }], {
      isTimeUnknown: true,
      bootId: boots[1],
    });
    world.nowMs += 1_000;
    await world.install('robot-001', 'refused', 'wrongSignature', '1.1.0');
    for (let looks = 0; looks < 3; looks += 1) await world.look();
    assert.deepEqual(await readRobotLosses(world.store, policy), [
      { robotId: 'robot-002', reason: 'episodesDropped', count: 1_234 },
      { robotId: 'robot-001', reason: 'episodesDropped', count: 7 },
      { robotId: 'robot-001', reason: 'installsRefused', count: 1 },
      { robotId: 'robot-003', reason: 'outcomesUndated', count: 1 },
    ]);
    const shown = await page();
    assert.match(shown, /robot-002.*1,234.*robot-001.*robot-003.*whose time nobody knows/s);

    world.nowMs += 6 * dayMs;
    await tell('robot-001', [dropped(1, 0)]);
    await world.look();
    assert.equal((await readRobotLosses(world.store, policy))?.[1]?.count, 8);
    world.nowMs += 2 * dayMs;
    await world.look();
    assert.deepEqual(await readRobotLosses(world.store, policy), [
      { robotId: 'robot-001', reason: 'episodesDropped', count: 1 },
    ]);
  });
});
