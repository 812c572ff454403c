import assert from 'node:assert/strict';

import { DailyQuotas } from '../../../fleet/gateway/daily-quotas.ts';
import { UploadShares } from '../../../fleet/gateway/upload-shares.ts';
import { installReportSchema, wirePaths } from '../../../fleet/protocol/index.ts';
import { bootId, errorType, openTestFleet, post, telemetry } from '../../support/gateway.ts';

describe('shares of unfinished uploads', () => {
  it('count bytes that came, of a robot and of all, and give them back', () => {
    const shares = new UploadShares({ maxBytes: 100, maxRobotBytes: 40 });
    const idle = Array.from({ length: 1_000 }, () => shares.begin('r1', 40));
    for (const upload of idle.slice(0, 10)) upload.add(1);
    assert.equal(shares.heldBytes, 10);
    assert.throws(() => shares.begin('r1', 31), { type: 'overloaded', message: /of this robot/ });
    const other = shares.begin('r2', 40);
    other.add(40);
    assert.throws(() => other.add(1), /of this robot/);
    const third = shares.begin('r3', 40);
    third.add(40);
    assert.throws(() => shares.begin('r4', 11), /of all robots/);
    const fourth = shares.begin('r4', 10);
    fourth.add(10);
    assert.throws(() => idle[0]?.add(1), /of all robots/);
    for (const upload of [...idle, other, third, fourth]) upload.end();
    assert.equal(shares.heldBytes, 0);
    shares.begin('r1', 40).add(40);
  });
});

describe('a robot’s quota of a day', () => {
  const limits = { uploadBytes: 100, segments: 2, telemetryEntries: 10, installReports: 1 };
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
