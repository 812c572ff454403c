import assert from 'node:assert/strict';

import { canonicalJson } from '../../../domain/canonical-json.ts';
import { openDesk, type AssignmentRecord } from '../../../fleet/desk/index.ts';
import { fleetKeys, logKey } from '../../../fleet/desk/keys.ts';
import { readSeal, readSheet } from '../../../fleet/desk/seal-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { openTestFleet, policy, who, type TestFleet } from '../../support/gateway.ts';

const minute = 60_000;

describe('a desk that signs', () => {
  let fleet: TestFleet;
  let aheadMs = 0;
  beforeEach(async () => {
    aheadMs = 0;
    fleet = await openTestFleet();
    for (const byte of [1, 2, 3]) await fleet.register(new Uint8Array([byte]));
  });
  afterEach(() => fleet.close());

  /** A desk of another process, with a clock that can be put forward. */
  const desk = (unsealed: string[] = []) =>
    openDesk({
      store: fleet.store,
      sealing: {
        ...fleet.sealing,
        clock: () => Date.now() + aheadMs,
        onUnsealed: (why) => void unsealed.push(why),
      },
    });
  const record = (more: Partial<Extract<AssignmentRecord, { kind: 'assign' }>> = {}): AssignmentRecord => ({
    kind: 'assign',
    defaultVersion: '1.0.0',
    championVersion: '1.0.0',
    trialId: null,
    urgency: 'whenIdle',
    overrides: [],
    operationId: 'test',
    ...who,
    atMs: 0,
    ...more,
  });
  const exposure = record({ overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }] });
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const sealed = async (seq: number) => (await readSeal(fleet.store, policy, seq))?.seal;
  const orderOf = async (seq: number, robotId: string) =>
    (await readSheet(fleet.store, policy, (await sealed(seq))?.orders ?? ''))?.of(robotId);

  it('signs the champion of the alias log before any assignment, and every assignment it writes', async () => {
    assert.equal((await orderOf(-1, 'r1'))?.model.version, '1.0.0');
    await desk().renewLease({ policy, trialId: 't1', atMs: Date.now() });
    await desk().write({ policy, seq: 0, record: exposure });
    const mine = await orderOf(0, 'r1');
    const others = await orderOf(0, 'r2');
    assert.deepEqual([mine?.model.version, mine?.isLeased, mine?.trialId], ['1.1.0', true, 't1']);
    assert.deepEqual([others?.model.version, others?.isLeased, others?.trialId], ['1.0.0', false, null]);
    assert.deepEqual(
      (await sealed(0))?.leases.map(({ trialId }) => trialId),
      ['t1'],
    );
  });

  it('carries what it signed on, with what remains of leases, and lets them end', async () => {
    await desk().write({ policy, seq: 0, record: exposure });
    await desk().renewLease({ policy, trialId: 't1', atMs: Date.now(), leaseMs: 30 * minute });
    const before = await sealed(0);
    aheadMs = 20 * minute;
    await desk().refreshOrders(policy);
    const after = await sealed(0);
    assert.equal(after?.orders, before?.orders);
    assert.ok(after!.issuedAtMs > before!.issuedAtMs + 19 * minute);
    assert.ok(after!.leases[0]!.leaseMs <= 10 * minute + 1_000, `${after?.leases[0]?.leaseMs}`);
    aheadMs = 31 * minute;
    await desk().refreshOrders(policy);
    assert.deepEqual((await sealed(0))?.leases, []);
  });

  it('never signs a record that somebody put into the log, and says so', async () => {
    await desk().write({ policy, seq: 0, record: record() });
    const forged = record({ defaultVersion: '1.2.0', championVersion: '1.2.0' });
    await fleet.store.put(logKey(fleetKeys.assignmentLog(policy), 1), json(forged));
    aheadMs = minute;
    const outcome = await desk().refreshOrders(policy);
    assert.ok(outcome?.kind === 'unsealed' && /keys adopt/.test(outcome.why), JSON.stringify(outcome));
    assert.equal(await sealed(1), undefined);
    assert.ok((await sealed(0))!.issuedAtMs >= Date.now() + minute - 5_000, 'what was decided goes on holding');
    const adopted = await desk().adoptOrders(policy);
    assert.equal(adopted?.kind, 'sealed');
    assert.equal((await orderOf(1, 'r1'))?.model.version, '1.2.0');
  });

  it('never signs a lease that somebody put into the store', async () => {
    await desk().write({ policy, seq: 0, record: exposure });
    const endMs = Date.now() + 1e9;
    await fleet.store.put(fleetKeys.lease(policy, 't1'), json({ trialId: 't1', renewedAtMs: 0, endMs }));
    await desk().refreshOrders(policy);
    assert.deepEqual((await sealed(0))?.leases, []);
    await desk().renewLease({ policy, trialId: 't1', atMs: Date.now(), leaseMs: minute });
    assert.ok((await sealed(0))!.leases[0]!.leaseMs <= minute);
  });

  it('carries on no seal that was changed, and signs anew what this process signed', async () => {
    const own = desk();
    await own.write({ policy, seq: 0, record: record() });
    const stored = await readSeal(fleet.store, policy, 0);
    const forged = { ...stored!.seal, orders: '0'.repeat(64), issuedAtMs: stored!.seal.issuedAtMs + 1 };
    await fleet.store.put(fleetKeys.seal(policy, 0), json({ ...stored!.envelope, signed: forged }));
    aheadMs = minute;
    assert.equal((await desk().refreshOrders(policy))?.kind, 'unsealed');
    assert.equal((await own.refreshOrders(policy))?.kind, 'sealed');
    assert.equal((await sealed(0))?.orders, stored?.seal.orders);
  });

  it('ends the lease of a trial it closes, and gives no way back to an attempt that wakes late', async () => {
    const late = desk();
    await late.write({ policy, seq: 0, record: exposure });
    await late.renewLease({ policy, trialId: 't1', atMs: Date.now() });
    const { kind: _, ...snapshot } = record() as Extract<AssignmentRecord, { kind: 'assign' }>;
    await desk().write({ policy, seq: 1, record: { kind: 'closeTrial', closedTrialId: 't1', ...snapshot } });
    assert.deepEqual((await sealed(1))?.leases, []);
    assert.equal((await late.write({ policy, seq: 0, record: exposure })).kind, 'written');
    await late.refreshOrders(policy);
    assert.equal((await orderOf(1, 'r1'))?.model.version, '1.0.0');
    assert.equal((await late.renewLease({ policy, trialId: 't1', atMs: Date.now() })).kind, 'refused');
  });

  it('follows the baseline’s alias, with the same orders otherwise', async () => {
    await desk().write({ policy, seq: 0, record: exposure });
    const before = await orderOf(0, 'r1');
    const move = { policy, operationId: 'baseline', ...who };
    await moveAliases({ store: fleet.store, clock: Date.now }, move, () => ({ baseline: '1.2.0' }));
    await desk().refreshOrders(policy);
    const after = await orderOf(0, 'r1');
    assert.equal(after?.baseline?.version, '1.2.0');
    assert.equal(canonicalJson({ ...after, baseline: null }), canonicalJson({ ...before, baseline: null }));
  });
});
