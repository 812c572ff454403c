import assert from 'node:assert/strict';

import { readRobotPage } from '../../../activities/robot-page.ts';
import { openFleetReader } from '../../../fleet/desk/fleet-reader.ts';
import { additionsIn, gatewayKnows, knownAdditions, wireHeaders, wirePaths } from '../../../fleet/protocol/index.ts';
import { bootId, heartbeat, openTestFleet, post, type TestFleet } from '../../support/gateway.ts';

const episode = (seq: number, atMs: number, more: Record<string, unknown>) => ({
  kind: 'episode',
  seq,
  atMs,
  policyVersion: '1.0.0',
  trialId: null,
  episodeId: bootId,
  task: 'wall-following',
  durationMs: 1_000,
  outcome: 'success',
  failureReason: null,
  intervened: false,
  correctedFrames: 0,
  latencyP50Ms: 12,
  ...more,
});
const parts = { decodingP50Ms: 8, policyP50Ms: 4 };
const images = { waitingBytes: 3_000_000, waitingClips: 2, lost: 4 };

describe('latencies and images that robots tell a gateway', () => {
  let fleet: TestFleet;
  before(async () => (fleet = await openTestFleet()));
  after(() => fleet.close());

  const page = async (robotId: string) => {
    const ports = { store: fleet.store, clock: Date.now };
    return readRobotPage({ ...ports, fleet: openFleetReader(ports) }, robotId);
  };

  it('are shown with the robot and in the metrics; robots of before tell none, and are shown without', async () => {
    const gateway = await fleet.startGateway();
    const [now, before] = [await fleet.addRobot('r1'), await fleet.addRobot('r2')];
    const beat = await post(gateway.url + wirePaths.heartbeat('r1'), now, heartbeat({ images }));
    assert.equal(beat.status, 200);
    assert.deepEqual([...additionsIn(beat.headers.get(wireHeaders.knows))], [...knownAdditions]);
    assert.equal((await post(gateway.url + wirePaths.heartbeat('r2'), before, heartbeat())).status, 200);
    const batch = (more: Record<string, unknown>) => ({
      bootId,
      clockSkewMs: 0,
      entries: [episode(0, Date.now(), { latencyP50Ms: 99 }), episode(1, Date.now(), more)],
    });
    for (const [id, token, more] of [
      ['r1', now, { latencyParts: parts }],
      ['r2', before, {}],
    ] as const) {
      const response = await post(gateway.url + wirePaths.telemetry(id), token, batch(more));
      assert.deepEqual(
        [response.status, ((await response.json()) as { storedEntries: number }).storedEntries],
        [200, 2],
      );
    }
    const metrics = await (await fetch(`${gateway.operationsUrl}/metrics`)).text();
    const count = (part: string) =>
      Number(new RegExp(`episode_latency_seconds_count\\{part="${part}"\\} (\\d+)`).exec(metrics)?.[1]);
    assert.deepEqual(['decision', 'decoding', 'policy'].map(count), [4, 1, 1]);
    await gateway.stop();
    const shown = await page('r1');
    assert.deepEqual({ ...shown.latency, heardMs: 0 }, { heardMs: 0, version: '1.0.0', p50Ms: 12, parts });
    assert.deepEqual(shown.now?.images, images);
    const plain = await page('r2');
    assert.deepEqual([plain.latency?.p50Ms, plain.latency?.parts, plain.now?.images], [12, null, undefined]);
  });

  it('are bounded: what is no latency or count is refused, an announcement may say anything', async () => {
    const gateway = await fleet.startGateway();
    const token = await fleet.addRobot('r3');
    const entries = [
      { decodingP50Ms: -1, policyP50Ms: 1 },
      { decodingP50Ms: 1 },
      { ...parts, more: 1 },
      { ...parts, policyP50Ms: 1e9 },
    ].map((latencyParts, seq) => episode(seq, Date.now(), { latencyParts }));
    const response = await post(gateway.url + wirePaths.telemetry('r3'), token, { bootId, clockSkewMs: 0, entries });
    assert.equal(response.headers.get(wireHeaders.refusedEntries), '4');
    for (const bad of [{ ...images, lost: -1 }, { ...images, lost: 0.5 }, { lost: 1 }, { ...images, more: 1 }]) {
      const refused = await post(gateway.url + wirePaths.heartbeat('r3'), token, heartbeat({ images: bad }));
      assert.equal(refused.status, 400);
    }
    await gateway.stop();
    assert.deepEqual([...additionsIn(null)], []);
    assert.deepEqual([...additionsIn(`__proto__,${gatewayKnows},imageCounts`)], [...knownAdditions]);
    assert.deepEqual([...additionsIn(`${'x'.repeat(1e5)},imageCounts`)], []);
  });
});
