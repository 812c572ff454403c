import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import * as fc from 'fast-check';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { footerKeys } from '../../../datasets/columns.ts';
import { openGatewayTimes, shiftMs, type Dating } from '../../../fleet/agent/local/dating.ts';
import type { Agent } from '../../../fleet/agent/index.ts';
import { betterGatewayTime } from '../../../fleet/agent/local/times.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { fleetKeys } from './fleet-keys.ts';
import { frameAt, openRobot, recordEpisode, robotId, temporaryDirectory, token, until } from './robot.ts';

const hour = 3_600_000;
const day = 24 * hour;
const earliestMs = Date.UTC(2020, 0, 1);
/** A robot without a battery clock begins at 1970, or with the time of its last shutdown; some begin anywhere. */
const wrongClocks: Readonly<Record<string, number>> = {
  'in 1970': 60_000 - Date.now(),
  'three days early': -3 * day,
  'two hours ahead': 2 * hour,
  'in 2099': Date.UTC(2099, 0, 1) - Date.now(),
};

interface StoredSegment {
  /** Corrected as the collection does it, ms. */
  readonly startsMs: readonly number[];
  readonly frames: readonly (readonly number[])[];
  readonly durationsMs: readonly number[];
  readonly skewMs: number | undefined;
}

describe('the times of what a robot records', () => {
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  let agent: Agent | undefined;
  /** The robot's clock minus the true time. */
  let aheadMs = 0;
  let boot = 0;
  let bootedMs = 0;

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
    [aheadMs, boot, bootedMs] = [0, 1, performance.now()];
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await gateway.stop();
    await folder.remove();
  });

  const wall = (): number => Date.now() + aheadMs;
  const open = async (): Promise<Agent> => {
    const startedMs = bootedMs;
    agent = await openRobot({
      gatewayUrl: gateway.url,
      directory: path.join(folder.directory, 'robot'),
      publicKeyPem: fleetKeys().publicKeyPem,
      clock: wall,
      monotonic: () => performance.now() - startedMs,
      machineBootId: `boot-${boot}`,
    });
    return agent;
  };
  /** The machine loses its power, and begins again with whatever its clock says then. */
  const reboot = async (clockAheadMs: number): Promise<Agent> => {
    await agent?.crash();
    [aheadMs, boot, bootedMs] = [clockAheadMs, boot + 1, performance.now()];
    return open();
  };
  const isAway = (is: boolean): void => {
    gateway.refuse = () => (is ? 503 : undefined);
  };
  const uploaded = async (): Promise<void> => {
    await agent?.settle();
    await until('all is told', () => {
      const { waitingSegments, waitingTelemetry, waitingReports } = agent!.status();
      return waitingSegments + waitingTelemetry + waitingReports === 0;
    });
  };

  async function stored(): Promise<readonly StoredSegment[]> {
    const session = await duckDbEngine({ temporaryDirectory: folder.directory, threads: 1 }).open();
    try {
      const segments: StoredSegment[] = [];
      for (const [sha256, bytes] of gateway.segments) {
        const file = path.join(folder.directory, `${sha256}.parquet`);
        await writeFile(file, bytes);
        const footer = await session.rows(
          `SELECT decode(value) AS skew FROM parquet_kv_metadata('${file}') WHERE decode(key) = '${footerKeys.clockSkewMs}'`,
        );
        const rows = await session.rows(
          `SELECT episode_id, any_value(started_at) AS us, any_value(duration_ms) AS duration, list(timestamp ORDER BY frame_index) AS frames
           FROM read_parquet('${file}') GROUP BY episode_id ORDER BY us`,
        );
        const skewMs = footer[0] === undefined ? undefined : Number(footer[0]['skew']);
        segments.push({
          skewMs,
          startsMs: rows.map((row) => Number(row['us']) / 1000 - (skewMs ?? 0)),
          durationsMs: rows.map((row) => Number(row['duration'])),
          frames: rows.map((row) =>
            [...(row['frames'] as Iterable<unknown>)].map((us) => Number(us) / 1000 - (skewMs ?? 0)),
          ),
        });
      }
      return segments;
    } finally {
      await session.close();
    }
  }
  const isNear = (gotMs: number | undefined, wantedMs: number, within = 2_000): void =>
    assert.ok(Math.abs((gotMs ?? Number.NaN) - wantedMs) < within, `expected ${wantedMs}, got ${gotMs}`);
  const toldEpisodes = () =>
    gateway.batches.flatMap(({ entries, clockSkewMs, isTimeUnknown }) =>
      entries.flatMap((entry) => (entry.kind === 'episode' ? [{ atMs: entry.atMs - clockSkewMs, isTimeUnknown }] : [])),
    );

  for (const [what, ahead] of Object.entries(wrongClocks)) {
    it(`are right although the robot starts offline with its clock ${what}, and sets it later`, async () => {
      isAway(true);
      aheadMs = ahead;
      const robot = await open();
      const startMs = Date.now();
      await recordEpisode(robot, { startUs: wall() * 1000 });
      await robot.safetyEvent('bumper');
      await robot.settle();
      aheadMs = 0;
      const nextMs = Date.now();
      await recordEpisode(robot, { startUs: wall() * 1000 });
      assert.equal(gateway.segments.size, 0);
      isAway(false);
      await uploaded();
      const segments = await stored();
      for (const { skewMs } of segments) assert.equal(skewMs, 0);
      const starts = segments.flatMap(({ startsMs }) => startsMs).toSorted((a, b) => a - b);
      assert.equal(starts.length, 2);
      isNear(starts[0], startMs);
      isNear(starts[1], nextMs);
      assert.equal(toldEpisodes().length, 2);
      for (const { atMs, isTimeUnknown } of toldEpisodes()) {
        isNear(atMs, startMs + 1_333, 4_000);
        assert.equal(isTimeUnknown, undefined);
      }
    });

    it(`are right although the robot’s clock stays ${what}`, async () => {
      aheadMs = ahead;
      const robot = await open();
      const startMs = Date.now();
      await recordEpisode(robot, { startUs: wall() * 1000 });
      await uploaded();
      isNear((await stored())[0]?.startsMs[0], startMs);
      isNear(toldEpisodes()[0]?.atMs, startMs + 1_333);
    });

    it(`are marked as unknown when the power goes before any contact, clock ${what}, and hold up nothing`, async () => {
      isAway(true);
      aheadMs = ahead;
      await recordEpisode(await open(), { startUs: wall() * 1000 });
      const robot = await reboot(-hour);
      const startMs = Date.now();
      await recordEpisode(robot, { startUs: wall() * 1000 });
      isAway(false);
      await uploaded();
      const segments = await stored();
      const undated = segments.filter(({ skewMs }) => skewMs === undefined);
      assert.equal(undated.length, 1);
      assert.ok(
        undated[0]!.startsMs.every((ms) => ms > earliestMs && ms < Date.now()),
        'a guess that cannot be',
      );
      isNear(segments.find(({ skewMs }) => skewMs === 0)?.startsMs[0], startMs);
      const told = toldEpisodes();
      assert.equal(told.filter(({ isTimeUnknown }) => isTimeUnknown === true).length, 1);
      assert.equal(told.length, 2);
      isNear(told.find(({ isTimeUnknown }) => isTimeUnknown === undefined)?.atMs, startMs + 1_333);
      for (const { atMs } of told) assert.ok(atMs > earliestMs && atMs < Date.now() + 5_000);
    });

    it(`are right of a boot that had contact once, clock ${what}, although the power goes before it comes again`, async () => {
      aheadMs = ahead;
      const robot = await open();
      await until('contact', () => robot.status().isConnected);
      isAway(true);
      const startMs = Date.now();
      await recordEpisode(robot, { startUs: wall() * 1000 });
      await reboot(-hour);
      isAway(false);
      await uploaded();
      const [segment] = await stored();
      assert.equal(segment?.skewMs, 0);
      isNear(segment.startsMs[0], startMs);
      isNear(toldEpisodes()[0]?.atMs, startMs + 1_333);
      assert.equal(toldEpisodes()[0]?.isTimeUnknown, undefined);
    });

    it(`go on evenly in an episode in which the clock jumps from ${what}, whoever dates the frames`, async () => {
      for (const isDated of [true, false]) {
        aheadMs = ahead;
        const robot = await open();
        const times: number[] = [];
        for (let index = 0; index < 12; index++) {
          if (index === 6) aheadMs = 0;
          times.push(Date.now());
          robot.record({ ...frameAt(index), ...(isDated ? { atUs: wall() * 1000 } : {}) });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await robot.endEpisode('success', isDated ? { atUs: wall() * 1000 } : {});
        await uploaded();
        const [segment] = await stored();
        segment?.frames[0]?.forEach((ms, index) => isNear(ms, times[index]!));
        assert.equal(segment?.frames[0]?.length, 12);
        isNear(segment.durationsMs[0], times.at(-1)! - times[0]!);
        await robot.close();
        agent = undefined;
        gateway.segments.clear();
      }
    });
  }
});

