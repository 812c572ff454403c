import type { DataActivities, MonitorActivities } from '../../activities/index.ts';
import type { ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import type { OpenIncident } from '../../domain/monitoring/index.ts';

/** A look at which nothing is wrong; `changes` replaces some of it. */
export const quietLook = (changes: Partial<ObserveFleetResult> = {}): ObserveFleetResult => ({
  presence: 'known',
  champion: '1.1.0',
  robots: 30,
  silentRobots: 0,
  robotsOnTrial: 0,
  isBehind: false,
  failureFraction: { reference: 0.1, current: 0.1 },
  openIncidents: 0,
  incidents: [],
  changes: { opened: 0, closed: 0, acknowledged: 0 },
  trigger: { drift: null, errorRate: null, correctedFrames: 0, runningCycles: 0 },
  rollback: { kind: 'none', reason: 'crash loops or safety events on 0 of 30 robots', promotion: null },
  logEndSeq: 0,
  ...changes,
});

export const silentRobot: OpenIncident = {
  incidentId: 'silent.robot-1.1000',
  cause: 'silent',
  subject: 'robot-1',
  openedAtMs: 1_000,
  reason: 'no contact for 6 min',
  acknowledgedBy: null,
};

/** A fleet to which nothing happens. */
export const quietFleet: MonitorActivities & Pick<DataActivities, 'observeDrift'> = {
  observeFleet: async () => quietLook(),
  refreshFleetBaseline: async () => ({ robots: 30, episodes: 60_000 }),
  triggerCycle: async ({ policy }) => ({ kind: 'started', workflowId: `cycle/${policy}-triggered` }),
  readCycleTurn: async () => ({ holder: null }),
  startRollback: async ({ policy }) => ({ workflowId: `rollback/${policy}` }),
  notifyIncidents: async ({ fromSeq }) => ({ nextSeq: fromSeq + 1, told: 1, refused: [] }),
  observeDrift: async ({ policy, nowMs }) => ({
    isJudged: true,
    alarm: false,
    reason: 'nothing drifted',
    robots: { reference: 30, current: 30 },
    driftKey: `monitor/${policy}/drift/${nowMs}.json`,
  }),
};
