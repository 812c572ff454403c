import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { openFleet, type OpenFleet } from '../../../bench/fleet/open-fleet.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../../fleet/simulator/simulate-fleet.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';

const framesPerEpisode = 12;
const episodesPerRobot = 4;

describe('a simulated fleet', () => {
  let fleet: OpenFleet;
  beforeEach(async () => (fleet = await openFleet(4, tinyPolicy(scitosG5Type, 1))));
  afterEach(() => fleet.close());

  async function simulate(
    scenario: Record<string, unknown>,
    gatewayUrl: string,
    more: Partial<Parameters<typeof simulateFleet>[0]> = {},
  ) {
    return simulateFleet({
      robots: fleet.robots,
      directory: join(fleet.directory, 'robots'),
      scenario: () => parseScenario({ framesPerEpisode, ...scenario }),
      seed: 1,
      episodesPerRobot,
      isRealTime: false,
      runtime: onnxRuntime(),
      drainMs: 15_000,
      agent: {
        gatewayUrl,
        robotType: scitosG5Type,
        root: fleet.rootDocument,
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (url, init) => fetch(url, init),
        log: () => undefined,
        limits: { tickMs: 50, backOff: { firstMs: 20, longestMs: 200 }, requestTimeoutMs: 5_000 },
      },
      ...more,
    });
  }

  const landed = async (): Promise<number> => {
    let segments = 0;
    for await (const { key } of fleet.store.list('landing/')) segments += key.endsWith('.parquet') ? 1 : 0;
    return segments;
  };

  it('gets the champion from the gateway, drives with it and uploads every episode', async () => {
    const { url } = await fleet.startGateway();
    const result = await simulate({}, url);
    assert.equal(result.endedEpisodes, 4 * episodesPerRobot);
    assert.equal(result.successes + result.failures, result.endedEpisodes);
    assert.ok(result.corrections > 0 && result.corrections <= result.frames);
    assert.equal(result.waitingSegments + result.droppedEpisodes + result.lostFrames, 0);
    assert.ok((await landed()) >= 4);
  }).timeout(60_000);

  it('lives through crashes, power cuts, a hang, a broken network and damaged files', async () => {
    const { url } = await fleet.startGateway();
    const result = await simulate(
      {
        quirks: [{ robots: [1], noiseM: 0.2, speedFraction: 0.5 }],
        faults: [
          { kind: 'crashLoop', robots: [0], episode: 1, crashes: 2 },
          { kind: 'powerCut', robots: [1], episode: 2 },
          { kind: 'hang', robots: [2], episode: 1, durationMs: 200 },
          { kind: 'offline', robots: [2], start: 2, end: 3 },
          { kind: 'corruptSegment', robots: [3] },
        ],
      },
      url,
    );
    assert.equal(result.endedEpisodes, 4 * episodesPerRobot - 2);
    assert.equal(result.interruptedEpisodes, 2);
    assert.equal(result.crashes, 3);
    assert.equal(result.powerCuts, 1);
    assert.ok(result.corruptedSegments >= 1);
    assert.equal(result.waitingSegments + result.droppedEpisodes, 0);
  }).timeout(60_000);

  it('rests between episodes, and goes home within seconds when it is told to, everything uploaded', async () => {
    const { url } = await fleet.startGateway();
    const stop = new AbortController();
    let toldMs = 0;
    const result = await simulate({}, url, {
      episodesPerRobot: Number.POSITIVE_INFINITY,
      episodeEveryMs: 3_600_000,
      signal: stop.signal,
      progress: ({ endedEpisodes }) => {
        if (endedEpisodes < 4 || stop.signal.aborted) return;
        toldMs = performance.now();
        stop.abort();
      },
    });
    assert.ok(performance.now() - toldMs < 10_000, `${performance.now() - toldMs} ms`);
    assert.equal(result.endedEpisodes, 4);
    assert.equal(result.waitingSegments + result.waitingTelemetry, 0);
  }).timeout(60_000);

  it('parks a robot, which brings in what it recorded, and lets it go on', async () => {
    const { url } = await fleet.startGateway();
    const parked = fleet.robots[0]?.robotId ?? assert.fail();
    let isParked = true;
    const watching = (async () => {
      while (isParked) {
        await sleep(50);
        for await (const _ of fleet.store.list(`landing/${parked}/`)) isParked = false;
      }
    })();
    const result = await simulate({}, url, {
      scenario: () => {
        const faults = isParked ? [{ kind: 'parked', robots: [0], start: 2 }] : [];
        return parseScenario({ framesPerEpisode, faults });
      },
    });
    await watching;
    assert.equal(result.endedEpisodes, 4 * episodesPerRobot);
    assert.equal(result.waitingSegments + result.waitingTelemetry, 0);
  }).timeout(60_000);

  it('goes offline and comes back when the scenario says so, nothing lost', async () => {
    const { url } = await fleet.startGateway();
    const [stop, calm, trouble] = [
      new AbortController(),
      parseScenario({ framesPerEpisode }),
      parseScenario({ framesPerEpisode, faults: [{ kind: 'offline' }] }),
    ];
    let scenario = calm;
    let offlineFrom = Number.POSITIVE_INFINITY;
    const result = await simulate({}, url, {
      scenario: () => scenario,
      episodesPerRobot: Number.POSITIVE_INFINITY,
      episodeEveryMs: 100,
      signal: stop.signal,
      progress: ({ endedEpisodes }) => {
        if (endedEpisodes >= offlineFrom + 8) scenario = calm;
        else if (endedEpisodes >= 4 && scenario === calm && offlineFrom === Number.POSITIVE_INFINITY)
          [scenario, offlineFrom] = [trouble, endedEpisodes];
        if (endedEpisodes >= offlineFrom + 16) stop.abort();
      },
    });
    assert.ok(result.endedEpisodes >= 20);
    assert.equal(result.waitingSegments + result.waitingTelemetry + result.droppedEpisodes, 0);
  }).timeout(60_000);

  it('uploads the episodes it is called away from, as aborted', async () => {
    const { url } = await fleet.startGateway();
    const stop = new AbortController();
    const result = await simulate({ framesPerEpisode: 5_000 }, url, {
      isRealTime: true,
      signal: stop.signal,
      progress: ({ frames }) => frames >= 4 * 2 && stop.abort(),
    });
    assert.equal(result.interruptedEpisodes, 4);
    assert.equal(result.waitingSegments + result.waitingTelemetry, 0);
    for (const { robotId } of fleet.robots)
      assert.deepEqual(
        (await readdir(join(fleet.directory, 'robots', robotId, 'segments'))).filter((name) =>
          name.endsWith('.parquet'),
        ),
        [],
        `${robotId} keeps what it recorded`,
      );
    assert.ok((await landed()) >= 4);
  }).timeout(60_000);

  it('leaves without a policy when it is told to', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const result = await simulate({}, 'http://127.0.0.1:9', { signal: stop.signal, drainMs: 0 });
    assert.equal(result.endedEpisodes, 0);
  }).timeout(20_000);
});
