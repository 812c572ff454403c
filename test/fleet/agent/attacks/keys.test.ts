import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { signatureOf } from '../../../../activities/adapters/key-folder.ts';
import { currentOrderKey, currentReleaseKey } from '../../../../domain/trust/root.ts';
import { sealHeader } from '../../../../fleet/protocol/index.ts';
import { fleetKeys, publish } from '../fleet-keys.ts';
import { until } from '../robot.ts';
import { pemOf } from '../../../support/keys.ts';
import { championOrder, hour, openSignedFleet, type SignedFleet } from './signed-fleet.ts';

describe('when keys change, are lost or stolen, a robot', () => {
  let fleet: SignedFleet;
  beforeEach(async () => {
    fleet = await openSignedFleet();
  });
  afterEach(() => fleet.close());

  it('follows new release and order keys untouched, and loads what the earlier ones signed', async () => {
    const old = await fleet.release('1.0.0');
    fleet.say(championOrder(1, old, old));
    const first = await fleet.open();
    await fleet.runs('1.0.0');
    fleet.rotate('release');
    fleet.rotate('order');
    fleet.publishRoots();
    const next = await fleet.release('1.1.0');
    fleet.say(championOrder(2, next, old));
    await fleet.runs('1.1.0');
    fleet.say(championOrder(3, old, old));
    await fleet.runs('1.0.0');
    await first.close();
    await fleet.open();
    await fleet.runs('1.0.0');
  });

  it('was away for years and takes every root that came meanwhile, one after the other', async () => {
    for (let time = 0; time < 5; time++) fleet.rotate('order');
    fleet.rotate('release');
    fleet.publishRoots();
    const version = await fleet.release('2.0.0');
    fleet.say(championOrder(7, version, version));
    await fleet.open();
    await fleet.runs('2.0.0');
  });

  it('obeys a stolen order key no longer once it is revoked, whatever the thief signs', async () => {
    const old = await fleet.release('1.0.0');
    const other = await fleet.release('1.1.0');
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    const stolen = fleet.key('order');
    fleet.revoke(stolen.keyId);
    fleet.publishRoots();
    fleet.say(championOrder(2, other, old), { by: stolen, seal: { epoch: 1 } });
    await fleet.told({ reason: 'revokedKey', assignmentSeq: 2 });
    await fleet.asked();
    await fleet.runs('1.0.0');
    fleet.say(championOrder(2, other, old));
    await fleet.runs('1.1.0');
  });

  it('is freed by a new order key after a thief signed place 2^48 and a moment in the far future (fast-forward)', async () => {
    const old = await fleet.release('1.0.0');
    const other = await fleet.release('1.1.0');
    fleet.say(championOrder(2 ** 48, old, old), { atMs: 300 * 24 * hour });
    await fleet.open();
    await fleet.runs('1.0.0');
    fleet.say(championOrder(5, other, old));
    await fleet.told({ outcome: 'refused', assignmentSeq: 5 });
    await fleet.runs('1.0.0');
    fleet.revoke(fleet.key('order').keyId);
    fleet.publishRoots();
    fleet.say(championOrder(5, other, old));
    await fleet.runs('1.1.0');
  });

  it('refuses the earlier order key’s words once it has heard the later one', async () => {
    const old = await fleet.release('1.0.0');
    const other = await fleet.release('1.1.0');
    const earlier = fleet.key('order');
    fleet.rotate('order');
    fleet.publishRoots();
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    fleet.say(championOrder(2, other, old), { by: earlier, seal: { epoch: 1 } });
    await fleet.told({ reason: 'replayedOrder', assignmentSeq: 2 });
    await fleet.runs('1.0.0');
  });

  it('installs nothing that a revoked release key signed, and takes it when it was signed anew', async () => {
    const old = await fleet.release('1.0.0');
    const stolen = fleet.key('release');
    const evil = await fleet.release('6.6.6');
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    fleet.revoke(stolen.keyId);
    fleet.publishRoots();
    fleet.say(championOrder(2, evil, old));
    await fleet.told({ outcome: 'refused', reason: 'revokedKey', attempted: '6.6.6' });
    await fleet.runs('1.0.0');
    const { keyId, sign } = fleet.key('release');
    const again = await publish(fleet.gateway, { publicKeyPem: '', publicKeyId: keyId, sign }, '6.6.7', { seed: 77 });
    fleet.say(championOrder(3, again, old));
    await fleet.runs('6.6.7');
  });

  it('takes no root that is not signed by the one it trusts, skips none, and goes on', async () => {
    const old = await fleet.release('1.0.0');
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    const thief = fleet.stranger();
    const { keyId, publicKey } = thief;
    const root = fleet.root();
    const forged = {
      ...root,
      version: 2,
      rootKeys: [{ keyId, publicKey }],
      orderKeys: [{ keyId, publicKey, epoch: 9, notAfterMs: 9e12 }],
    };
    fleet.gateway.roots.set(2, { signed: forged, signatures: [signatureOf(thief, forged)] });
    await fleet.told({ outcome: 'refused', reason: 'forgedRoot' });
    const seal = { kind: 'flywheel.seal/1' };
    fleet.gateway.setWord({ body: null, seal: sealHeader({ signed: seal, signatures: [] }), etag: '"none"' });
    await fleet.asked();
    await fleet.runs('1.0.0');
    fleet.gateway.roots.delete(2);
    fleet.rotate('order');
    fleet.publishRoots();
    const other = await fleet.release('1.1.0');
    fleet.say(championOrder(2, other, old));
    await fleet.runs('1.1.0');
  });

  it('takes no order that an expired order key signed', async () => {
    const old = await fleet.release('1.0.0');
    const other = await fleet.release('1.1.0');
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    fleet.say(championOrder(2, other, old), { atMs: 366 * 24 * hour });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 2 });
    await fleet.runs('1.0.0');
    assert.ok(currentOrderKey(fleet.root())!.notAfterMs < fleet.nowMs() + 366 * 24 * hour);
    assert.ok(currentReleaseKey(fleet.root())!.notAfterMs > fleet.nowMs() + 366 * 24 * hour);
  });

  describe('that was given one public key', () => {
    it('obeys unsigned orders of a gateway that knows no root, by number and lease, and never an unleased candidate', async () => {
      const keys = fleetKeys();
      const { gateway } = fleet;
      gateway.roots.clear();
      const old = await publish(gateway, keys, '1.0.0', { seed: 1 });
      const other = await publish(gateway, keys, '1.1.0', { seed: 2 });
      gateway.setOrder(championOrder(5, old, old));
      await fleet.open({ root: undefined, publicKeyPem: keys.publicKeyPem });
      await fleet.runs('1.0.0');
      gateway.setOrder(championOrder(3, other, old));
      await fleet.told({ reason: 'replayedOrder', assignmentSeq: 3 });
      gateway.setOrder({ ...championOrder(6, old, old), model: other });
      await fleet.told({ reason: 'unleasedCandidate', assignmentSeq: 6 });
      await fleet.runs('1.0.0');
      gateway.setOrder(championOrder(7, other, old));
      await fleet.runs('1.1.0');
    });

    it('obeys signed orders only, for ever, once it has seen a root that its key signed', async () => {
      const old = await fleet.release('1.0.0');
      const other = await fleet.release('1.1.0');
      const publicKeyPem = pemOf(fleet.root().rootKeys[0]!.publicKey);
      fleet.say(championOrder(1, old, old));
      const first = await fleet.open({ root: undefined, publicKeyPem });
      await fleet.runs('1.0.0');
      assert.equal(first.status().obeysSignedOnly, true);
      await first.close();
      fleet.gateway.roots.clear();
      fleet.gateway.setWord({ body: championOrder(2, other, old), etag: '"plain"' });
      await fleet.open({ root: undefined, publicKeyPem });
      await fleet.told({ reason: 'unsignedOrder', attempted: '1.1.0' });
      await fleet.runs('1.0.0');
    });

    it('begins anew with what it was given when its notes are damaged or it is given something else', async () => {
      const old = await fleet.release('1.0.0');
      fleet.say(championOrder(1, old, old));
      const first = await fleet.open();
      await fleet.runs('1.0.0');
      await first.close();
      const file = path.join(fleet.directory, 'trust.json');
      const kept = JSON.parse(await readFile(file, 'utf8')) as { root: { signatures: unknown[] } };
      await writeFile(file, JSON.stringify({ ...kept, root: { ...kept.root, signatures: [] } }));
      const second = await fleet.open();
      await until('connected', () => second.status().isConnected);
      await fleet.asked();
      await fleet.runs('1.0.0');
      assert.equal(second.status().obeysSignedOnly, true);
    });
  });
});
