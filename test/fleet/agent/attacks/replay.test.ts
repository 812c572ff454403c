import assert from 'node:assert/strict';

import { recordEpisode, frameAt, until } from '../robot.ts';
import { candidateOrder, championOrder, day, hour, minute, openSignedFleet, type SignedFleet } from './signed-fleet.ts';

describe('through a gateway that replays, a robot', () => {
  let fleet: SignedFleet;
  beforeEach(async () => {
    fleet = await openSignedFleet();
  });
  afterEach(() => fleet.close());

  const two = async () => ({ old: await fleet.release('1.0.0'), champion: await fleet.release('1.1.0') });

  it('does not obey place 3 after place 900, and says that it looks like a replay', async () => {
    const { old, champion } = await two();
    const early = fleet.word(championOrder(3, old, old));
    fleet.aheadMs = hour;
    fleet.say(championOrder(900, champion, old));
    await fleet.open();
    await fleet.runs('1.1.0');
    fleet.gateway.setWord(early);
    await fleet.told({ outcome: 'refused', reason: 'replayedOrder', assignmentSeq: 3, version: '1.1.0' });
    await fleet.asked();
    await fleet.runs('1.1.0');
  });

  it('is not rolled back to an old release by its old order, but by a newer order that names it', async () => {
    const { old, champion } = await two();
    const early = fleet.word(championOrder(1, old, old));
    fleet.aheadMs = hour;
    fleet.say(championOrder(2, champion, old));
    await fleet.open();
    await fleet.runs('1.1.0');
    fleet.gateway.setWord(early);
    await fleet.told({ reason: 'replayedOrder', assignmentSeq: 1 });
    await fleet.runs('1.1.0');
    fleet.say(championOrder(3, old, old));
    await fleet.runs('1.0.0');
  });

  it('does not obey an overtaken order after a restart either', async () => {
    const { old, champion } = await two();
    const early = fleet.word(championOrder(1, old, old));
    fleet.aheadMs = hour;
    fleet.say(championOrder(2, champion, old));
    await (await fleet.open()).close();
    const first = await fleet.open();
    await fleet.runs('1.1.0');
    await first.crash();
    fleet.gateway.setWord(early);
    await fleet.open();
    await fleet.told({ reason: 'replayedOrder', assignmentSeq: 1 });
    await fleet.runs('1.1.0');
  });

  it('bears with a gateway that looked a moment earlier than another one: no alarm, no way back', async () => {
    const { old, champion } = await two();
    const early = fleet.word(championOrder(1, old, old));
    fleet.say(championOrder(2, champion, old));
    await fleet.open();
    await fleet.runs('1.1.0');
    fleet.gateway.setWord(early);
    await fleet.asked();
    await fleet.runs('1.1.0');
    assert.deepEqual(
      fleet.gateway.reports.filter(({ outcome }) => outcome === 'refused'),
      [],
    );
  });

  it('is frozen by no words that were hoarded: what was signed longer ago than it is valid is refused', async () => {
    const { old, champion } = await two();
    const hoarded = fleet.word(championOrder(2, champion, old), { atMs: 10 * minute });
    fleet.say(championOrder(1, old, old));
    await fleet.open();
    await fleet.runs('1.0.0');
    fleet.aheadMs = 3 * day;
    fleet.gateway.setWord(hoarded);
    await fleet.told({ outcome: 'refused', reason: 'expiredOrder', assignmentSeq: 2 });
    await fleet.runs('1.0.0');
  });

  it('counts 304 for ever as contact, and not as a fresh word: after a day it says so, after 14 days it is on the baseline', async () => {
    const { old, champion } = await two();
    fleet.say(championOrder(2, champion, old));
    const agent = await fleet.open();
    await fleet.runs('1.1.0');
    await until('the baseline is on the disk', async () => {
      await recordEpisode(agent);
      return fleet.gateway.requests.some((request) => request.endsWith('/1.0.0/model.onnx'));
    });
    await fleet.asked();
    fleet.aheadMs = 25 * hour;
    await fleet.told({ outcome: 'refused', reason: 'noFreshOrder', version: '1.1.0' });
    await fleet.asked();
    await fleet.runs('1.1.0');
    fleet.aheadMs = 15 * day;
    await fleet.runs('1.0.0');
    await fleet.told({ outcome: 'fellBack', reason: 'noFreshOrder', version: '1.0.0' });
    await until('gateways answered all the time', () => agent.status().contactlessMs < minute);
    fleet.say(championOrder(2, champion, old));
    await fleet.runs('1.1.0');
  });

  it('counts a gateway that leaves the seal out as contact only', async () => {
    const { old, champion } = await two();
    const word = fleet.say(championOrder(2, champion, old));
    const agent = await fleet.open();
    await fleet.runs('1.1.0');
    fleet.gateway.setWord({ body: null, etag: word.etag });
    fleet.aheadMs = 2 * hour;
    await fleet.asked();
    await until('contact', () => agent.status().contactlessMs < minute);
    assert.ok(agent.status().unfreshMs >= 2 * hour);
  });

  it('stops safely once for one order, however often it comes', async () => {
    const { old, champion } = await two();
    let stops = 0;
    fleet.say(championOrder(1, old, old));
    const agent = await fleet.open({
      onSafeStop: async () => {
        stops += 1;
        // A robot that goes on all the same.
        setTimeout(() => agent.busy(), 1);
      },
    });
    await fleet.runs('1.0.0');
    agent.busy();
    const stop = { ...championOrder(2, champion, old), urgency: 'safeStop' as const };
    for (let time = 0; time < 20; time++) {
      fleet.say(stop);
      await fleet.asked(1);
    }
    await until('stopped', () => stops > 0);
    assert.equal(stops, 1);
    agent.idle();
    await fleet.runs('1.1.0');
    assert.equal(agent.status().installedVersion, '1.1.0');
    agent.record(frameAt(0));
    fleet.say(stop);
    await fleet.asked();
    assert.equal(stops, 1);
  });

  describe('with leases', () => {
    const three = async () => ({ ...(await two()), candidate: await fleet.release('1.2.0') });

    it('ends a lease at its signing plus its duration, whatever header says more and however often it comes', async () => {
      const { old, champion, candidate } = await three();
      fleet.gateway.leaseRemainingMs = 1e15;
      const word = fleet.say(candidateOrder(5, candidate, champion, old), { leaseMs: hour });
      await fleet.open();
      await fleet.runs('1.2.0');
      fleet.aheadMs = 59 * minute;
      fleet.gateway.setWord({ ...word, etag: '"again"' });
      await fleet.asked();
      await fleet.runs('1.2.0');
      fleet.aheadMs = 61 * minute;
      await fleet.runs('1.1.0');
      fleet.gateway.setWord({ ...word, etag: '"and-again"' });
      await fleet.asked();
      await fleet.runs('1.1.0');
      await fleet.told({ outcome: 'fellBack', reason: 'leaseExpired' });
    });

    it('believes no lease beyond 24 h, even one that was signed', async () => {
      const { old, champion, candidate } = await three();
      fleet.say(candidateOrder(5, candidate, champion, old), { leaseMs: 300 * day });
      await fleet.open();
      await fleet.runs('1.2.0');
      fleet.aheadMs = 24 * hour + minute;
      await fleet.runs('1.1.0');
    });

    it('goes on with a candidate as long as somebody signs, and not by a lease of another trial', async () => {
      const { old, champion, candidate } = await three();
      const order = candidateOrder(5, candidate, champion, old);
      const { etag } = fleet.say(order, { leaseMs: hour });
      await fleet.open();
      await fleet.runs('1.2.0');
      fleet.aheadMs = 50 * minute;
      fleet.gateway.setWord({ ...fleet.word(order, { leaseMs: hour }), etag });
      await fleet.asked();
      fleet.aheadMs = 100 * minute;
      await fleet.asked();
      await fleet.runs('1.2.0');
      fleet.gateway.setWord({
        ...fleet.word(order, { seal: { leases: [{ trialId: 'other', leaseMs: hour }] } }),
        etag,
      });
      await fleet.runs('1.1.0');
    });
  });
});
