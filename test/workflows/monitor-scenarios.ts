import { ApplicationFailure } from '@temporalio/common';

import type { ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import { quietLook, silentRobot } from './monitor-stubs.ts';
import { until, type Scenario } from './scenario.ts';
import type { Stubs } from './stubs.ts';

/** So many looks, and what follows the last: the monitor waits for the next one then. */
async function seen(calls: Stubs['calls'], looks: number): Promise<void> {
  await until(() => calls.filter(({ name }) => name === 'observeFleet').length >= looks);
  await new Promise((resolve) => setTimeout(resolve, 400));
}

/** What a fleet shows look by look; the last for ever. */
function showing(...looks: readonly (ObserveFleetResult | Error)[]): NonNullable<Scenario['changes']> {
  let next = 0;
  return {
    observeFleet: async () => {
      const look = looks[Math.min(next, looks.length - 1)];
      next += 1;
      if (look === undefined || look instanceof Error) throw look ?? new Error('expected a look');
      return look;
    },
  };
}

/** A failure whose history is the same wherever it is recorded. */
function withoutPlace(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

const common = { workflow: 'fleetMonitor', workflowId: 'monitor/wall-follower', isEndless: true } as const;
/** A look a second; what goes by fleet time happens once. */
const input = { tickMs: 1_000, dayMs: 86_400_000 };
const opened = { opened: 1, closed: 0, acknowledged: 0 };
const incident = { openIncidents: 1, incidents: [silentRobot], logEndSeq: 1 };

/** Every branch of the monitor that is to stay replayable. */
export const monitorScenarios: readonly Scenario[] = [
  {
    ...common,
    name: 'fleet-monitor-watched',
    input,
    changes: showing(quietLook(), quietLook({ ...incident, changes: opened }), quietLook(incident)),
    drive: async (handle, calls) => {
      await seen(calls, 3);
      const { incidentId } = silentRobot;
      await handle.executeUpdate('acknowledge', { args: [{ incidentId, reason: 'on my way', who: 'ada' }] });
      await handle.executeUpdate('setLimits', { args: [{ closeAfterTicks: 9 }] });
      // Long enough for a run that continues as new.
      await seen(calls, 14);
    },
  },
  {
    ...common,
    name: 'fleet-monitor-triggered',
    input: { ...input, drift: false, cycle: { training: { seed: 3 } } },
    changes: showing(
      quietLook({ trigger: { drift: null, errorRate: 'failed', correctedFrames: 0, runningCycles: 0 } }),
    ),
    drive: (_, calls) => seen(calls, 3),
  },
  {
    ...common,
    name: 'fleet-monitor-rolled-back',
    input: { ...input, drift: false },
    changes: showing(quietLook({ rollback: { kind: 'start', reason: 'crash loops', promotion: 'trial-7' } })),
    drive: (_, calls) => seen(calls, 3),
  },
  {
    ...common,
    name: 'fleet-monitor-failed-look',
    input: { ...input, drift: false },
    changes: showing(withoutPlace(ApplicationFailure.nonRetryable('got other bytes', 'CorruptData')), quietLook()),
    drive: (_, calls) => seen(calls, 3),
  },
];
