import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { addRobot, openDesk, openFleetReader, type AssignmentRecord } from '../../../fleet/desk/index.ts';

const policy = 'wall';

const assign = (more: Partial<Extract<AssignmentRecord, { kind: 'assign' }>> = {}): AssignmentRecord => ({
  kind: 'assign',
  defaultVersion: '1.0.0',
  championVersion: '1.0.0',
  trialId: null,
  urgency: 'whenIdle',
  overrides: [],
  operationId: 'test',
  who: 'tester',
  why: 'test',
  atMs: 1_000,
  ...more,
});

const exposing = (trialId: string, robotIds: readonly string[], why = 'expose'): AssignmentRecord =>
  assign({ overrides: [{ version: '1.1.0', trialId, urgency: 'whenIdle', robotIds: [...robotIds] }], why });

const closing = (
  trialId: string,
  more: Partial<Extract<AssignmentRecord, { kind: 'assign' }>> = {},
): AssignmentRecord => ({ ...assign({ urgency: 'safeStop' }), ...more, kind: 'closeTrial', closedTrialId: trialId });

async function orderOf(store: ObjectStore, robotId: string, nowMs = 2_000) {
  return (await openFleetReader({ store, clock: () => nowMs }).readOrders(policy))?.(robotId);
}

describe('the desk', () => {
  it('writes the record at the seq the caller chose, and says so again when asked again', async () => {
    const store = memoryObjectStore();
    const desk = openDesk({ store });
    const written = { kind: 'written', seq: 0 };
    assert.deepEqual(await desk.write({ policy, seq: 0, record: assign() }), written);
    assert.deepEqual(await desk.write({ policy, seq: 0, record: assign() }), written);
    assert.deepEqual(await openDesk({ store }).write({ policy, seq: 0, record: assign() }), written);
  });

  it('gives a conflict for other content at a taken seq, and changes nothing', async () => {
    const store = memoryObjectStore();
    const desk = openDesk({ store });
    await desk.write({ policy, seq: 0, record: assign() });
    const other = await openDesk({ store }).write({ policy, seq: 0, record: assign({ why: 'another reason' }) });
    assert.deepEqual(other, { kind: 'conflict', existingSeq: 0 });
    assert.equal(
      (await openFleetReader({ store, clock: () => 0 }).readAssignments(policy)).current?.record.why,
      'test',
    );
  });

  it('refuses a seq beyond the next, which no reader would find', async () => {
    const desk = openDesk({ store: memoryObjectStore() });
    await assert.rejects(desk.write({ policy, seq: 1, record: assign() }), { type: 'InvalidInput' });
  });

  it('has one winner among writers of one seq', async () => {
    const store = memoryObjectStore();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        openDesk({ store }).write({ policy, seq: 0, record: assign({ why: `writer ${index}` }) }),
      ),
    );
    assert.equal(results.filter(({ kind }) => kind === 'written').length, 1);
    assert.equal(results.filter(({ kind }) => kind === 'conflict').length, 19);
  });

  it('lets a delayed attempt that is released after a rollback change nothing', async () => {
    const store = memoryObjectStore();
    const stalled = stallingStore(store);
    await openDesk({ store }).write({ policy, seq: 0, record: assign() });
    await openDesk({ store }).renewLease({ policy, trialId: 't1', atMs: 1_500 });
    const attempt = openDesk({ store: stalled.store }).write({ policy, seq: 1, record: exposing('t1', ['r1', 'r2']) });
    await stalled.isWaiting;
    await openDesk({ store }).write({ policy, seq: 1, record: closing('t1') });
    stalled.release();
    assert.deepEqual(await attempt, { kind: 'conflict', existingSeq: 1 });
    assert.equal((await orderOf(store, 'r1'))?.version, '1.0.0');
    assert.equal((await orderOf(store, 'r1'))?.seq, 1);
  });

  it('refuses later records of a closed trial, and leases for it', async () => {
    const store = memoryObjectStore();
    const desk = openDesk({ store });
    await desk.write({ policy, seq: 0, record: exposing('t1', ['r1']) });
    await desk.write({ policy, seq: 1, record: closing('t1') });
    const again = await desk.write({ policy, seq: 2, record: exposing('t1', ['r1']) });
    assert.deepEqual(again, { kind: 'refused', closedTrialId: 't1' });
    const lease = await desk.renewLease({ policy, trialId: 't1', atMs: 1_000 });
    assert.deepEqual(lease, { kind: 'refused', closedTrialId: 't1' });
    assert.equal((await desk.write({ policy, seq: 2, record: exposing('t2', ['r1']) })).kind, 'written');
  });

  it('still says written to the attempt whose record stood before the trial was closed', async () => {
    const desk = openDesk({ store: memoryObjectStore() });
    await desk.write({ policy, seq: 0, record: exposing('t1', ['r1']) });
    await desk.write({ policy, seq: 1, record: closing('t1') });
    assert.equal((await desk.write({ policy, seq: 0, record: exposing('t1', ['r1']) })).kind, 'written');
  });

  it('refuses snapshots that contradict themselves', async () => {
    const desk = openDesk({ store: memoryObjectStore() });
    const wrong: readonly AssignmentRecord[] = [
      assign({ defaultVersion: '1.1.0' }),
      assign({ trialId: 't1' }),
      assign({
        overrides: ['1.1.0', '1.2.0'].map((version) => ({
          version,
          trialId: 't1',
          urgency: 'whenIdle',
          robotIds: ['r1'],
        })),
      }),
      closing('t1', { overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }] }),
    ];
    for (const record of wrong)
      await assert.rejects(desk.write({ policy, seq: 0, record }), { type: 'InvalidInput' }, JSON.stringify(record));
  });

  it('never shortens a lease', async () => {
    const desk = openDesk({ store: memoryObjectStore() });
    await desk.renewLease({ policy, trialId: 't1', atMs: 10_000, leaseMs: 30_000 });
    const late = await desk.renewLease({ policy, trialId: 't1', atMs: 5_000, leaseMs: 30_000 });
    assert.deepEqual(late, { kind: 'renewed', endMs: 40_000 });
  });
});

