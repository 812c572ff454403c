import assert from 'node:assert/strict';

import { addressShare } from '../../../fleet/gateway/addresses.ts';
import { DailyQuotas } from '../../../fleet/gateway/daily-quotas.ts';
import { EntryRates } from '../../../fleet/gateway/entry-rates.ts';
import { UploadShares } from '../../../fleet/gateway/upload-shares.ts';
import { installReportSchema, wirePaths } from '../../../fleet/protocol/index.ts';
import { bootId, errorType, openTestFleet, post, telemetry } from '../../support/gateway.ts';

describe('shares of unfinished uploads', () => {
  const limits = { maxBytes: 100, maxOpen: 10_000, maxRobotBytes: 40, maxRobotOpen: 10_000 };
  const at = (robotId: string, address = '10.0.0.1') => ({ robotId, address });

  it('count bytes that came, of a robot and of all, and give them back', () => {
    const shares = new UploadShares(limits);
    const idle = Array.from({ length: 1_000 }, () => shares.begin(at('r1'), 40));
    for (const upload of idle.slice(0, 10)) upload.add(1);
    assert.equal(shares.heldBytes, 10);
    assert.throws(() => shares.begin(at('r1'), 31), { type: 'overloaded', message: /of this robot/ });
    const other = shares.begin(at('r2'), 40);
    other.add(40);
    assert.throws(() => other.add(1), /of this robot/);
    const third = shares.begin(at('r3'), 40);
    third.add(40);
    assert.throws(() => shares.begin(at('r4'), 11), /of all robots/);
    const fourth = shares.begin(at('r4'), 10);
    fourth.add(10);
    assert.throws(() => idle[0]?.add(1), /of all robots/);
    for (const upload of [...idle, other, third, fourth]) upload.end();
    assert.equal(shares.heldBytes, 0);
    shares.begin(at('r1'), 40).add(40);
  });

  it('let 500 robots of one address have all that nobody else asks for, and another address its part at once', () => {
    const shares = new UploadShares({ maxBytes: 5_000, maxOpen: 500, maxRobotBytes: 20, maxRobotOpen: 2 });
    const robots = Array.from({ length: 500 }, (_, robot) => shares.begin(at(`r${robot}`), 10));
    for (const upload of robots) upload.add(10);
    assert.throws(() => shares.begin(at('r0'), 1), /of all robots/);
    for (const upload of robots.splice(250)) upload.end();
    // Half is free now: an address that has nothing yet gets in, the one that has half of all gets no more.
    const stranger = shares.begin(at('s1', '10.0.0.2'), 20);
    stranger.add(20);
    assert.throws(() => shares.begin(at('r400'), 10), { type: 'overloaded', message: /of this address/ });
    assert.throws(() => robots[0]?.add(1), /of this address/);
    stranger.end();
    shares.begin(at('r400'), 10).add(10);
  });

  it('bound open uploads of an address, however little came', () => {
    const shares = new UploadShares({ maxBytes: 1_000, maxOpen: 100, maxRobotBytes: 100, maxRobotOpen: 4 });
    const own = shares.begin(at('r0', '10.0.0.2'), 1);
    const idle: { end(): void }[] = [];
    for (let robot = 0; robot < 50; robot += 1) idle.push(shares.begin(at(`s${robot}`), 1));
    assert.throws(() => shares.begin(at('s50'), 1), /of this address/);
    for (let count = 1; count < 4; count += 1) shares.begin(at('r0', '10.0.0.2'), 1);
    assert.throws(() => shares.begin(at('r0', '10.0.0.2'), 1), /of this robot/);
    for (const upload of [own, ...idle]) upload.end();
    shares.begin(at('s50'), 1);
  });

  it('leave an address as much as one robot may have, however many addresses there are', () => {
    const shares = new UploadShares({ maxBytes: 1_000, maxOpen: 1_000, maxRobotBytes: 40, maxRobotOpen: 4 });
    for (let robot = 0; robot < 24; robot += 1) shares.begin(at(`r${robot}`, `10.0.1.${robot}`), 40).add(40);
    assert.equal(shares.heldBytes, 960);
  });

  it('come from where the connection does: an IPv6 network is one address', () => {
    assert.equal(addressShare('2001:db8::1'), addressShare('2001:db8:0:0:ffff::2'));
    assert.notEqual(addressShare('2001:db8::1'), addressShare('2001:db8:0:1::1'));
  });
});

