import assert from 'node:assert/strict';

import type { DesiredAnswer, ModelReference } from '../../../../fleet/protocol/index.ts';
import { bodyName } from '../../../../policies/version-bodies.ts';
import { publish } from '../fleet-keys.ts';
import { candidateOrder, championOrder, openSignedFleet, ownBody, type SignedFleet } from './signed-fleet.ts';

describe('through a gateway that forges, a robot', () => {
  let fleet: SignedFleet;
  beforeEach(async () => {
    fleet = await openSignedFleet();
  });
  afterEach(() => fleet.close());

  /** A robot on 1.1.0 by place 1, and a version that it must not run. */
  const settled = async () => {
    const old = await fleet.release('1.0.0');
    const champion = await fleet.release('1.1.0');
    const other = await fleet.release('1.2.0');
    fleet.say(championOrder(1, champion, old));
    const agent = await fleet.open();
    await fleet.runs('1.1.0');
    return { old, champion, other, agent };
  };

  async function stays(): Promise<void> {
    await fleet.asked();
    await fleet.runs('1.1.0');
    assert.ok(!fleet.gateway.requests.some((request) => request.includes('/1.2.0/model.onnx')));
  }

  it('obeys no order without a signature', async () => {
    const { old, other } = await settled();
    fleet.gateway.setWord({ body: championOrder(2, other, old), etag: '"plain"' });
    await fleet.told({ outcome: 'refused', reason: 'unsignedOrder', attempted: '1.2.0', version: '1.1.0' });
    await stays();
  });

  it('obeys none from its first contact on, if it was given a root', async () => {
    const old = await fleet.release('1.0.0');
    fleet.gateway.setWord({ body: championOrder(2, old, old), etag: '"plain"' });
    const agent = await fleet.open();
    await fleet.told({ reason: 'unsignedOrder', attempted: '1.0.0' });
    assert.equal(agent.policy(), undefined);
  });

  it('obeys no order that a stranger signed, nor one that a release key signed', async () => {
    const { old, other } = await settled();
    fleet.say(championOrder(2, other, old), { by: fleet.stranger() });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 2 });
    fleet.say(championOrder(3, other, old), { by: fleet.key('release') });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 3 });
    await stays();
  });

  it('obeys no order that was changed after it was signed, and no epoch that its key does not have', async () => {
    const { old, other } = await settled();
    const word = fleet.word(championOrder(2, other, old));
    const body = word.body as { order: DesiredAnswer };
    fleet.gateway.setWord({ ...word, body: { ...body, order: { ...body.order, urgency: 'safeStop' } } });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 2 });
    fleet.say(championOrder(3, other, old), { seal: { epoch: 2 } });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 3 });
    await stays();
  });

  it('obeys no order of another robot, rightly signed as it is', async () => {
    const { old, champion, other } = await settled();
    const options = { own: { 'robot-2': championOrder(2, other, old) } };
    fleet.say(championOrder(2, champion, old), { ...options, to: 'robot-2' });
    await fleet.told({ reason: 'wrongRobot', attempted: '1.2.0', assignmentSeq: 2 });
    await stays();
  });

  it('does not take the order of all others where it was left without one', async () => {
    const { old, other } = await settled();
    const options = { unserved: ['robot-1'] };
    const forAll = fleet.say(championOrder(2, other, old), { ...options, to: 'robot-77' });
    await fleet.told({ reason: 'wrongRobot', attempted: '1.2.0', assignmentSeq: 2 });
    await stays();
    const none = fleet.word(championOrder(2, other, old), options);
    const { order } = forAll.body as { order: unknown };
    fleet.gateway.setWord({ ...none, body: { ...(none.body as object), order } });
    await fleet.told({ reason: 'forgedOrder', assignmentSeq: 2 });
    await stays();
  });

  it('does not take the order of all others for its own where it has one', async () => {
    const { old, champion, other } = await settled();
    const options = { own: { 'robot-1': championOrder(2, champion, old) } };
    fleet.say(championOrder(2, other, old), { ...options, to: 'robot-77' });
    await fleet.told({ reason: 'wrongRobot', attempted: '1.2.0' });
    await stays();
    fleet.say(championOrder(2, other, old), options);
    await fleet.asked();
    await stays();
  });

  it('obeys no order of another policy, nor one for another robot type', async () => {
    const { old, other } = await settled();
    fleet.say({ ...championOrder(2, other, old), policy: 'doors' });
    await fleet.told({ reason: 'wrongPolicy', assignmentSeq: 2 });
    fleet.say(championOrder(3, other, old), { robotType: { digest: '0'.repeat(64) } });
    const detail = `expected an order for ${bodyName(ownBody)}, got one for scitos-g5@1 (00000000)`;
    await fleet.told({ reason: 'wrongRobotType', assignmentSeq: 3, attempted: '1.2.0', detail });
    fleet.say(championOrder(4, other, old), { robotType: { version: 9 } });
    await fleet.told({ reason: 'wrongRobotType', assignmentSeq: 4 });
    await stays();
  });

  it('runs no candidate that is ordered without a lease', async () => {
    const { old, champion, other } = await settled();
    fleet.say({ ...candidateOrder(2, other, champion, old), isLeased: false });
    await fleet.told({ reason: 'unleasedCandidate', attempted: '1.2.0' });
    fleet.say({ ...candidateOrder(3, other, champion, old), trialId: null });
    await fleet.told({ reason: 'unleasedCandidate', assignmentSeq: 3 });
    await stays();
  });

  it('obeys one order under one number: the second is mix and match', async () => {
    const { old, other } = await settled();
    fleet.say(championOrder(1, other, old));
    await fleet.told({ reason: 'mixedOrder', assignmentSeq: 1, attempted: '1.2.0' });
    await stays();
  });

  it('takes a second order under one number by its higher count alone: its body, or what serves it, changed', async () => {
    const { old, champion, other } = await settled();
    const fitted = (model: ModelReference, fit: number): DesiredAnswer & { readonly fit: number } => ({
      ...championOrder(1, model, old),
      fit,
    });
    fleet.say(fitted(other, 2));
    await fleet.runs('1.2.0');
    fleet.say(fitted(champion, 2));
    await fleet.told({ reason: 'mixedOrder', assignmentSeq: 1, attempted: '1.1.0' });
    fleet.say(fitted(champion, 1));
    await fleet.asked();
    await fleet.runs('1.2.0');
    fleet.say(fitted(champion, 3));
    await fleet.runs('1.1.0');
  });

  it('does not mix one version’s manifest or model with another’s', async () => {
    const { old, other } = await settled();
    const { files } = fleet.gateway;
    for (const name of ['manifest.json', 'model.onnx', 'golden.json'])
      files.set(`walls/1.2.0/${name}`, files.get(`walls/1.0.0/${name}`)!);
    fleet.say(championOrder(2, other, old));
    await fleet.told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.2.0' });
    await fleet.runs('1.1.0');
  });

  it('installs no model that nobody signed, and none that was made for another robot type', async () => {
    const { old } = await settled();
    const { keyId, sign } = fleet.stranger();
    const stranger = { publicKeyPem: '', publicKeyId: keyId, sign };
    const unsigned = await publish(fleet.gateway, stranger, '1.3.0', { seed: 9 });
    fleet.say(championOrder(2, unsigned, old));
    await fleet.told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.3.0' });
    const foreign = await fleet.release('1.4.0', { robotTypeDigest: '1'.repeat(64) });
    fleet.say(championOrder(3, foreign, old));
    await fleet.told({ outcome: 'refused', reason: 'wrongRobotType', attempted: '1.4.0' });
    await fleet.runs('1.1.0');
  });
});
