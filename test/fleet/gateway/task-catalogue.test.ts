import assert from 'node:assert/strict';

import { Command } from 'commander';

import { registerTaskCommands } from '../../../cli/tasks.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { TaskChange } from '../../../datasets/task-catalogue.ts';
import { readRefusedTasks } from '../../../fleet/desk/refused-tasks.ts';
import { taskWatch } from '../../../fleet/gateway/task-watch.ts';
import { bearer, wireHeaders, wirePaths } from '../../../fleet/protocol/index.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { changeTasks, taskLogPrefix } from '../../../store/records/task-log.ts';
import { errorType, policy, post, telemetry } from '../../support/gateway.ts';
import { frameAt, until } from '../agent/robot.ts';
import { gatewayWorld } from './gateway-world.ts';

const own = scitosG5Type.tasks[0] ?? '';
const add = (id: string): TaskChange => ({ kind: 'add', id, instruction: `do ${id}` });

describe('a task catalogue, through a gateway to a real agent', () => {
  const world = gatewayWorld(1);

  const change = (...changes: readonly TaskChange[]) =>
    changeTasks(
      { store: world.fleet.store, clock: Date.now },
      { policy, robotType: scitosG5Type, changes, who: 'ada', why: 'a test' },
    );
  const start = () => world.fleet.startGateway({ FLYWHEEL_GATEWAY_LOOK_MS: '50' });
  const ask = (url: string, robotToken: string, path: string) =>
    fetch(url + path, { headers: { authorization: bearer(robotToken) } });
  const outcome = (task: string, more: Record<string, unknown> = {}) => ({
    kind: 'episode',
    seq: 0,
    atMs: 1_000,
    policyVersion: '1.0.0',
    trialId: null,
    episodeId: '01J00000000000000000000001',
    task,
    durationMs: 60_000,
    outcome: 'success',
    failureReason: null,
    intervened: false,
    latencyP50Ms: 3,
    ...more,
  });

  it('is heard of by a robot, which records the task, refuses to act on it, and is counted', async function () {
    this.timeout(60_000);
    const { url } = await start();
    const agent = await world.open(url, { limits: { onlineEveryMs: 50 } });
    await until('it runs', () => agent.policy() !== undefined, 30_000);
    assert.ok(!agent.mayRecord('dock'));
    await change(add('dock'));
    await until('it was told', () => agent.mayRecord('dock'), 30_000);
    await assert.rejects(
      agent.policy()!.decide(frameAt(0).observation, 'dock'),
      /expected a task that version 1\.0\.0 knows/,
    );
    const refused = () =>
      readRefusedTasks(world.fleet.store, { policy, startMs: 0, endMs: Date.now() + 1 }, ({ key }) => assert.fail(key));
    await until('counted', async () => (await refused()).length > 0, 30_000);
    assert.deepEqual(await refused(), [{ task: 'dock', count: 1, robots: 1, versions: ['1.0.0'] }]);
    assert.match(await shown(), /dock +1 +1 +1\.0\.0/);
  });

  it('is served to agents that ask, and is no news to agents of before', async () => {
    const { url } = await start();
    const token = await world.fleet.addRobot('r1');
    const before = await ask(url, token, wirePaths.desired('r1', 0));
    assert.equal(before.headers.get(wireHeaders.tasksSeq), null);
    const none = await ask(url, token, wirePaths.tasks('r1'));
    assert.deepEqual([none.status, await errorType(none)], [404, 'notFound']);
    await change(add('dock'), add('park'));
    await change({ kind: 'retire', id: 'dock' });
    await until(
      'told',
      async () => (await ask(url, token, wirePaths.desired('r1', 0))).headers.get(wireHeaders.tasksSeq) === '1',
    );
    const told = await ask(url, token, wirePaths.tasks('r1'));
    assert.deepEqual(await told.json(), { policy, seq: 1, tasks: [own, 'park'] });
    const other = await world.fleet.addRobot('r2');
    assert.equal((await ask(url, other, wirePaths.tasks('r1'))).status, 403);
    assert.deepEqual(
      ((await (await ask(url, token, wirePaths.desired('r1', 0))).json()) as { policy: string }).policy,
      policy,
    );
  });

  it('says whose outcomes are taken: unknown tasks never, retired ones still', async () => {
    const { url } = await start();
    const token = await world.fleet.addRobot('r1');
    let boots = 0;
    const stored = async (entry: unknown): Promise<number> => {
      const bootId = `01J0000000000000000000000${(boots += 1)}`;
      const answer = await post(url + wirePaths.telemetry('r1'), token, { ...telemetry([]), bootId, entries: [entry] });
      return ((await answer.json()) as { storedEntries: number }).storedEntries;
    };
    assert.deepEqual(
      [await stored(outcome(own)), await stored(outcome('dock')), await stored(outcome('__proto__'))],
      [1, 0, 0],
    );
    await change(add('dock'));
    await until('told', async () => (await ask(url, token, wirePaths.tasks('r1'))).status === 200);
    const refusal = { kind: 'refusedTask', seq: 0, atMs: 1_000, policyVersion: null, trialId: null, count: 3 };
    assert.equal(await stored({ ...refusal, task: 'dock' }), 1);
    assert.equal(await stored({ ...refusal, task: 'made-up' }), 0);
    assert.equal(await stored(outcome('dock')), 1);
    await change({ kind: 'retire', id: 'dock' });
    await until('retired', async () => !(await (await ask(url, token, wirePaths.tasks('r1'))).text()).includes('dock'));
    assert.equal(await stored(outcome('dock')), 1);
  });

  it('is believed up to a damaged record, and no further', async () => {
    const store = memoryObjectStore();
    const damaged: string[] = [];
    const watch = taskWatch(store, ({ key }) => damaged.push(key));
    const write = (...changes: readonly TaskChange[]) =>
      changeTasks({ store, clock: () => 1 }, { policy, robotType: scitosG5Type, changes, who: 'ada', why: 'a test' });
    const first = new Set(scitosG5Type.tasks);
    await write(add('dock'));
    await watch.look([policy]);
    assert.deepEqual(watch.of(policy, first).active, [own, 'dock']);
    await write(add('park'));
    await write(add('turn'));
    await store.put(`${taskLogPrefix(policy)}/00000000000000000001.json`, new TextEncoder().encode('{"changes": 7}'));
    await watch.look([policy]);
    await watch.look([policy]);
    assert.deepEqual(watch.of(policy, first).active, [own, 'dock']);
    assert.equal(watch.seq(policy), 0);
    assert.equal(damaged.length, 1);
    assert.deepEqual(watch.of('nobody', first).active, [own]);
  });

  async function shown(): Promise<string> {
    const program = new Command().exitOverride();
    registerTaskCommands(program);
    const before = { ...process.env };
    Object.assign(process.env, {
      FLYWHEEL_STORE: `${world.fleet.directory}/store`,
      FLYWHEEL_SCRATCH: `${world.fleet.directory}/scratch`,
    });
    let said = '';
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: string | Uint8Array) => {
      said += String(text);
      return true;
    };
    try {
      await program.parseAsync(['tasks', 'refused', '--policy', policy], { from: 'user' });
    } finally {
      process.stdout.write = write;
      for (const name of ['FLYWHEEL_STORE', 'FLYWHEEL_SCRATCH'])
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
    }
    return said;
  }
});
