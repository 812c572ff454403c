import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeSchema } from '../../datasets/robot-type.ts';
import { activeTasks, documentOf, taughtType } from '../../datasets/taught-type.ts';
import {
  mostTasks,
  plannedChanges,
  taskCatalogue,
  taskRecordSchema,
  type TaskChange,
  type TaskRecord,
} from '../../datasets/task-catalogue.ts';

const add = (id: string, instruction = `do ${id}`): TaskChange => ({ kind: 'add', id, instruction });
const retire = (id: string): TaskChange => ({ kind: 'retire', id });
const record = (...changes: TaskChange[]): TaskRecord => ({ changes, atMs: 1, who: 'ada', why: 'a test' });
const logOf = (...records: TaskRecord[]) => records.map((each, seq) => ({ seq, record: each }));
const type = { tasks: ['reach', 'pour'] };

describe('the task catalogue', () => {
  it('begins with the tasks of the robot type, which need no record', () => {
    const { seq, tasks } = taskCatalogue(type, []);
    assert.equal(seq, -1);
    assert.deepEqual(
      tasks.map(({ id, index, instruction, status }) => [id, index, instruction, status]),
      [
        ['reach', 0, 'reach', 'active'],
        ['pour', 1, 'pour', 'active'],
      ],
    );
  });

  it('keeps the index of a retired task, and gives it back when the task comes again', () => {
    const { tasks } = taskCatalogue(type, logOf(record(add('stack')), record(retire('pour')), record(add('sort'))));
    assert.deepEqual(
      tasks.map(({ id, index, status }) => [id, index, status]),
      [
        ['reach', 0, 'active'],
        ['pour', 1, 'retired'],
        ['stack', 2, 'active'],
        ['sort', 3, 'active'],
      ],
    );
    const again = taskCatalogue(type, logOf(record(retire('pour')), record(add('pour', 'pour it out'))));
    assert.deepEqual(again.tasks[1]?.instruction, 'pour it out');
    assert.deepEqual(
      again.tasks.map(({ id, status }) => [id, status]),
      [
        ['reach', 'active'],
        ['pour', 'active'],
      ],
    );
  });

  it('has the first tasks that its first record names, whatever the robot type says later', () => {
    const first = { ...record(add('stack')), first: ['reach', 'pour'] };
    assert.deepEqual(
      taskCatalogue({ tasks: ['weld', 'reach'] }, logOf(first)).tasks.map(({ id }) => id),
      ['reach', 'pour', 'stack'],
    );
  });

  it('never changes or reuses an index, whatever records come', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'constructor', 'reach', 'pour', 'valueof', 'tostring');
    const change = fc.oneof(
      id.map((name) => add(name)),
      id.map(retire),
    );
    const records = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }).map((some) => record(...some)));
    fc.assert(
      fc.property(records, (list) => {
        const whole = taskCatalogue(type, logOf(...list)).tasks;
        assert.equal(new Set(whole.map((task) => task.id)).size, whole.length);
        assert.ok(whole.every(({ index }, position) => index === position));
        for (let length = 0; length <= list.length; length += 1) {
          const part = taskCatalogue(type, logOf(...list.slice(0, length))).tasks;
          assert.deepEqual(
            part.map((task) => task.id),
            whole.slice(0, part.length).map((task) => task.id),
          );
        }
      }),
    );
  });

  it('knows no task that nobody added: retiring one makes none', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('x', 'y', 'z')), (ids) => {
        const { tasks } = taskCatalogue(type, logOf(...ids.map((id) => record(retire(id)))));
        assert.deepEqual(
          tasks.map(({ id, status }) => [id, status]),
          [
            ['reach', 'active'],
            ['pour', 'active'],
          ],
        );
      }),
    );
  });

  it('holds no more than its bound, for any records', () => {
    const many = Array.from({ length: 3 }, (_, part) =>
      record(...Array.from({ length: 500 }, (__, place) => add(`t${part}-${place}`))),
    );
    assert.equal(taskCatalogue(type, logOf(...many)).tasks.length, mostTasks);
  });

  it('refuses ids that are none, long texts and unknown fields', () => {
    const isRecord = (given: unknown): boolean => taskRecordSchema.safeParse(given).success;
    assert.ok(isRecord(record(add('constructor'))));
    for (const id of ['__proto__', '', 'A', 'a b', '-a', 'a/b', '..', 'a'.repeat(64), 'ä'])
      assert.ok(!isRecord(record(add(id))), id);
    assert.ok(!isRecord(record(add('a', ''))));
    assert.ok(!isRecord(record(add('a', 'x'.repeat(301)))));
    assert.ok(!isRecord(record()));
    assert.ok(!isRecord({ ...record(add('a')), index: 3 }));
    assert.ok(!isRecord({ ...record(), changes: [{ ...add('a'), index: 0 }] }));
    assert.ok(!isRecord(record(...Array.from({ length: mostTasks + 1 }, (_, place) => add(`t${place}`)))));
  });
});

