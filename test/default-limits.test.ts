import assert from 'node:assert/strict';

import {
  defaultAbTestLimits,
  defaultRolloutLimits,
  defaultTaskLimits,
  parseAbTestLimits,
  parseRolloutLimits,
  parseTaskLimits,
} from '../domain/experiment/index.ts';
import { defaultMonitorLimits, promotionGuardLimits } from '../domain/monitoring/index.ts';
import { defaultLimits as agentLimits } from '../fleet/agent/limits.ts';
import { longestWindowWaitMs } from '../fleet/agent/versions/update-window.ts';

const minuteMs = 60_000;

/** What an installation goes by that sets nothing. A change here changes every fleet: write it into the changelog. */
describe('limits that nobody set', () => {
  it('of a rollout', () => {
    const wanted = {
      blockMinutes: 5,
      guard: {
        tau: 0.05,
        marginFraction: 0.005,
        successAlpha: 0.005,
        latencyAlpha: 0.0025,
        latencyMargin: 0.05,
        throughputAlpha: 0.0025,
        throughputPrior: 20,
        minimumEpisodes: 30,
      },
      fault: {
        outlierDeviations: 2.5,
        minimumRobots: 3,
        faultsFraction: 0.02,
        faultsMinimum: 1,
        ownMissingFraction: 0.5,
      },
      silence: { missingMinutes: 15, missingFraction: 0.2, controlAlikeFraction: 0.5, controlReportingFraction: 0.8 },
      advance: { tau: 0.02, alpha: 0.01, reportingFraction: 0.5, minimumEpisodes: 30, episodesAfterHours: 1 },
      stages: [
        {
          fleetFraction: 0.05,
          minimumRobots: 5,
          marginFraction: 0.03,
          minimumHours: 4,
          minimumTotalHours: 0,
          maximumHours: 48,
        },
        {
          fleetFraction: 0.25,
          minimumRobots: 1,
          marginFraction: 0.02,
          minimumHours: 6,
          minimumTotalHours: 0,
          maximumHours: 96,
        },
        {
          fleetFraction: 0.5,
          minimumRobots: 1,
          marginFraction: 0.01,
          minimumHours: 14,
          minimumTotalHours: 24,
          maximumHours: 48,
          smallFleetMaximumHours: 96,
        },
        {
          fleetFraction: 1,
          minimumRobots: 1,
          marginFraction: null,
          minimumHours: 48,
          minimumTotalHours: 0,
          maximumHours: 96,
        },
      ],
      holdbackFraction: 0.05,
      holdbackMinimumRobots: 5,
      smallFleetRobots: 80,
    };
    assert.deepEqual(defaultRolloutLimits, wanted);
    assert.deepEqual(parseRolloutLimits({}), wanted);
  });

  it('of an A/B test and of tasks', () => {
    const ofTest = {
      blockMinutes: 60,
      alpha: 0.005,
      lookHours: 6,
      firstLook: 2,
      maximumDays: 7,
      equivalenceMarginFraction: 0.01,
      anchorLossFraction: 0.01,
      sampleRatioP: 0.0001,
      smallArmRobots: 10,
      missingFraction: 0.2,
      guardrailAlpha: 0.005,
      latencyMargin: 0.05,
      interventionMarginFraction: 0.01,
    };
    const ofTasks = {
      marginFraction: 0.02,
      minimumEpisodes: 30,
      blockAlpha: 0.01,
      warnFraction: 0.1,
      tau: 0.05,
      meanEvidence: 100,
    };
    assert.deepEqual([defaultAbTestLimits, parseAbTestLimits({})], [ofTest, ofTest]);
    assert.deepEqual([defaultTaskLimits, parseTaskLimits({})], [ofTasks, ofTasks]);
  });

  it('of the monitor, and of the guard after a promotion', () => {
    assert.deepEqual(defaultMonitorLimits, {
      silentAfterMs: 5 * minuteMs,
      openAfterTicks: 2,
      closeAfterTicks: 5,
      anomalyMarginFraction: 0.05,
      failureRiseFraction: 0.02,
      errorRiseFraction: 0.05,
      correctedFramesToTrigger: 500_000,
      triggerDistanceHours: 48,
      driftEveryHours: 6,
    });
    assert.deepEqual(promotionGuardLimits, {
      days: 14,
      windowHours: [2, 24],
      dayHours: 22,
      alpha: 0.005,
      tau: 0.05,
      marginFraction: 0.02,
      fleetDayVariance: 0.000025,
      leastRobots: 3,
      leastEpisodes: 30,
    });
  });

  it('of an agent', () => {
    const mib = 2 ** 20;
    assert.deepEqual(agentLimits, {
      syncIntervalMs: 1_000,
      tickMs: 1_000,
      onlineEveryMs: minuteMs,
      requestTimeoutMs: 20_000,
      safeStopTimeoutMs: 10_000,
      backOff: { firstMs: 1_000, longestMs: minuteMs },
      download: {
        idleTimeoutMs: 20_000,
        leastBytesPerS: 1_024,
        speedWindowMs: 30_000,
        totalTimeoutMs: 360 * minuteMs,
      },
      loadTimeoutMs: minuteMs,
      decideTimeoutMs: 1_000,
      rotateBytes: 4 * mib,
      rotateMs: 10 * minuteMs,
      quotaBytes: 1_024 * mib,
      imageQuotaBytes: 4_096 * mib,
      maxImageBytes: 8 * mib,
      clipIdleMs: 2_000,
      clipWaitMs: 5 * minuteMs,
      clipBytesPerDay: 1_400_000_000,
      clipLineFraction: 0.5,
    });
    assert.equal(longestWindowWaitMs, 28 * 24 * 60 * minuteMs);
  });
});
