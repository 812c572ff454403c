import assert from 'node:assert/strict';

import { bodyName } from '../../../../policies/version-bodies.ts';
import { recordEpisode, until } from '../robot.ts';
import {
  candidateOrder,
  championOrder,
  day,
  hour,
  minute,
  openSignedFleet,
  ownBody,
  type SignedFleet,
} from './signed-fleet.ts';

const pickers = 'pickers';

describe('a robot that is moved to another policy', () => {
  let fleet: SignedFleet;
  beforeEach(async () => {
    fleet = await openSignedFleet();
  });
  afterEach(() => fleet.close());

  /** A robot that runs 1.1.0 of `walls`, and an order of `pickers` for 2.0.0. */
  const onWalls = async () => {
    const [old, champion] = [await fleet.release('1.0.0'), await fleet.release('1.1.0')];
    const other = await fleet.release('2.0.0', { policy: pickers });
    fleet.say(championOrder(900, champion, old));
    const agent = await fleet.open();
    await fleet.runs('1.1.0');
    const order = (seq: number, reference = other) => ({ ...championOrder(seq, reference, other), policy: pickers });
    return { agent, old, champion, other, order };
  };
  /** The robot refuses it in these words, and stays where it is. */
  const staysFor = async (
    reason:
      | 'forgedOrder'
      | 'wrongRobot'
      | 'expiredOrder'
      | 'replayedOrder'
      | 'wrongRobotType'
      | 'wrongPolicy'
      | 'revokedKey',
    stays = '1.1.0',
  ) => {
    await fleet.told({ outcome: 'refused', reason });
    await fleet.asked();
    await fleet.runs(stays);
  };

  it('obeys the other one from the signed transfer on, and the former one no more', async () => {
    const { champion, old, order } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    fleet.say(championOrder(901, champion, old));
    await staysFor('wrongPolicy', '2.0.0');
  });

  it('goes on with it after its process died, without the transfer', async () => {
    const { agent, order, other } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    await agent.crash();
    await fleet.open();
    fleet.say(order(4, await fleet.release('2.1.0', { policy: pickers })));
    await fleet.runs('2.1.0');
    assert.equal(other.version, '2.0.0');
  });

  it('obeys no order of the other one without a transfer', async () => {
    const { order } = await onWalls();
    fleet.say(order(3));
    await staysFor('wrongPolicy');
  });

  for (const [what, forged] of Object.entries({
    'a stranger’s': (now: SignedFleet) => now.transfer({ by: now.stranger() }),
    'the release key’s': (now: SignedFleet) => now.transfer({ by: now.key('release') }),
    'of another epoch': (now: SignedFleet) => now.transfer({ epoch: 7 }),
    'no document at all': () => 'e30',
    endless: () => 'A'.repeat(9_000),
  }))
    it(`takes no forged transfer: ${what}`, async () => {
      const { order } = await onWalls();
      fleet.say(order(3), { transfer: forged(fleet) });
      await staysFor('forgedOrder');
    });

  it('takes no transfer that was changed after it was signed', async () => {
    const { order } = await onWalls();
    const signed = JSON.parse(Buffer.from(fleet.transfer({ to: 'sweepers' }), 'base64url').toString()) as {
      signed: { to: string };
    };
    signed.signed.to = pickers;
    fleet.say(order(3), { transfer: Buffer.from(JSON.stringify(signed)).toString('base64url') });
    await staysFor('forgedOrder');
  });

  it('takes no transfer by a key that was revoked', async () => {
    const { order, champion, old } = await onWalls();
    const stolen = fleet.key('order');
    const transfer = fleet.transfer();
    fleet.revoke(stolen.keyId);
    fleet.publishRoots();
    fleet.say(championOrder(901, champion, old));
    await until('knows the new root', () => fleet.gateway.requests.some((asked) => asked.endsWith('/roots/2')));
    fleet.say(order(3), { transfer });
    await staysFor('revokedKey');
  });

  it('takes no transfer of another robot', async () => {
    const { order } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer({ robotId: 'robot-2' }) });
    await staysFor('wrongRobot');
  });

  it('takes no transfer to a policy for another body', async () => {
    const { order } = await onWalls();
    const robotType = { id: 'scitos-g5', version: 2, digest: 'e'.repeat(64) };
    fleet.say(order(3), { transfer: fleet.transfer({ robotType }) });
    await staysFor('wrongRobotType');
    const detail = `expected a policy for ${bodyName(ownBody)}, got a transfer to ${pickers} for scitos-g5@2 (eeeeeeee)`;
    await fleet.told({ reason: 'wrongRobotType', detail });
  });

  it('takes no transfer from a policy that it does not follow', async () => {
    const { order } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer({ from: ['sweepers'] }) });
    await staysFor('wrongPolicy');
  });

  it('takes no transfer that is out of date, whatever its wall clock says', async () => {
    const { order, champion, old } = await onWalls();
    const transfer = fleet.transfer({ validForMs: hour });
    fleet.aheadMs = 3 * hour;
    fleet.say(championOrder(901, champion, old));
    await until('renewed', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 901));
    fleet.say(order(3), { transfer });
    await staysFor('expiredOrder');
  });

  it('is not moved again by a transfer that it took before, nor by one that it never saw and that was overtaken', async () => {
    const { order, champion, old } = await onWalls();
    const unseen = fleet.transfer();
    const first = fleet.transfer();
    fleet.say(order(3), { transfer: first });
    await fleet.runs('2.0.0');
    const back = fleet.transfer({ from: [pickers], to: 'walls' });
    fleet.say(championOrder(901, champion, old), { transfer: back });
    await fleet.runs('1.1.0');
    fleet.aheadMs = hour;
    fleet.say(championOrder(902, champion, old), { transfer: back });
    await until('heard', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 902));
    for (const transfer of [first, unseen]) {
      fleet.say(order(4), { transfer });
      await staysFor('replayedOrder');
    }
  });

  it('bears with a gateway that knows of an earlier transfer a moment longer than others', async () => {
    const { order, champion, old } = await onWalls();
    const first = fleet.transfer();
    fleet.say(order(3), { transfer: first });
    await fleet.runs('2.0.0');
    fleet.say(championOrder(901, champion, old), { transfer: fleet.transfer({ from: [pickers], to: 'walls' }) });
    await fleet.runs('1.1.0');
    fleet.say(championOrder(902, champion, old), { transfer: first });
    await until('obeys', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 902));
    assert.ok(fleet.gateway.reports.every(({ outcome }) => outcome !== 'refused'));
  });

  it('is taken back to no old place when it comes back', async () => {
    const { order, champion, old } = await onWalls();
    const early = fleet.word(championOrder(899, old, old));
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    fleet.aheadMs = hour;
    const back = fleet.transfer({ from: [pickers], to: 'walls' });
    fleet.gateway.setWord({ ...early, transfer: back });
    await staysFor('replayedOrder', '2.0.0');
    fleet.say(championOrder(899, old, old), { transfer: back });
    await fleet.asked();
    await fleet.runs('2.0.0');
    fleet.say(championOrder(901, champion, old), { transfer: back });
    await fleet.runs('1.1.0');
  });

  it('is given no word of two days ago, coming back after a rotation', async () => {
    const { order, champion, old } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    fleet.rotate('order');
    fleet.publishRoots();
    fleet.say(order(4));
    await until('obeys the new key', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 4));
    const transfer = fleet.transfer({ from: [pickers], to: 'walls' });
    const stale = fleet.word(championOrder(901, champion, old), { transfer });
    fleet.aheadMs = 2 * day;
    fleet.gateway.setWord(stale);
    await staysFor('expiredOrder', '2.0.0');
    fleet.say(championOrder(901, champion, old), { transfer });
    await fleet.runs('1.1.0');
  });

  it('is given no word of two days ago by a transfer of a key that it sees for the first time', async () => {
    const { order, champion, old } = await onWalls();
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    fleet.rotate('order');
    fleet.publishRoots();
    const transfer = fleet.transfer({ from: [pickers], to: 'walls' });
    const stale = fleet.word(championOrder(901, champion, old), { transfer });
    fleet.aheadMs = 2 * day;
    fleet.gateway.setWord(stale);
    await staysFor('expiredOrder', '2.0.0');
  });

  it('obeys no order of the other one that was signed long before the transfer', async () => {
    const { order } = await onWalls();
    const stale = fleet.word(order(3));
    fleet.aheadMs = hour;
    fleet.gateway.setWord({ ...stale, transfer: fleet.transfer() });
    await staysFor('replayedOrder');
  });

  it('is moved by no transfer alone: with an order of its own policy it stays', async () => {
    const { champion, old, order } = await onWalls();
    const transfer = fleet.transfer();
    fleet.say(championOrder(901, champion, old), { transfer });
    await until('obeys', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 901));
    fleet.say(order(3));
    await staysFor('wrongPolicy');
    fleet.say(order(3), { transfer });
    await fleet.runs('2.0.0');
  });

  it('finds the way when it missed one in between', async () => {
    const { order } = await onWalls();
    fleet.transfer({ to: 'sweepers' });
    fleet.say(order(3), { transfer: fleet.transfer({ from: ['walls', 'sweepers'] }) });
    await fleet.runs('2.0.0');
  });

  it('lets the candidate of its former policy go at once, for what ran before, until the other version has come', async () => {
    const { champion, old, order } = await onWalls();
    const candidate = await fleet.release('1.2.0');
    fleet.say(candidateOrder(901, candidate, champion, old));
    await fleet.runs('1.2.0');
    let isHeldBack = true;
    fleet.gateway.serveBadly = (file) => isHeldBack && file.startsWith('pickers/2.0.0/model');
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('1.1.0');
    isHeldBack = false;
    fleet.gateway.serveBadly = () => false;
    fleet.say(order(4, await fleet.release('2.1.0', { policy: pickers })));
    await fleet.runs('2.1.0');
  });

  it('tells what it did for its former policy as that one’s, whenever it comes to tell it', async () => {
    const { agent, order } = await onWalls();
    fleet.gateway.refuse = (path) => (path.endsWith('/telemetry') ? 503 : undefined);
    await recordEpisode(agent);
    fleet.say(order(3), { transfer: fleet.transfer() });
    await fleet.runs('2.0.0');
    await recordEpisode(agent, { startUs: (Date.now() + minute) * 1000 });
    fleet.gateway.refuse = () => undefined;
    const versions = () => [...fleet.gateway.entries.values()].filter(({ kind }) => kind === 'episode');
    await until('both told', () => versions().length === 2, 20_000);
    const told = fleet.gateway.batches.flatMap(({ entries }, index) =>
      entries.map(({ kind, policyVersion }) => [kind, policyVersion, fleet.gateway.batchPolicies[index]]),
    );
    const episodes = told.filter(([kind]) => kind === 'episode');
    assert.deepEqual(
      episodes.map(([, version, policy]) => [version, policy]),
      [
        ['1.1.0', 'walls'],
        ['2.0.0', pickers],
      ],
    );
    for (const [, version, policy] of told)
      if (version !== null) assert.equal(policy, version?.startsWith('1') ? 'walls' : pickers);
  });

  it('says nothing against an old transfer to where it is already', async () => {
    const other = await fleet.release('2.0.0', { policy: pickers });
    const transfer = fleet.transfer({ validForMs: minute });
    const order = (seq: number) => ({ ...championOrder(seq, other, other), policy: pickers });
    fleet.say(order(3));
    await fleet.open();
    await fleet.runs('2.0.0');
    fleet.aheadMs = hour;
    fleet.say(order(4), { transfer });
    await until('obeys', () => fleet.gateway.heartbeats.some(({ assignmentSeq }) => assignmentSeq === 4));
    assert.ok(fleet.gateway.reports.every(({ outcome }) => outcome !== 'refused'));
  });

  it('takes a transfer that waited while it was switched off, within a month', async () => {
    const { order, agent } = await onWalls();
    const transfer = fleet.transfer();
    await agent.close();
    fleet.aheadMs = 20 * day;
    await fleet.open();
    fleet.say(order(3), { transfer });
    await fleet.runs('2.0.0');
  });
});
