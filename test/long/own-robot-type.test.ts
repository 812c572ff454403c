import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import pino from 'pino';

import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import type { CycleReport } from '../../activities/report/cycle-report.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { checkRobotTypeFile } from '../../cli/robot-type-file.ts';
import { addRobot, newToken, tokenHash } from '../../fleet/desk/index.ts';
import type { Agent } from '../../fleet/agent/index.ts';
import { startGateway } from '../../fleet/gateway/gateway.ts';
import { readGatewaySettings } from '../../fleet/gateway/settings.ts';
import { openRobot, until } from '../fleet/agent/robot.ts';
import { seededRandom } from '../support/generated-week/seeded-random.ts';
import { withLoop, type Loop } from '../loop/loop.ts';

const policy = 'reacher';
const robots = 3;
/** Of so many, a quarter held out by the hash of their random ids, fewer than the 20 that the gates need are one case in 10,000. */
const episodesPerRobot = 50;
const framesPerEpisode = 24;
const joints = 7;

/** Joint goals of a point that is to be reached, or of the rest position. */
const goalOf = (task: string, target: readonly number[]): readonly number[] =>
  Array.from({ length: joints }, (_, joint) =>
    task === 'retract' ? 0.2 * (joint - 3) : 1.5 * (target[joint % 3] ?? 0) + 0.1 * joint - 0.3,
  );

/** An arm that goes to joint goals as fast as it may; a good program tells it where, as the expert would. */
async function reach(agent: Agent, type: RobotType, episode: number, startUs: number): Promise<void> {
  const random = seededRandom(`arm:${startUs}:${episode}`);
  const task = type.tasks[episode % type.tasks.length] ?? '';
  const target = [0, 1, 2].map(() => 1.6 * random() - 0.8);
  const goal = goalOf(task, target);
  const noise = (): number => 0.004 * (random() - 0.5);
  let position = Array.from({ length: joints }, () => 3 * random() - 1.5);
  agent.beginEpisode({ task });
  for (let frame = 0; frame < framesPerEpisode; frame += 1) {
    const velocity = position.map((at, joint) => Math.max(-2.4, Math.min(2.4, 8 * ((goal[joint] ?? 0) - at))));
    const observation = [...position.map((at) => at + noise()), ...velocity.map((at) => at + noise()), ...target];
    agent.record({
      observation,
      action: goal.map((to) => to + noise()),
      latencyMs: 2,
      atUs: startUs + Math.round((frame * 1e6) / type.rateHz),
    });
    position = position.map((at, joint) => at + (velocity[joint] ?? 0) / type.rateHz);
  }
  await agent.endEpisode('success', { atUs: startUs + Math.round((framesPerEpisode * 1e6) / type.rateHz) });
}

/** Robots of the type record through their agents, and a gateway takes it in. */
async function record(loop: Loop, type: RobotType): Promise<void> {
  const { store, directory } = loop;
  const gateway = await startGateway(
    {
      store,
      clock: Date.now,
      monotonicMs: () => performance.now(),
      log: pino({ level: 'silent' }),
      scratchDirectory: path.join(directory, 'gateway'),
    },
    readGatewaySettings({ FLYWHEEL_GATEWAY_PORT: '0', FLYWHEEL_GATEWAY_OPERATIONS_PORT: '0' }),
  );
  try {
    for (let robot = 1; robot <= robots; robot += 1) {
      const robotId = `arm-${robot}`;
      const token = newToken(robotId, randomBytes);
      await addRobot(
        { store, clock: Date.now },
        {
          robotId,
          policy,
          robotType: { id: type.id, version: type.version },
          site: 'bench',
          stratum: 'bench',
          tokenHashes: [tokenHash(token)],
          who: 'test',
          why: 'an arm',
        },
      );
      const agent = await openRobot({
        gatewayUrl: gateway.url,
        directory: path.join(directory, robotId),
        robotId,
        token,
        robotType: type,
        root: JSON.stringify(openFileKeys(loop.settings.keysDirectory).roots().at(-1)?.envelope),
      });
      await until('the arm has its policy', () => agent.policy() !== undefined);
      for (let episode = 0; episode < episodesPerRobot; episode += 1)
        await reach(agent, type, episode, (Date.now() - 600_000 + 3_000 * episode) * 1_000);
      await agent.settle();
      await until('everything is uploaded', () => agent.status().waitingSegments === 0);
      await agent.close();
    }
  } finally {
    await gateway.stop();
  }
}

describe('a robot type of one’s own', function () {
  this.timeout(180_000);

  it('the arm of the documents, with continuous actions, is recorded, collected, learned and reported without a line of code', async () => {
    const { type, problems } = await checkRobotTypeFile(path.resolve('docs/examples/arm-7.json'));
    assert.ok(type !== undefined, JSON.stringify(problems));
    await withLoop(policy, type, async (loop) => {
      await record(loop, type);
      const result = await loop.cycle({ bootstrap: true, training: { seed: 1, hyperparameters: { maxSteps: 1_000 } } });
      assert.equal(result.outcome, 'promoted', result.reason);
      const json = await readFile(
        path.join(loop.directory, 'store', result.reportKey.replace(/html$/, 'json')),
        'utf8',
      );
      const { collection, evaluation, mix } = JSON.parse(json) as CycleReport;
      assert.ok(collection !== null && evaluation !== null && mix !== null);
      assert.deepEqual(
        [collection.episodesStored, collection.framesStored],
        [robots * episodesPerRobot, robots * episodesPerRobot * framesPerEpisode],
      );
      assert.ok(evaluation.gates.every(({ outcome }) => outcome !== 'fail'));
      const page = await readFile(path.join(loop.directory, 'store', result.reportKey), 'utf8');
      for (const part of ['<svg', 'joint-7-target', 'heldout.agreement']) assert.ok(page.includes(part), part);
    });
  });
});
