import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { emptyInstallation } from '../../../fleet/agent/versions/installation.ts';
import { isOutside, longestWindowWaitMs, mustWait } from '../../../fleet/agent/versions/update-window.ts';
import { updateWindowIn, type ModelReference } from '../../../fleet/protocol/index.ts';
import { candidateOrder, championOrder, publish } from './fleet-keys.ts';
import { frameAt, until } from './robot.ts';
import { robotWorld } from './robot-world.ts';

const hour = 3_600_000;

describe('a robot of a site with update windows', () => {
  const world = robotWorld();
  let baseline: ModelReference;
  let champion: ModelReference;
  let candidate: ModelReference;

  beforeEach(async () => {
    const { gateway, keys } = world;
    baseline = await publish(gateway, keys, '1.0.0', { seed: 1 });
    champion = await publish(gateway, keys, '1.1.0', { seed: 2 });
    candidate = await publish(gateway, keys, '1.2.0', { seed: 3 });
    gateway.leaseRemainingMs = 30 * 60_000;
  });

  /** The version is on the disk, and robot and gateway have spoken several times since. */
  const fetchedAndNotRun = async ({ version, sha256 }: ModelReference): Promise<void> => {
    await until('fetched', async () => (await readdir(path.join(world.directory, 'models'))).includes(sha256));
    const asked = world.gateway.heartbeats.length;
    await until('spoken', () => world.gateway.heartbeats.length > asked + 5);
    assert.notEqual(world.agent?.policy()?.version, version);
  };

  it('fetches a version outside the window, and follows the order when it opens', async () => {
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.updateWindow = `${hour}-${2 * hour}`;
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    world.gateway.updateWindow = `0-${hour}`;
    await world.runs('1.1.0');
  });

  it('opens the window by its own clock, without another word', async () => {
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.updateWindow = `${hour}-${2 * hour}`;
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    world.gateway.refuse = () => 503;
    await new Promise((resolve) => setTimeout(resolve, 400));
    world.aheadMs = hour;
    await world.runs('1.1.0');
  });

  it('waits at the end of an episode too, and over a restart without contact', async () => {
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    const robot = await world.open();
    await world.runs('1.0.0');
    robot.record(frameAt(0));
    world.gateway.updateWindow = `${hour}-${2 * hour}`;
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await fetchedAndNotRun(champion);
    await robot.endEpisode('success');
    assert.equal(robot.policy()?.version, '1.0.0');
    await robot.close();
    world.gateway.refuse = () => 503;
    await world.open();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(world.agent?.policy()?.version, '1.0.0');
    world.gateway.refuse = () => undefined;
    world.gateway.updateWindow = undefined;
    await world.runs('1.1.0');
  });

  it('never waits with what cannot wait', async () => {
    world.gateway.updateWindow = `${hour}-${2 * hour}`;
    // Nothing runs yet: the first version, be it a candidate.
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await world.open();
    await world.runs('1.2.0');
    // Back to the champion, without haste.
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await world.runs('1.1.0');
    world.gateway.setOrder(candidateOrder(3, candidate, champion, baseline));
    await fetchedAndNotRun(candidate);
    // A safe stop, in the middle of an episode.
    world.agent?.record(frameAt(0));
    world.gateway.setOrder({ ...championOrder(4, baseline, baseline), urgency: 'safeStop' });
    await world.runs('1.0.0');
  });

  it('goes back when the lease ends, whatever the window', async () => {
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await world.open();
    await world.runs('1.2.0');
    world.gateway.updateWindow = `${30 * hour}-${31 * hour}`;
    await new Promise((resolve) => setTimeout(resolve, 400));
    world.gateway.refuse = () => 503;
    await new Promise((resolve) => setTimeout(resolve, 400));
    world.aheadMs = 31 * 60_000;
    await world.runs('1.1.0');
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