describe('changes of the task catalogue', () => {
  const catalogue = taskCatalogue(type, logOf(record(add('stack'), retire('pour'))));

  it('are those that are not done yet', () => {
    assert.deepEqual(plannedChanges(catalogue, [add('stack'), retire('pour'), add('sort'), retire('reach')]), {
      needed: [add('sort'), retire('reach')],
    });
    assert.deepEqual(plannedChanges(catalogue, [add('pour', 'pour')]), { needed: [add('pour', 'pour')] });
  });

  it('are refused as a whole, each with its place and reason', () => {
    const planned = plannedChanges(catalogue, [
      add('stack', 'another sentence'),
      retire('nothing'),
      add('sort'),
      retire('sort'),
    ]);
    assert.deepEqual('refused' in planned && planned.refused, [
      {
        position: 0,
        id: 'stack',
        reason: 'it exists with the instruction "do stack"; retire it first to give it another one',
      },
      { position: 1, id: 'nothing', reason: 'there is no such task' },
      { position: 3, id: 'sort', reason: 'it is named twice' },
    ]);
  });

  it('leave at least one task active', () => {
    const planned = plannedChanges(catalogue, [retire('reach'), retire('stack')]);
    assert.match(JSON.stringify(planned), /at least one active task/);
    assert.ok('needed' in plannedChanges(catalogue, [retire('reach'), retire('stack'), add('sort')]));
  });

  it('fill the catalogue to its bound and not beyond', () => {
    const full = Array.from({ length: mostTasks - catalogue.tasks.length }, (_, place) => add(`t${place}`));
    assert.ok('needed' in plannedChanges(catalogue, full));
    assert.match(JSON.stringify(plannedChanges(catalogue, [...full, add('one-more')])), /at most 1024 tasks/);
  });
});

describe('a robot type with the tasks of a catalogue', () => {
  const catalogue = taskCatalogue(scitosG5Type, logOf(record(add('dock'), add('park')), record(retire('dock'))));
  const taught = taughtType(scitosG5Type, 'wall-follower', catalogue);

  it('has every index in its tasks, and says which are active', () => {
    assert.deepEqual(taught.tasks, [...scitosG5Type.tasks, 'dock', 'park']);
    assert.deepEqual(activeTasks(taught), [...scitosG5Type.tasks, 'park']);
    assert.deepEqual(activeTasks(scitosG5Type), scitosG5Type.tasks);
  });

  it('has the digest of its document, which stays what it was', () => {
    assert.deepEqual(documentOf(taught), scitosG5Type);
    assert.equal(robotTypeDigest(taught), robotTypeDigest(scitosG5Type));
    assert.notEqual(robotTypeDigest({ ...scitosG5Type, tasks: taught.tasks }), robotTypeDigest(scitosG5Type));
    assert.equal(taughtType(scitosG5Type, 'wall-follower', taskCatalogue(scitosG5Type, [])), scitosG5Type);
    assert.deepEqual(taughtType(taught, 'wall-follower', catalogue), taught);
  });

  it('comes from no document: one that claims a catalogue is refused', () => {
    assert.ok(!robotTypeSchema.safeParse(taught).success);
  });
});
