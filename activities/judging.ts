import type { Fleet, TelemetryLog } from '../fleet/desk/index.ts';
import type { Signer } from '../policies/signer.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { observeFleet, type ObserveFleetPorts } from './monitor/observe-fleet.ts';
import { refreshFleetBaseline } from './monitor/refresh-fleet-baseline.ts';
import { CellStore } from './trials/cell-store.ts';
import { collectCells } from './trials/collect-cells.ts';
import { judgeLook } from './trials/judge-look.ts';
import { judgeTick } from './trials/judge-tick.ts';
import { planTrial } from './trials/plan-trial.ts';
import { planReader } from './trials/stored-plan.ts';

interface TrialJudgingPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly fleet: Fleet;
  readonly telemetry: TelemetryLog;
}

/** What reads all that robots reported to plan and judge a trial. */
export function trialJudging(ports: TrialJudgingPorts) {
  const shared = { ...ports, cells: new CellStore(ports.store), readPlan: planReader(ports.store) };
  return {
    planTrial: planTrial(shared),
    collectCells: collectCells(shared),
    judgeTick: judgeTick(shared),
    judgeLook: judgeLook(shared),
  };
}

/** What reads all that robots reported to watch the fleet. */
export const fleetWatching = (ports: ObserveFleetPorts) => ({
  observeFleet: observeFleet(ports),
  refreshFleetBaseline: refreshFleetBaseline(ports),
});

export type JudgingPorts = TrialJudgingPorts & ObserveFleetPorts;

/**
 * The activities of the queue `fleet` whose work grows with what robots send. They take nobody back and order nothing, so they
 * can be anywhere but in the way of those that do.
 */
export const judgingActivities = (ports: JudgingPorts) => ({ ...trialJudging(ports), ...fleetWatching(ports) });
export type JudgingActivities = ReturnType<typeof judgingActivities>;
