import assert from 'node:assert/strict';
import { join } from 'node:path';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { openFleetReader, readTelemetry, type StoredEntry } from '../../fleet/desk/index.ts';
import { parseScenario } from '../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../fleet/simulator/simulate-fleet.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { openTestFleet, policy, type TestFleet } from '../support/gateway.ts';
import { until } from './agent/robot.ts';

const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];

describe('a fleet of simulated robots, when something fails', function () {
  this.timeout(120_000);
  let fleet: TestFleet;
  let robots: readonly { readonly robotId: string; readonly token: string }[];
  const leaving = () => new AbortController();

  beforeEach(async () => {
    fleet = await openTestFleet();
    for (const seed of [1, 2]) await fleet.register(tinyPolicy(scitosG5Type, seed));
    robots = await Promise.all(names.map(async (robotId) => ({ robotId, token: await fleet.addRobot(robotId) })));
  });
  afterEach(() => fleet.close());

  const simulate = (gatewayUrl: string, more: Partial<Parameters<typeof simulateFleet>[0]> = {}) =>
    simulateFleet({
      robots,
      directory: join(fleet.directory, 'robots'),
      scenario: () => parseScenario({ framesPerEpisode: 12 }),
      seed: 1,
      episodesPerRobot: Number.POSITIVE_INFINITY,
      isRealTime: true,
      runtime: onnxRuntime(),
      drainMs: 30_000,
      agent: {
        gatewayUrl,
        robotType: scitosG5Type,
        publicKeyPem: fleet.publicKeyPem,
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (url, init) => fetch(url, init),
        log: () => undefined,
        limits: {
          tickMs: 50,
          backOff: { firstMs: 20, longestMs: 300 },
          requestTimeoutMs: 5_000,
          heartbeatEveryMs: 200,
          rotateMs: 500,
        },
      },
      ...more,
    });

  async function entries(): Promise<readonly StoredEntry[]> {
    const found: StoredEntry[] = [];
    for await (const entry of readTelemetry(fleet.store, policy, Date.now() - 3_600_000, Date.now() + 60_000))
      found.push(entry);
    return found;
  }

  const episodesIn = (all: readonly StoredEntry[]) => all.filter(({ entry }) => entry.kind === 'episode');

  /** Whatever the way, a robot's own entries were received in the order in which it numbered them. */
  function checkOrder(all: readonly StoredEntry[]): void {
    for (const { robotId } of robots) {
      const own = all.filter((entry) => entry.robotId === robotId).toSorted((a, b) => a.entry.seq - b.entry.seq);
      for (const [index, { receivedMs }] of own.entries())
        assert.ok(receivedMs >= (own[index - 1]?.receivedMs ?? 0), `${robotId} ${index}`);
    }
  }

  it('comes back from a candidate within seconds of a rollback, in the middle of episodes, which count for no arm', async () => {
    await fleet.desk.renewLease({ policy, trialId: 't1', atMs: Date.now() });
    await fleet.assign(0, {
      overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: names }],
    });
    const { url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_PRESENCE_MS: '200' });
    const stop = leaving();
    const life = simulate(url, { signal: stop.signal, scenario: () => parseScenario({ framesPerEpisode: 5_400 }) });
    const reader = openFleetReader({ store: fleet.store, clock: Date.now });
    const areConfirmed = (seq: number) => async (): Promise<boolean> => {
      const now = await reader.readConfirmations(policy);
      return now?.seq === seq && now.confirmed.length === names.length;
    };
    try {
      await until('all on the candidate', areConfirmed(0), 30_000);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const alarmMs = performance.now();
      await fleet.desk.write({
        policy,
        seq: 1,
        record: {
          kind: 'closeTrial',
          closedTrialId: 't1',
          defaultVersion: '1.0.0',
          championVersion: '1.0.0',
          trialId: null,
          urgency: 'safeStop',
          overrides: [],
          operationId: 'rollback',
          who: 'tester',
          why: 'test',
          atMs: Date.now(),
        },
      });
      // A second or two on a machine that has time for it.
      await until('all back on the champion', areConfirmed(1), 130_000);
      const backMs = performance.now() - alarmMs;
      process.stdout.write(`      back on the champion after ${(backMs / 1_000).toFixed(1)} s\n`);
    } finally {
      stop.abort();
    }
    assert.ok((await life).interruptedEpisodes > 0);
    const stopped = episodesIn(await entries()).filter(
      ({ entry }) => entry.kind === 'episode' && entry.failureReason === 'rollback',
    );
    assert.ok(stopped.length > 0);
    for (const { entry } of stopped)
      assert.ok(entry.kind === 'episode' && entry.outcome === 'aborted' && entry.policyVersion === '1.1.0');
  });

  it('drives on without a gateway, and brings everything in order when there is one again; meanwhile nobody is called silent', async () => {
    const first = await fleet.startGateway({ FLYWHEEL_GATEWAY_PRESENCE_MS: '200' });
    const stop = leaving();
    let ended = 0;
    const life = simulate(first.url, { signal: stop.signal, progress: ({ endedEpisodes }) => (ended = endedEpisodes) });
    try {
      await until('some episodes', () => ended >= names.length, 30_000);
      await first.stop();
      const endedBefore = ended;
      await until('more episodes without a gateway', () => ended >= endedBefore + 2 * names.length, 60_000);
      const later = openFleetReader({ store: fleet.store, clock: () => Date.now() + 20 * 60_000 });
      const view = await later.readFleet(policy);
      assert.equal(view.presence, 'unknown');
      assert.ok(view.robots.every(({ contact }) => contact === 'unknown'));
      await fleet.startGateway({ FLYWHEEL_GATEWAY_PORT: new URL(first.url).port });
    } finally {
      stop.abort();
    }
    const result = await life;
    assert.equal(result.waitingSegments + result.waitingTelemetry + result.droppedEpisodes, 0);
    const all = await entries();
    checkOrder(all);
    assert.equal(episodesIn(all).length, result.endedEpisodes + result.interruptedEpisodes);
  });

  it('loses nothing while the object store does not work', async () => {
    const { store } = fleet;
    let isBroken = false;
    const refuse = (): void => {
      if (isBroken) throw failure('StoreUnavailable', 'the disk is away');
    };
    const flaky: ObjectStore = {
      ...store,
      get: async (key, range) => (refuse(), store.get(key, range)),
      put: async (key, body) => (refuse(), store.put(key, body)),
      putIfAbsent: async (key, body) => (refuse(), store.putIfAbsent(key, body)),
    };
    const { url } = await fleet.startGateway({}, flaky);
    const stop = leaving();
    let ended = 0;
    const life = simulate(url, { signal: stop.signal, progress: ({ endedEpisodes }) => (ended = endedEpisodes) });
    try {
      await until('some episodes', () => ended >= names.length, 30_000);
      isBroken = true;
      const endedBefore = ended;
      await until('more episodes', () => ended >= endedBefore + names.length, 60_000);
      isBroken = false;
    } finally {
      stop.abort();
    }
    const result = await life;
    assert.equal(result.waitingSegments + result.waitingTelemetry + result.droppedEpisodes, 0);
    const all = await entries();
    checkOrder(all);
    assert.equal(episodesIn(all).length, result.endedEpisodes + result.interruptedEpisodes);
  });
});