describe('how fast a robot brings telemetry', () => {
  it('is bounded at once and over time, for each robot alone, with the time to wait', () => {
    let nowMs = 0;
    const rates = new EntryRates({ perSecond: 10, burst: 1_000 }, () => nowMs);
    rates.take('r1', 500);
    rates.take('r1', 500);
    assert.throws(() => rates.take('r1', 500), { type: 'tooManyRequests', retryAfterMs: 50_000 });
    rates.take('r2', 1_000);
    nowMs = 49_999;
    assert.throws(() => rates.take('r1', 500));
    nowMs = 50_000;
    rates.take('r1', 500);
    assert.throws(() => rates.take('r1', 1));
    nowMs = 1_000_000;
    assert.throws(() => rates.take('r1', 1_001));
    rates.take('r1', 1_000);
  });

  it('holds at the gateway before entries are looked at', async () => {
    const fleet = await openTestFleet();
    try {
      const token = await fleet.addRobot('r1');
      const { url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_ENTRIES_AT_ONCE: '500' });
      const batch = (from: number) => telemetry(Array.from({ length: 250 }, (_, index) => from + index));
      for (const from of [0, 250])
        assert.equal((await post(url + wirePaths.telemetry('r1'), token, batch(from))).status, 200);
      const bad = { ...batch(500), entries: Array.from({ length: 499 }, () => ({ seq: 1 })) };
      const refused = await post(url + wirePaths.telemetry('r1'), token, bad);
      assert.equal(refused.status, 429);
      const retryAfterS = Number(refused.headers.get('retry-after'));
      assert.ok(retryAfterS >= 1 && retryAfterS <= 50, `got ${retryAfterS} s`);
    } finally {
      await fleet.close();
    }
  });
});

describe('a robot’s quota of a day', () => {
  const limits = { uploadBytes: 100, segments: 2, telemetryEntries: 10, installReports: 1, clipBytes: 50, clips: 3 };
  const hourMs = 3_600_000;

  it('is refused beyond it with the time until midnight, an hour at most, and taken whole or not at all', () => {
    let nowMs = 23.5 * hourMs;
    const quotas = new DailyQuotas(limits, () => nowMs);
    quotas.take('r1', { segments: 1, uploadBytes: 60 });
    assert.throws(() => quotas.take('r1', { segments: 1, uploadBytes: 60 }), {
      type: 'tooManyRequests',
      retryAfterMs: 0.5 * hourMs,
    });
    quotas.take('r1', { segments: 1, uploadBytes: 40 });
    assert.throws(() => quotas.take('r1', { segments: 1, uploadBytes: 0 }));
    quotas.take('r2', { segments: 2, uploadBytes: 100 });
    nowMs = 24 * hourMs;
    quotas.take('r1', { segments: 2, uploadBytes: 100 });
    assert.throws(() => quotas.take('r1', { uploadBytes: 1 }), { retryAfterMs: hourMs });
  });

  it('comes back for what was not stored', () => {
    const quotas = new DailyQuotas(limits, () => 0);
    for (let index = 0; index < 100; index++) quotas.take('r1', { telemetryEntries: 10 })();
    quotas.take('r1', { telemetryEntries: 10 });
    assert.throws(() => quotas.take('r1', { telemetryEntries: 1 }));
  });

  it('holds at the gateway for telemetry and install reports, for that robot only', async () => {
    const fleet = await openTestFleet();
    try {
      const [first, second] = [await fleet.addRobot('r1'), await fleet.addRobot('r2')];
      const { url } = await fleet.startGateway({
        FLYWHEEL_GATEWAY_DAY_ENTRIES: '3',
        FLYWHEEL_GATEWAY_DAY_INSTALL_REPORTS: '1',
      });
      assert.equal((await post(url + wirePaths.telemetry('r1'), first, telemetry([0, 1, 2]))).status, 200);
      const refused = await post(url + wirePaths.telemetry('r1'), first, telemetry([3]));
      assert.equal(refused.status, 429);
      assert.ok(Number(refused.headers.get('retry-after')) >= 1);
      assert.equal(await errorType(refused), 'tooManyRequests');
      assert.equal((await post(url + wirePaths.telemetry('r2'), second, telemetry([0]))).status, 200);
      const report = installReportSchema.parse({
        reportId: bootId,
        bootId,
        atMs: 0,
        clockSkewMs: 0,
        outcome: 'installed',
        reason: 'ordered',
        version: '1.0.0',
        attempted: null,
        assignmentSeq: 0,
        trialId: null,
        detail: '',
      });
      assert.equal((await post(url + wirePaths.installReport('r1'), first, report)).status, 200);
      assert.equal((await post(url + wirePaths.installReport('r1'), first, report)).status, 429);
    } finally {
      await fleet.close();
    }
  });
});
