import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { championFor, orderFor, type ServedBodies } from '../../../fleet/desk/body-orders.ts';
import { askedSheet } from '../../../fleet/desk/fit-sheet.ts';
import { openDesk, openFleetReader, rebodyRobot } from '../../../fleet/desk/index.ts';
import { notServedText } from '../../../fleet/desk/fleet-view.ts';
import { fleetKeys } from '../../../fleet/desk/keys.ts';
import { plantSheet } from '../../../fleet/desk/order-sheet.ts';
import { readSeal, readSheet, writeSeal } from '../../../fleet/desk/seal-store.ts';
import { bearer, orderDigest, robotDigest, wirePaths } from '../../../fleet/protocol/index.ts';
import { nodeCrypto } from '../../../policies/signatures.ts';
import { identityBody, type VersionBodies, type VersionBody } from '../../../policies/version-bodies.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { approveBody } from '../../../store/records/served-bodies.ts';
import {
  bootId,
  errorType,
  openTestFleet,
  policy,
  post,
  robotTypeReference,
  who,
  type TestFleet,
} from '../../support/gateway.ts';

const body1 = { id: scitosG5Type.id, version: 1 };
const body2 = { id: scitosG5Type.id, version: 2 };
const type2 = { ...scitosG5Type, version: 2 };
const reference2 = { ...body2, digest: robotTypeDigest(type2) };

function listed(robotType: VersionBody['robotType'], standing: VersionBody['standing'] = 'proven'): VersionBody {
  const body = identityBody(scitosG5Type, robotType, { standing, heldOutEpisodes: 7 });
  if (body === undefined) throw new Error('expected a body');
  return body;
}
const both = (standing: VersionBody['standing'] = 'proven'): VersionBodies => ({
  bodies: [listed(robotTypeReference), listed(reference2, standing)],
});

describe('what a body is ordered', () => {
  const serving = (
    table: Readonly<Record<string, readonly number[]>>,
    more: Partial<ServedBodies> = {},
  ): ServedBodies => ({
    serves: (version, body) => table[version]?.includes(body.version) === true,
    formerChampions: ['1.1.0', '1.0.0'],
    withdrawnChampions: [],
    baselineVersion: '0.1.0',
    keptOn: () => undefined,
    ...more,
  });
  const champion = {
    seq: 3,
    version: '2.0.0',
    championVersion: '2.0.0',
    trialId: null,
    urgency: 'safeStop',
    leaseRemainingMs: null,
  } as const;
  const trial = { ...champion, version: '3.0.0', trialId: 't1', leaseRemainingMs: 5_000 } as const;

  it('is the champion, else the newest of before, else the baseline, of those that serve it', () => {
    const all = { '2.0.0': [1], '1.1.0': [1], '1.0.0': [1, 2], '0.1.0': [1, 2, 3] };
    assert.equal(championFor(body1, '2.0.0', serving(all)), '2.0.0');
    assert.equal(championFor(body2, '2.0.0', serving(all)), '1.0.0');
    assert.equal(championFor({ ...body2, version: 3 }, '2.0.0', serving(all)), '0.1.0');
    assert.equal(championFor({ ...body2, version: 4 }, '2.0.0', serving(all)), undefined);
    assert.equal(championFor(body2, '2.0.0', serving({ '2.0.0': [1] }, { baselineVersion: undefined })), undefined);
  });

  it('is the candidate only where that serves it, and then with a champion of its own behind it', () => {
    const served = serving({ '3.0.0': [1, 2], '2.0.0': [1], '1.0.0': [1, 2] });
    assert.deepEqual(orderFor(trial, body1, served), { ...trial, isReplaced: false });
    assert.deepEqual(orderFor(trial, body2, served), { ...trial, championVersion: '1.0.0', isReplaced: false });
    const unserved = serving({ '3.0.0': [1], '2.0.0': [1, 2] });
    assert.deepEqual(orderFor(trial, body2, unserved), {
      ...trial,
      version: '2.0.0',
      trialId: null,
      urgency: 'whenIdle',
      isReplaced: true,
    });
    assert.equal(
      orderFor(
        trial,
        body2,
        serving({ '3.0.0': [1, 2], '2.0.0': [1] }, { formerChampions: [], baselineVersion: undefined }),
      ),
      undefined,
    );
    assert.deepEqual(orderFor(champion, body1, unserved), { ...champion, isReplaced: false });
  });

  it('is as urgent as asked where the robot may run a champion that was taken back, and quiet where it cannot', () => {
    const table = { '2.0.0': [1], '1.0.0': [1, 2], '1.5.0': [2] };
    const urgency = (withdrawnChampions: readonly string[]) =>
      orderFor(champion, body2, serving(table, { withdrawnChampions }))?.urgency;
    assert.deepEqual([urgency(['1.5.0']), urgency(['1.6.0']), urgency([])], ['safeStop', 'whenIdle', 'whenIdle']);
  });

  it('never is a version that does not serve it', () => {
    const versions = ['3.0.0', '2.0.0', '1.1.0', '1.0.0', '0.1.0'];
    const table = fc.dictionary(fc.constantFrom(...versions), fc.uniqueArray(fc.integer({ min: 1, max: 3 })));
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 3 }), fc.constantFrom(champion, trial), (served, version, order) => {
        const body = { ...body1, version };
        const fit = orderFor(order, body, serving(served));
        if (fit === undefined) return;
        assert.ok(served[fit.version]?.includes(version));
        assert.ok(served[fit.championVersion]?.includes(version));
        assert.equal(fit.trialId === null, fit.version === fit.championVersion);
      }),
    );
  });
});

