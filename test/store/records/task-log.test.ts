import assert from 'node:assert/strict';

import { scitosG5RoomsType } from '../../../datasets/built-in-robot-types.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { publishRobotType, readTaughtType } from '../../../store/records/robot-types.ts';
import { changeTasks, readTaskCatalogue, taskLogPrefix } from '../../../store/records/task-log.ts';

const policy = 'wall-follower';
const base = { policy, robotType: scitosG5RoomsType, who: 'ada', why: 'a test' };
const add = (id: string, instruction = `go to the ${id}`) => ({ kind: 'add', id, instruction }) as const;
const retire = (id: string) => ({ kind: 'retire', id }) as const;
const count = scitosG5RoomsType.tasks.length;

describe('the log of a task catalogue', () => {
  const open = () => ({ store: memoryObjectStore(), clock: () => 1_700_000_000_000 });

  it('is read as of any of its records, for ever', async () => {
    const ports = open();
    const { store } = ports;
    assert.equal((await readTaskCatalogue(store, policy, scitosG5RoomsType)).seq, -1);
    await changeTasks(ports, { ...base, changes: [add('dock')] });
    await changeTasks(ports, { ...base, changes: [retire('hall'), add('park')] });
    const at = async (seq?: number) =>
      (await readTaskCatalogue(store, policy, scitosG5RoomsType, seq)).tasks.map(({ id, status }) => `${id} ${status}`);
    assert.equal((await at(-1)).length, count);
    assert.deepEqual((await at(0)).at(-1), 'dock active');
    assert.deepEqual((await at(1)).slice(-2), ['dock active', 'park active']);
    assert.deepEqual((await at(1))[0], 'hall retired');
    assert.deepEqual(await at(), await at(1));
    await assert.rejects(at(2), { type: 'NotFound' });
    await publishRobotType(store, scitosG5RoomsType);
    const { id, version } = scitosG5RoomsType;
    const then = await readTaughtType(store, { id, version, catalogue: { policy, seq: 0 } });
    assert.deepEqual(then.tasks, [...scitosG5RoomsType.tasks, 'dock']);
    assert.deepEqual(await readTaughtType(store, { id, version }), scitosG5RoomsType);
  });

  it('gives each of many writers at once an index of its own', async () => {
    const ports = open();
    const ids = Array.from({ length: 24 }, (_, place) => `task-${place}`);
    const results = await Promise.all(ids.map((id) => changeTasks(ports, { ...base, changes: [add(id)] })));
    const { seq, tasks } = await readTaskCatalogue(ports.store, policy, scitosG5RoomsType);
    assert.equal(seq, ids.length - 1);
    assert.deepEqual(
      tasks.map(({ index }) => index),
      [...tasks.keys()],
    );
    assert.deepEqual(new Set(tasks.slice(count).map(({ id }) => id)), new Set(ids));
    for (const [place, { catalogue }] of results.entries())
      assert.equal(
        catalogue.tasks.find(({ id }) => id === ids[place])?.index,
        tasks.find(({ id }) => id === ids[place])?.index,
      );
  });

  it('writes one record when the same task is added by two at once', async () => {
    const ports = open();
    const [one, two] = await Promise.all([
      changeTasks(ports, { ...base, changes: [add('dock')] }),
      changeTasks(ports, { ...base, changes: [add('dock')] }),
    ]);
    assert.equal(one.changed.length + two.changed.length, 1);
    assert.equal((await readTaskCatalogue(ports.store, policy, scitosG5RoomsType)).seq, 0);
  });

  it('changes nothing when one of several changes cannot be made', async () => {
    const ports = open();
    await assert.rejects(changeTasks(ports, { ...base, changes: [add('dock'), retire('nowhere')] }), {
      type: 'InvalidInput',
      message: /task nowhere: there is no such task/,
    });
    assert.equal((await readTaskCatalogue(ports.store, policy, scitosG5RoomsType)).seq, -1);
  });

  it('takes no instruction that moves a cursor, and no empty word', async () => {
    const ports = open();
    const refused = (change: Partial<Parameters<typeof changeTasks>[1]>) =>
      assert.rejects(changeTasks(ports, { ...base, changes: [add('dock')], ...change }), { type: 'InvalidInput' });
    await refused({ changes: [add('dock', 'go\u001B[2J')] });
    await refused({ changes: [add('dock', ' go ')] });
    await refused({ changes: [add('__proto__')] });
    await refused({ changes: [] });
    await refused({ why: '' });
    await refused({ who: 'x'.repeat(201) });
    const keys: string[] = [];
    for await (const { key } of ports.store.list(taskLogPrefix(policy))) keys.push(key);
    assert.deepEqual(keys, []);
  });

  it('is not read past a record that is none', async () => {
    const ports = open();
    await changeTasks(ports, { ...base, changes: [add('dock')] });
    await ports.store.put(
      `${taskLogPrefix(policy)}/00000000000000000001.json`,
      new TextEncoder().encode('{"changes":[]}'),
    );
    await assert.rejects(readTaskCatalogue(ports.store, policy, scitosG5RoomsType), { type: 'CorruptData' });
    await assert.rejects(changeTasks(ports, { ...base, changes: [add('park')] }), { type: 'CorruptData' });
  });
});
