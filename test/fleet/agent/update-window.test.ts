import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import { emptyInstallation } from '../../../fleet/agent/versions/installation.ts';
import { isOutside, longestWindowWaitMs, mustWait } from '../../../fleet/agent/versions/update-window.ts';
import { updateWindowIn, type ModelReference } from '../../../fleet/protocol/index.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { candidateOrder, championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { frameAt, openRobot, robotId, temporaryDirectory, token, until } from './robot.ts';

const hour = 3_600_000;

describe('a robot of a site with update windows', () => {
  const keys = fleetKeys();
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  let agent: Agent | undefined;
  let aheadMs = 0;
  let baseline: ModelReference;
  let champion: ModelReference;
  let candidate: ModelReference;

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
    aheadMs = 0;
    baseline = await publish(gateway, keys, '1.0.0', { seed: 1 });
    champion = await publish(gateway, keys, '1.1.0', { seed: 2 });
    candidate = await publish(gateway, keys, '1.2.0', { seed: 3 });
    gateway.leaseRemainingMs = 30 * 60_000;
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await gateway.stop();
    await folder.remove();
  });

  const open = async (options: Partial<AgentOptions> = {}): Promise<Agent> => {
    agent = await openRobot({
      gatewayUrl: gateway.url,
      directory: folder.directory,
      publicKeyPem: keys.publicKeyPem,
      monotonic: () => performance.now() + aheadMs,
      ...options,
    });
    return agent;
  };
  const runs = (version: string): Promise<void> => until(`runs ${version}`, () => agent?.policy()?.version === version);
  /** The version is on the disk, and robot and gateway have spoken several times since. */
  const fetchedAndNotRun = async ({ version, sha256 }: ModelReference): Promise<void> => {
    await until('fetched', async () => (await readdir(path.join(folder.directory, 'models'))).includes(sha256));
    const asked = gateway.heartbeats.length;
    await until('spoken', () => gateway.heartbeats.length > asked + 5);
    assert.notEqual(agent?.policy()?.version, version);
  };

  it('fetches a version outside the window, and follows the order when it opens', async () => {
    gateway.setOrder(championOrder(1, baseline, baseline));
    await open();
    await runs('1.0.0');
    gateway.updateWindow = `${hour}-${2 * hour}`;
    gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    gateway.updateWindow = `0-${hour}`;
    await runs('1.1.0');
  });

  it('opens the window by its own clock, without another word', async () => {
    gateway.setOrder(championOrder(1, baseline, baseline));
    await open();
    await runs('1.0.0');
    gateway.updateWindow = `${hour}-${2 * hour}`;
    gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    gateway.refuse = () => 503;
    await new Promise((resolve) => setTimeout(resolve, 400));
    aheadMs = hour;
    await runs('1.1.0');
  });

  it('waits at the end of an episode too, and over a restart without contact', async () => {
    gateway.setOrder(championOrder(1, baseline, baseline));
    const robot = await open();
    await runs('1.0.0');
    robot.record(frameAt(0));
    gateway.updateWindow = `${hour}-${2 * hour}`;
    gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    await robot.endEpisode('success');
    assert.equal(robot.policy()?.version, '1.0.0');
    await robot.close();
    gateway.refuse = () => 503;
    await open();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(agent?.policy()?.version, '1.0.0');
    gateway.refuse = () => undefined;
    gateway.updateWindow = undefined;
    await runs('1.1.0');
  });

  it('never waits with what cannot wait', async () => {
    gateway.updateWindow = `${hour}-${2 * hour}`;
    // Nothing runs yet: the first version, be it a candidate.
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await open();
    await runs('1.2.0');
    // Back to the champion, without haste.
    gateway.setOrder(championOrder(2, champion, baseline));
    await runs('1.1.0');
    gateway.setOrder(candidateOrder(3, candidate, champion, baseline));
    await fetchedAndNotRun(candidate);
    // A safe stop, in the middle of an episode.
    agent?.record(frameAt(0));
    gateway.setOrder({ ...championOrder(4, baseline, baseline), urgency: 'safeStop' });
    await runs('1.0.0');
  });

  it('goes back when the lease ends, whatever the window', async () => {
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await open();
    await runs('1.2.0');
    gateway.updateWindow = `${30 * hour}-${31 * hour}`;
    await new Promise((resolve) => setTimeout(resolve, 400));
    gateway.refuse = () => 503;
    await new Promise((resolve) => setTimeout(resolve, 400));
    aheadMs = 31 * 60_000;
    await runs('1.1.0');
  });
});

describe('the window that a gateway tells', () => {
  const now = { machineBootId: 'boot-1', monotonicMs: 1_000_000 };
  const at = (byMs: number, machineBootId = 'boot-1') => ({ machineBootId, monotonicMs: now.monotonicMs + byMs });

  it('is none where the header is none', () => {
    assert.deepEqual(updateWindowIn('0-60'), { opensInMs: 0, closesInMs: 60 });
    assert.deepEqual(updateWindowIn('5-'), { opensInMs: 5, closesInMs: null });
    for (const wrong of [null, '', '5', '-5', '9-8', '5-5', '1e3-2e3', '1-2-3', ' 1-2', '9'.repeat(13) + '-'])
      assert.equal(updateWindowIn(wrong), undefined, String(wrong));
  });

  it('is closed before it opens, after it closed, and in another boot of the machine', () => {
    const outside = (opens: ReturnType<typeof at>, closes: ReturnType<typeof at> | null) =>
      isOutside({ updateWindow: { opens, closes } }, now);
    assert.equal(isOutside({ updateWindow: null }, now), false);
    assert.equal(outside(at(1), at(2)), true);
    assert.equal(outside(at(0), at(1)), false);
    assert.equal(outside(at(0), null), false);
    assert.equal(outside(at(-2), at(0)), true);
    assert.equal(outside(at(-2, 'boot-0'), at(9, 'boot-0')), true);
  });

  it('holds an order back for 28 days and no longer: it is not signed', () => {
    const choice = { reason: 'ordered', urgency: 'whenIdle', isLeased: false, orderSeq: 7 } as const;
    const waits = (seq: number, forMs: number) =>
      mustWait(
        choice,
        {
          ...emptyInstallation,
          updateWindow: { opens: at(1), closes: at(2) },
          windowWait: { seq, forMs, at: at(-1_000) },
        },
        { isActing: true, now },
      );
    assert.equal(waits(7, longestWindowWaitMs - 1_001), true);
    assert.equal(waits(7, longestWindowWaitMs - 1_000), false);
    assert.equal(waits(6, longestWindowWaitMs), true, 'the wait of another order');
  });
});