describe('a fleet of two bodies', () => {
  let fleet: TestFleet;
  const tokens = new Map<string, string>();
  const clock = Date.now;

  beforeEach(async () => {
    fleet = await openTestFleet();
    await publishRobotType(fleet.store, type2);
    await fleet.register(new Uint8Array([1]));
    for (const [robotId, version] of [
      ['r1', 1],
      ['r2', 2],
      ['r3', 1],
    ] as const)
      tokens.set(robotId, await fleet.addRobot(robotId, version));
  });
  afterEach(() => fleet.close());

  const sheetNow = async (seq: number) => {
    const seal = (await readSeal(fleet.store, policy, seq))?.seal;
    return readSheet(fleet.store, policy, seal?.orders ?? '');
  };
  const ordered = async (seq: number, robotId: string) => {
    const order = (await sheetNow(seq))?.of(robotId);
    return order && [order.model.version, order.champion.version, order.trialId, order.robotType.version];
  };
  const promote = (version: string, operationId = version) =>
    moveAliases({ store: fleet.store, clock }, { policy, operationId, ...who }, () => ({ champion: version }));
  /** A desk of another process: what it knows it has from the store. */
  const refresh = () =>
    openDesk({ store: fleet.store, sealing: { ...fleet.sealing, clock: () => Date.now() + 60_000 } }).refreshOrders(
      policy,
    );
  const viewOf = async (robotId: string) =>
    (await openFleetReader({ store: fleet.store, clock }).readFleet(policy)).robots.find(
      (robot) => robot.robotId === robotId,
    );
  const handshake = (url: string, robotId: string, robotType: unknown) =>
    post(`${url}${wirePaths.handshake(robotId)}`, tokens.get(robotId) ?? '', {
      protocolVersion: 1,
      agentVersion: '1.0.0',
      bootId,
      clockMs: 1,
      robotType,
      installedVersion: null,
    });

  it('orders nobody what does not serve its body, and signs each order for the body of its robot', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.register(new Uint8Array([3]));
    await promote('1.1.0');
    const t1 = { version: '1.2.0', trialId: 't1', urgency: 'whenIdle' } as const;
    await fleet.assign(0, {
      defaultVersion: '1.1.0',
      championVersion: '1.1.0',
      overrides: [{ ...t1, robotIds: ['r1', 'r2'] }],
    });
    assert.deepEqual(await ordered(0, 'r1'), ['1.2.0', '1.1.0', 't1', 1]);
    assert.deepEqual(await ordered(0, 'r2'), ['1.1.0', '1.1.0', null, 2]);
    assert.deepEqual(await ordered(0, 'r3'), ['1.1.0', '1.1.0', null, 1]);
    assert.equal((await sheetNow(0))?.of('r2')?.robotType.digest, reference2.digest);
    assert.equal((await sheetNow(0))?.of('r2')?.baseline, null);
    assert.equal((await sheetNow(0))?.of('r1')?.baseline?.version, '1.0.0');
    assert.equal((await viewOf('r2'))?.notServed, undefined);
  });

  it('keeps a body that the champion does not serve on the newest champion of before, and says so', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.register(new Uint8Array([3]));
    await promote('1.1.0');
    await promote('1.2.0');
    await fleet.assign(0, { defaultVersion: '1.2.0', championVersion: '1.2.0' });
    assert.deepEqual(await ordered(0, 'r1'), ['1.2.0', '1.2.0', null, 1]);
    assert.deepEqual(await ordered(0, 'r2'), ['1.1.0', '1.1.0', null, 2]);
    const notServed = (await viewOf('r2'))?.notServed;
    assert.deepEqual(notServed, { version: '1.2.0', standing: 'unlisted', keeps: '1.1.0' });
    assert.equal(notServed && notServedText(notServed), 'not served by 1.2.0 (unlisted), keeps 1.1.0');
    const orders = await openFleetReader({ store: fleet.store, clock }).readOrders(policy);
    assert.deepEqual([orders?.('r1')?.version, orders?.('r2')?.version], ['1.2.0', '1.1.0']);
  });

  it('takes a body off a champion that was taken back, as urgently as all others', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.register(new Uint8Array([3]));
    await fleet.register(new Uint8Array([4]), both());
    for (const version of ['1.1.0', '1.2.0', '1.3.0']) await promote(version);
    await fleet.assign(0, { defaultVersion: '1.3.0', championVersion: '1.3.0' });
    assert.deepEqual(await ordered(0, 'r2'), ['1.3.0', '1.3.0', null, 2]);
    await fleet.assign(1, { defaultVersion: '1.2.0', championVersion: '1.2.0', urgency: 'safeStop' });
    const isLeft = async () => {
      assert.deepEqual(await ordered(1, 'r1'), ['1.2.0', '1.2.0', null, 1]);
      assert.deepEqual(await ordered(1, 'r2'), ['1.1.0', '1.1.0', null, 2]);
      assert.equal((await sheetNow(1))?.of('r2')?.urgency, 'safeStop');
      const reader = openFleetReader({ store: fleet.store, clock });
      assert.deepEqual((await reader.readOrders(policy))?.('r2')?.version, '1.1.0');
      assert.equal((await viewOf('r2'))?.notServed?.keeps, '1.1.0');
    };
    await isLeft();
    await promote('1.2.0', 'rollback');
    await refresh();
    await isLeft();
    assert.deepEqual((await sheetNow(1))?.sheet.fits, undefined, 'expected the same orders as before the alias moved');
  });

  it('leaves a body without an order where only a champion that was taken back serves it', async () => {
    await fleet.register(new Uint8Array([2]));
    await fleet.register(new Uint8Array([3]), both());
    for (const version of ['1.1.0', '1.2.0']) await promote(version);
    await fleet.assign(0, { defaultVersion: '1.2.0', championVersion: '1.2.0' });
    assert.deepEqual(await ordered(0, 'r2'), ['1.2.0', '1.2.0', null, 2]);
    for (const [seq, version] of [
      [1, '1.1.0'],
      [2, '1.0.0'],
    ] as const) {
      await fleet.assign(seq, { defaultVersion: version, championVersion: version, urgency: 'safeStop' });
      await promote(version, `rollback-${seq}`);
      await refresh();
      assert.deepEqual((await sheetNow(seq))?.sheet.unserved, ['r2'], version);
      const { unserved, confirmed } =
        (await openFleetReader({ store: fleet.store, clock }).readConfirmations(policy)) ?? {};
      assert.deepEqual([unserved, confirmed?.includes('r2')], [['r2'], false]);
    }
  });

  it('is ordered by a tree in which the order of all others is not for a robot without one', async () => {
    await fleet.register(new Uint8Array([2]), both('unproven'));
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    const sheet = await sheetNow(0);
    const digests = sheet?.sheet.orders.map((order) => orderDigest(order, nodeCrypto)) ?? [];
    const leafOf = (robotId: string) => sheet?.tree.of(robotDigest(robotId, nodeCrypto));
    assert.deepEqual(leafOf('r2')?.place, { robot: robotDigest('r2', nodeCrypto) });
    assert.ok(!digests.includes(leafOf('r2')?.orderDigest ?? ''));
    assert.equal(leafOf('r1')?.orderDigest, digests[0]);
  });

  it('is signed anew where its tree was signed before robots without an order had leaves', async () => {
    await fleet.register(new Uint8Array([2]), both('unproven'));
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    const [stored, today] = [await readSeal(fleet.store, policy, 0), await sheetNow(0)];
    assert.ok(stored !== undefined && today !== undefined);
    const { root } = plantSheet(today.sheet, false).tree;
    assert.notEqual(root, today.tree.root);
    await fleet.store.put(fleetKeys.sheet(policy, root), jsonBytes(today.sheet));
    const seal = { ...stored.seal, orders: root };
    await writeSeal(fleet.store, { seal, envelope: fleet.sealing.orders.sign(seal, clock()) });
    assert.equal((await sheetNow(0))?.tree.root, root, 'expected gateways to read what was signed before');
    assert.deepEqual(await ordered(0, 'r1'), ['1.1.0', '1.1.0', null, 1]);
    assert.equal((await refresh())?.kind, 'sealed');
    assert.equal((await sheetNow(0))?.tree.root, today.tree.root);
  });

  it('loses a version that somebody took away, also where it is proven on it', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await promote('1.1.0');
    await fleet.register(new Uint8Array([3]), both());
    await promote('1.2.0');
    await fleet.assign(0, { defaultVersion: '1.2.0', championVersion: '1.2.0' });
    const say = (kind: 'serve' | 'revoke') =>
      approveBody({ store: fleet.store, clock }, { policy, version: '1.2.0', robotType: body2, ...who }, kind);
    const first = await say('revoke');
    assert.deepEqual(await say('revoke'), first);
    await refresh();
    assert.deepEqual(await ordered(0, 'r2'), ['1.1.0', '1.1.0', null, 2]);
    assert.deepEqual(await ordered(0, 'r1'), ['1.2.0', '1.2.0', null, 1]);
    assert.deepEqual((await viewOf('r2'))?.notServed, { version: '1.2.0', standing: 'revoked', keeps: '1.1.0' });
    await say('serve');
    await refresh();
    assert.deepEqual(await ordered(0, 'r2'), ['1.2.0', '1.2.0', null, 2]);
  });

  it('gives no order to a body that nothing serves, until a person lets a version have it', async () => {
    await fleet.register(new Uint8Array([2]), both('unproven'));
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    assert.deepEqual((await sheetNow(0))?.sheet.unserved, ['r2']);
    assert.equal(await ordered(0, 'r2'), undefined);
    assert.deepEqual((await viewOf('r2'))?.notServed, { version: '1.1.0', standing: 'unproven', keeps: null });
    const reader = openFleetReader({ store: fleet.store, clock });
    assert.equal((await reader.readOrders(policy))?.('r2'), undefined);
    assert.deepEqual((await reader.readConfirmations(policy))?.unserved, ['r2']);
    const gateway = await fleet.startGateway();
    const ask = (orders: string) =>
      fetch(`${gateway.url}${wirePaths.desired('r2', 0)}`, {
        headers: { authorization: bearer(tokens.get('r2') ?? ''), 'flywheel-orders': orders },
      });
    for (const form of ['signed', 'plain']) assert.equal(await errorType(await ask(form)), 'notFound', form);
    await approveBody({ store: fleet.store, clock }, { policy, version: '1.1.0', robotType: body2, ...who });
    assert.equal((await refresh())?.kind, 'sealed');
    assert.deepEqual(await ordered(0, 'r2'), ['1.1.0', '1.1.0', null, 2]);
    assert.equal((await viewOf('r2'))?.notServed, undefined);
    await approveBody({ store: fleet.store, clock }, { policy, version: '1.1.0', robotType: body2, ...who }, 'revoke');
    await refresh();
    assert.equal(await ordered(0, 'r2'), undefined);
    assert.deepEqual(await ordered(0, 'r1'), ['1.1.0', '1.1.0', null, 1]);
  });

  it('follows a robot to its new body, by what was signed and not by what the log says meanwhile', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    const before = await sheetNow(0);
    assert.deepEqual(await ordered(0, 'r3'), ['1.1.0', '1.1.0', null, 1]);
    await rebodyRobot({ store: fleet.store, clock }, { robotId: 'r3', robotType: body2, ...who });
    await refresh();
    assert.deepEqual(await ordered(0, 'r3'), ['1.1.0', '1.1.0', null, 2]);
    assert.deepEqual(
      before && askedSheet(before.sheet),
      askedSheet((await sheetNow(0))?.sheet ?? { orders: [], robots: [] }),
    );
    await rebodyRobot({ store: fleet.store, clock }, { robotId: 'r3', robotType: body1, ...who });
    await refresh();
    assert.deepEqual(
      before && askedSheet(before.sheet),
      askedSheet((await sheetNow(0))?.sheet ?? { orders: [], robots: [] }),
    );
    assert.deepEqual(await ordered(0, 'r3'), ['1.1.0', '1.1.0', null, 1]);
    // A robot takes a second order under one place by its higher count alone, and nobody else's changes.
    assert.deepEqual([(await sheetNow(0))?.of('r3')?.fit, (await sheetNow(0))?.of('r1')?.fit], [2, undefined]);
  });

  it('signs the same orders again as long as no body changes', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    const root = (await readSeal(fleet.store, policy, 0))?.seal.orders;
    for (let turn = 0; turn < 3; turn += 1) await refresh();
    assert.equal((await readSeal(fleet.store, policy, 0))?.seal.orders, root);
  });

  it('tells a robot that says another body than its record', async () => {
    const { url } = await fleet.startGateway();
    assert.equal((await handshake(url, 'r2', reference2)).status, 200);
    const refused = await handshake(url, 'r2', robotTypeReference);
    assert.equal(refused.status, 409);
    assert.match(await refused.text(), /expected robot type scitos-g5@2, got scitos-g5@1/);
    await rebodyRobot({ store: fleet.store, clock }, { robotId: 'r2', robotType: body1, ...who });
    const deadline = Date.now() + 30_000;
    while ((await handshake(url, 'r2', robotTypeReference)).status !== 200)
      assert.ok(Date.now() < deadline, 'expected the gateway to know the new body');
  });

  it('changes bodies within a robot type only, and says what it has', async () => {
    const change = (robotType: { id: string; version: number }) =>
      rebodyRobot({ store: fleet.store, clock }, { robotId: 'r1', robotType, ...who });
    await assert.rejects(change(body1), /expected another body than scitos-g5@1/);
    await assert.rejects(change({ id: 'arm', version: 1 }), /expected a version of scitos-g5, got arm@1/);
    assert.deepEqual((await change(body2)).robotType, body2);
  });

  it('approves only what a version lists as unproven', async () => {
    await fleet.register(new Uint8Array([2]), both('unproven'));
    const approve = (version: string, robotType: { id: string; version: number }, kind?: 'revoke') =>
      approveBody({ store: fleet.store, clock }, { policy, version, robotType, ...who }, kind);
    await assert.rejects(approve('9.0.0', body2), /not registered/);
    await assert.rejects(approve('1.0.0', body2), /expected a body that 1\.0\.0 lists \(scitos-g5@1\)/);
    await assert.rejects(approve('1.1.0', body1), /proven on scitos-g5@1/);
    await assert.rejects(approve('1.1.0', body2, 'revoke'), /expected an approval to withdraw/);
    const first = await approve('1.1.0', body2);
    assert.deepEqual(await approve('1.1.0', body2), first);
  });

  it('passes a damaged list over: its version is ordered as ever, and robots refuse it', async () => {
    await fleet.register(new Uint8Array([2]), both());
    await fleet.store.put(`models/${policy}/1.1.0/bodies.json`, new TextEncoder().encode('{'));
    await fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    assert.equal((await ordered(0, 'r1'))?.[0], '1.1.0');
    await assert.rejects(
      approveBody({ store: fleet.store, clock }, { policy, version: '1.1.0', robotType: body2, ...who }),
      /damaged/,
    );
  });
});
