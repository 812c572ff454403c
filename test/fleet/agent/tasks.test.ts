import assert from 'node:assert/strict';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { UnknownTask, type Agent } from '../../../fleet/agent/index.ts';
import { countRefusedTasks } from '../../../fleet/agent/recording/refused-tasks.ts';
import type { TelemetryEntry } from '../../../fleet/protocol/index.ts';
import { championOrder, publish, type PublishOptions } from './fleet-keys.ts';
import { robotWorld } from './robot-world.ts';
import { frameAt, until } from './robot.ts';

const own = scitosG5Type.tasks[0] ?? '';

describe('a robot and its tasks', () => {
  const world = robotWorld({ limits: { onlineEveryMs: 50 } });
  async function running(options: Partial<PublishOptions> = {}): Promise<Agent> {
    const model = await publish(world.gateway, world.keys, '1.0.0', { seed: 1, ...options });
    world.gateway.setOrder(championOrder(1, model, model));
    const robot = await world.open();
    await until('it runs', () => robot.policy()?.version === '1.0.0');
    return robot;
  }
  const decide = (robot: Agent, task: string) => robot.policy()!.decide(frameAt(0).observation, task);
  async function episode(robot: Agent, task: string): Promise<void> {
    robot.beginEpisode({ task });
    for (let index = 0; index < 12; index += 1) robot.record(frameAt(index));
    await robot.endEpisode('success');
  }
  const told = <Kind extends TelemetryEntry['kind']>(kind: Kind) =>
    [...world.gateway.entries.values()].filter(
      (entry): entry is Extract<TelemetryEntry, { kind: Kind }> => entry.kind === kind,
    );

  it('refuses a task that its model does not know, counts it, tells it, and goes on with the others', async () => {
    const robot = await running();
    for (const task of ['dock', 'dock', '__proto__', 'constructor'])
      await assert.rejects(
        decide(robot, task),
        (error) => error instanceof UnknownTask && error instanceof TypeError,
        task,
      );
    assert.equal(robot.status().refusedTasks, 4);
    await decide(robot, own);
    await until('told', () => told('refusedTask').length === 3);
    assert.deepEqual(
      told('refusedTask').map(({ task, count, policyVersion }) => [task, count, policyVersion]),
      [
        ['dock', 2, '1.0.0'],
        ['__proto__', 1, '1.0.0'],
        ['constructor', 1, '1.0.0'],
      ],
    );
    assert.equal(robot.policy()?.version, '1.0.0');
  });

  it('knows the tasks of its type alone behind a gateway of before, and records no other', async () => {
    const robot = await running();
    assert.ok(robot.mayRecord(own));
    assert.ok(!robot.mayRecord('dock'));
    assert.throws(() => robot.beginEpisode({ task: 'dock' }), TypeError);
    assert.ok(!world.gateway.requests.some((request) => request.endsWith('/tasks')));
  });

  it('records what a gateway told it, under no version, and acts on none of it', async () => {
    world.gateway.tasks = { policy: 'walls', seq: 0, tasks: [own, 'dock'] };
    const robot = await running();
    await until('it was told', () => robot.mayRecord('dock'));
    assert.ok(!robot.policy()!.knows('dock'));
    await assert.rejects(decide(robot, 'dock'), UnknownTask);
    await episode(robot, 'dock');
    await episode(robot, own);
    await until('told', () => told('episode').length === 2);
    assert.deepEqual(
      told('episode').map(({ task, policyVersion, trialId }) => [task, policyVersion, trialId]),
      [
        ['dock', null, null],
        [own, '1.0.0', null],
      ],
    );
  });

  it('hears of what comes and goes, and remembers it without a gateway', async () => {
    world.gateway.tasks = { policy: 'walls', seq: 0, tasks: [own, 'dock'] };
    const robot = await running();
    await until('it was told', () => robot.mayRecord('dock'));
    world.gateway.tasks = { policy: 'walls', seq: 1, tasks: [own, 'park'] };
    await until('it was told again', () => robot.mayRecord('park') && !robot.mayRecord('dock'));
    await robot.close();
    world.gateway.refuse = () => 503;
    const again = await world.open();
    assert.ok(again.mayRecord('park'));
  });

  it('asks once for a list, not at every word', async () => {
    world.gateway.tasks = { policy: 'walls', seq: 0, tasks: [own, 'dock'] };
    const robot = await running();
    await until('it was told', () => robot.mayRecord('dock'));
    const asked = world.gateway.heartbeats.length;
    await until('spoken', () => world.gateway.heartbeats.length > asked + 5);
    assert.equal(world.gateway.requests.filter((request) => request.endsWith('/tasks')).length, 1);
  });

  it('acts on the tasks that its signed model knows, without being told, and by their index', async () => {
    const robot = await running({ tasks: [own, 'dock', 'park'] });
    assert.deepEqual([robot.policy()!.knows('park'), robot.policy()!.knows('turn')], [true, false]);
    await decide(robot, 'dock');
    await assert.rejects(decide(robot, 'turn'), UnknownTask);
    await episode(robot, 'park');
    await until('told', () => told('episode').length === 1);
    assert.deepEqual([told('episode')[0]?.task, told('episode')[0]?.policyVersion], ['park', '1.0.0']);
  });

  it('runs a version whose tasks a gateway of before does not give, for the tasks of its type', async () => {
    world.gateway.refuse = (path) => (path.endsWith('/tasks.json') ? 400 : undefined);
    const robot = await running({ tasks: [own, 'dock'] });
    await decide(robot, own);
    await assert.rejects(decide(robot, 'dock'), UnknownTask);
  });

  it('takes no tasks that were not signed with the version', async () => {
    const model = await publish(world.gateway, world.keys, '1.0.0', { seed: 1, tasks: [own, 'dock'] });
    const lie = JSON.stringify({ catalogueSeq: 0, tasks: ['dock', own] });
    world.gateway.files.set('walls/1.0.0/tasks.json', Buffer.from(lie));
    world.gateway.setOrder(championOrder(1, model, model));
    const robot = await world.open();
    await until('refused', () => world.gateway.reports.some(({ reason }) => reason === 'wrongDigest'));
    assert.equal(robot.policy(), undefined);
  });

  it('is not moved by a gateway that tells nonsense for tasks', async () => {
    const robot = await running();
    for (const tasks of [['__proto__'], [''], ['../x'], Array.from({ length: 2_000 }, (_, index) => `t${index}`)]) {
      world.gateway.tasks = { policy: 'walls', seq: 5, tasks };
      const asked = world.gateway.requests.length;
      await until('asked', () => world.gateway.requests.slice(asked).some((request) => request.endsWith('/tasks')));
    }
    assert.deepEqual([robot.mayRecord('__proto__'), robot.mayRecord('t0'), robot.mayRecord(own)], [false, false, true]);
    world.gateway.tasks = { policy: 'walls', seq: 2, tasks: [own, 'dock'] };
    await until('the truth is taken, although its number is lower', () => robot.mayRecord('dock'));
  });
});

describe('the count of refused tasks', () => {
  it('is bounded for whatever a program asks', () => {
    const refused = countRefusedTasks();
    for (let index = 0; index < 10_000; index += 1) refused.add(`task-${index}-${'x'.repeat(100)}`);
    refused.add('');
    const taken = refused.take();
    assert.equal(taken.length, 32);
    assert.ok(taken.every(({ task }) => task.length >= 1 && task.length <= 63));
    assert.equal(
      taken.reduce((sum, { count }) => sum + count, 0),
      10_001,
    );
    assert.equal(refused.total(), 10_001);
    assert.deepEqual(refused.take(), []);
  });
});