describe('dating', () => {
  it('gives the true time whatever the robot’s clock said, in any boot with contact', async () => {
    const folder = await temporaryDirectory();
    try {
      const file = path.join(folder.directory, 'clocks.json');
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({ clockOffsetMs: fc.double({ min: -5e12, max: 5e12, noNaN: true }), hasContact: fc.boolean() }),
            {
              minLength: 1,
              maxLength: 5,
            },
          ),
          async (boots) => {
            const trueOffset = (index: number): number => Date.UTC(2026, 0, 1 + index);
            const prefix = Math.random().toString();
            const known = new Set<number>();
            for (const [index, { clockOffsetMs, hasContact }] of boots.entries()) {
              const times = await openGatewayTimes(file, () => ({
                machineBootId: `${prefix}/${index}`,
                monotonicMs: 0,
              }));
              const stamp = { machineBootId: `${prefix}/${index}`, clockOffsetMs };
              assert.equal(times.datingOf(stamp).kind, 'later');
              if (hasContact) {
                known.add(index);
                await times.learn({ offsetMs: trueOffset(index), uncertaintyMs: 1, measuredMs: 0 });
              }
              for (let earlier = 0; earlier <= index; earlier++) {
                const dating: Dating = times.datingOf({ ...stamp, machineBootId: `${prefix}/${earlier}` });
                const wanted = known.has(earlier) ? 'known' : hasContact && earlier < index ? 'unknown' : 'later';
                assert.equal(dating.kind, wanted);
                if (dating.kind === 'known')
                  assert.ok(Math.abs(clockOffsetMs + 1 + shiftMs(dating, stamp, 0) - trueOffset(earlier) - 1) < 0.01);
              }
            }
          },
        ),
        { numRuns: 30 },
      );
    } finally {
      await folder.remove();
    }
  });

  it('believes what contradicts it: the machine slept, or the gateway’s clock was set', () => {
    const known = betterGatewayTime(undefined, { sentMs: 0, receivedMs: 2, gatewayClockMs: 1_000_000 });
    const after = betterGatewayTime(known, { sentMs: 1_000, receivedMs: 1_400, gatewayClockMs: 1_001_200 + hour });
    assert.ok(Math.abs(after.offsetMs - (1_000_000 + hour)) < 300);
    const same = betterGatewayTime(known, { sentMs: 1_000, receivedMs: 1_400, gatewayClockMs: 1_001_300 });
    assert.equal(same, known);
  });
});