describe('the reader', () => {
  it('tells of a policy’s own robots, and confirms its orders by them alone', async () => {
    const ports = { store: memoryObjectStore(), clock: () => 1_000 };
    for (const [robotId, its] of [
      ['ours', policy],
      ['theirs', 'other'],
    ] as const)
      await addRobot(ports, {
        robotId,
        policy: its,
        robotType: { id: 'scitos-g5', version: 1 },
        site: 'north',
        stratum: 'hall',
        tokenHashes: ['0'.repeat(64)],
        who: 'ada',
        why: 'new',
      });
    await openDesk(ports).write({ policy, seq: 0, record: assign() });
    const reader = openFleetReader(ports);
    assert.deepEqual(
      (await reader.readFleet(policy)).robots.map(({ robotId }) => robotId),
      ['ours'],
    );
    assert.deepEqual((await reader.readConfirmations(policy))?.offline, ['ours']);
  });
});

describe('orders', () => {
  it('hold a candidate only while its lease lives', async () => {
    const store = memoryObjectStore();
    const desk = openDesk({ store });
    await desk.write({ policy, seq: 0, record: exposing('t1', ['r1']) });
    assert.equal((await orderOf(store, 'r1'))?.version, '1.0.0', 'no lease yet');
    await desk.renewLease({ policy, trialId: 't1', atMs: 2_000, leaseMs: 1_000 });
    const base = { seq: 0, championVersion: '1.0.0', urgency: 'whenIdle' };
    const alive = { ...base, version: '1.1.0', trialId: 't1', leaseRemainingMs: 1 };
    assert.deepEqual(await orderOf(store, 'r1', 2_999), alive);
    const over = { ...base, version: '1.0.0', trialId: null, leaseRemainingMs: null };
    assert.deepEqual(await orderOf(store, 'r1', 3_000), over);
    assert.equal((await orderOf(store, 'r2', 2_999))?.version, '1.0.0');
  });

  it('go to the champion when a leased default loses its lease', async () => {
    const store = memoryObjectStore();
    const desk = openDesk({ store });
    await desk.write({ policy, seq: 0, record: assign({ defaultVersion: '1.1.0', trialId: 't1' }) });
    await desk.renewLease({ policy, trialId: 't1', atMs: 1_000, leaseMs: 1_000 });
    assert.equal((await orderOf(store, 'r1', 1_999))?.version, '1.1.0');
    assert.equal((await orderOf(store, 'r1', 2_000))?.version, '1.0.0');
  });

  it('ask for no lease where a robot is held back on the champion', async () => {
    const store = memoryObjectStore();
    const record = assign({
      overrides: [{ version: '1.0.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }],
    });
    await openDesk({ store }).write({ policy, seq: 0, record });
    const order = await orderOf(store, 'r1');
    assert.deepEqual([order?.version, order?.trialId, order?.leaseRemainingMs], ['1.0.0', 't1', null]);
  });
});

/** A store whose creations wait, as an activity does whose worker is paused. */
function stallingStore(inner: ObjectStore) {
  const gate = new EventEmitter();
  const released = once(gate, 'released');
  const store: ObjectStore = {
    ...inner,
    async putIfAbsent(key, body) {
      gate.emit('waiting');
      await released;
      return inner.putIfAbsent(key, body);
    },
  };
  return { store, isWaiting: once(gate, 'waiting'), release: () => gate.emit('released') };
}
