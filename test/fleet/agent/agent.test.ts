import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { publish, championOrder } from './fleet-keys.ts';
import { frameAt, recordEpisode, until } from './robot.ts';
import { robotWorld } from './robot-world.ts';

describe('a robot’s agent', () => {
  const world = robotWorld();

  it('installs the ordered version and acts by it', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    world.gateway.setOrder(championOrder(3, champion, champion));
    const robot = await world.open();
    await until('installed', () => robot.policy() !== undefined);
    const decision = await robot.policy()?.decide(frameAt(0).observation);
    assert.ok([0, 1, 2, 3].includes(decision?.action[0] ?? -1));
    await until('reported', () => world.gateway.reports.length > 0);
    assert.deepEqual(
      world.gateway.reports.map(({ outcome, reason, version, assignmentSeq }) => ({
        outcome,
        reason,
        version,
        assignmentSeq,
      })),
      [{ outcome: 'installed', reason: 'ordered', version: '1.0.0', assignmentSeq: 3 }],
    );
    await until('heartbeat', () => world.gateway.heartbeats.at(-1)?.installedVersion === '1.0.0');
  });

  it('uploads what it records and tells every outcome once', async () => {
    const robot = await world.open();
    await recordEpisode(robot);
    await recordEpisode(robot, { outcome: 'failure', corrections: 3 });
    await robot.settle();
    await until('uploaded', () => world.gateway.segments.size === 2 && robot.status().waitingSegments === 0);
    await until('told', () => robot.status().waitingTelemetry === 0);
    const told = [...world.gateway.entries.values()].filter(({ kind }) => kind === 'episode');
    assert.deepEqual(
      told.map((entry) => entry.kind === 'episode' && [entry.outcome, entry.correctedFrames]),
      [
        ['success', 0],
        ['failure', 3],
      ],
    );
    await until('removed', async () => (await readdir(path.join(world.directory, 'segments'))).length === 0);
  });

  for (const status of [400, 413])
    it(`gives a segment up that the gateway will never take, and counts it as dropped: ${status}`, async () => {
      world.gateway.refuse = (name) => (name.includes('/segments/') ? status : undefined);
      const robot = await world.open({ limits: { onlineEveryMs: 200 } });
      await recordEpisode(robot);
      await robot.settle();
      await until('given up', () => robot.status().waitingSegments === 0);
      await until('told', () => [...world.gateway.entries.values()].some(({ kind }) => kind === 'dropped'));
      world.gateway.refuse = () => undefined;
      await recordEpisode(robot, { outcome: 'failure' });
      await robot.settle();
      await until('the next one is taken', () => world.gateway.segments.size === 1);
    });

  it('keeps a segment that the gateway does not take today', async () => {
    let asked = 0;
    world.gateway.refuse = (name) => {
      if (!name.includes('/segments/')) return undefined;
      asked += 1;
      return asked > 4 ? undefined : [401, 404, 429, 503][asked - 1];
    };
    const robot = await world.open({ limits: { backOff: { firstMs: 5, longestMs: 10 } } });
    await recordEpisode(robot);
    await robot.settle();
    await until('taken at last', () => world.gateway.segments.size === 1, 60_000);
    assert.ok(![...world.gateway.entries.values()].some(({ kind }) => kind === 'dropped'));
  });

  it('tells the corrections of an episode in which it died, as it ends it in its next life', async () => {
    world.gateway.refuse = () => 503;
    const first = await world.open();
    const startMs = Date.now() - 5_000;
    const atUs = (index: number): number => (startMs + 110 * index) * 1_000;
    first.beginEpisode();
    for (let index = 0; index < 12; index++) {
      const frame = { ...frameAt(index), atUs: atUs(index) };
      if (index % 3 === 0) first.correct(frame, [1]);
      else first.record(frame);
    }
    await first.crash();
    world.gateway.refuse = () => undefined;
    const next = await world.open();
    await until('told', () => world.gateway.entries.size > 0 && next.status().waitingTelemetry === 0);
    const told = [...world.gateway.entries.values()].flatMap((entry) =>
      entry.kind === 'episode' ? [[entry.outcome, entry.failureReason, entry.correctedFrames, entry.durationMs]] : [],
    );
    // It lasted until the last frame that was written: nobody knows what came after.
    assert.deepEqual(told, [['aborted', 'agentStopped', 4, 11 * 110]]);
  });

  it('says that a recording waits although no gateway has told it the time yet, and uploads it then', async () => {
    world.gateway.refuse = () => 503;
    const robot = await world.open();
    await recordEpisode(robot);
    await robot.settle();
    assert.equal(robot.status().waitingSegments, 1);
    assert.equal(world.gateway.segments.size, 0);
    world.gateway.refuse = () => undefined;
    await until('uploaded', () => robot.status().waitingSegments === 0);
    assert.equal(world.gateway.segments.size, 1);
  });
});
