import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import { readIncidents } from '../../../activities/incidents/incident-log.ts';
import { monitorActivities, type MonitorActivities } from '../../../activities/index.ts';
import type { DiskSpace, CyclesPort } from '../../../activities/ports/cycles.ts';
import type { ObserveFleetInput, ObserveFleetResult } from '../../../activities/monitor/observe-fleet.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import type { LoopSight } from '../../../domain/monitoring/index.ts';
import { installLog } from '../../../fleet/desk/install-log.ts';
import { openFleet, openTelemetryLog } from '../../../fleet/desk/index.ts';
import { hourMs, openTrialWorld, policy, type TrialWorld } from '../trials/trial-world.ts';

export const minuteMs = 60_000;
export const dayMs = 24 * hourMs;
const reportId = (index: number) => `01J0000000000000000000${String(index).padStart(4, '0')}`;

/** A fleet that a monitor looks at, on a store in memory. */
export interface MonitorWorld extends TrialWorld {
  readonly monitor: MonitorActivities;
  readonly loop: { cycles: Awaited<ReturnType<CyclesPort['cycles']>>; sight?: LoopSight };
  /** Looks at the fleet a minute later than before; everyone is online unless told otherwise. */
  look(changes?: Partial<ObserveFleetInput> & { online?: (robotId: string) => boolean }): Promise<ObserveFleetResult>;
  install(
    robotId: string,
    outcome: 'fellBack' | 'refused' | 'installed',
    reason: string,
    attempted?: string,
  ): Promise<void>;
  promote(version: string): Promise<void>;
  /** What the disks of the installation say; none: nobody looks at them. */
  disks: Awaited<ReturnType<DiskSpace>>;
  /** False: presence is not written any more. */
  isGatewayThere: boolean;
  /** False: whoever writes the incident log dies. */
  isLogWritable: boolean;
  /** Why orders cannot be signed; undefined: they can. */
  unsigned: string | undefined;
  /** How often the monitor asked for orders to be signed anew. */
  refreshes: number;
  log(): Promise<string[]>;
}

export async function openMonitorWorld(robots: number): Promise<MonitorWorld> {
  const world = await openTrialWorld(robots);
  const clock = () => world.nowMs;
  const { store } = world;
  const conditions = { disks: [], isGatewayThere: true, isLogWritable: true, unsigned: undefined, refreshes: 0 };
  const loop: MonitorWorld['loop'] = { cycles: { running: 0, lastStartedMs: null } };
  const activities = monitorActivities({
    store: {
      ...store,
      putIfAbsent: (key, body) => {
        if (key.startsWith('incidents/') && !more.isLogWritable) throw new Error('died');
        return store.putIfAbsent(key, body);
      },
    },
    fleet: {
      ...openFleet({ store, clock }),
      async refreshOrders() {
        more.refreshes += 1;
        return more.unsigned === undefined ? undefined : { kind: 'unsealed' as const, why: more.unsigned };
      },
    },
    telemetry: openTelemetryLog(store),
    diskSpace: async () => more.disks,
    notifier: undefined,
    loop: {
      cycles: async () => loop.cycles,
      turnHolder: async () => null,
      sight: async () => loop.sight,
      startCycle: async () => ({ kind: 'started', workflowId: 'cycle/wall-triggered' }),
      startRollback: async () => ({ workflowId: 'rollback/wall' }),
    },
  });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
  const installs = installLog(store, policy);
  let reports = 0;
  const more: MonitorWorld = Object.assign(world, conditions, {
    loop,
    monitor: activities,
    async look({ online, ...changes }: Parameters<MonitorWorld['look']>[0] = {}) {
      world.nowMs += minuteMs;
      if (more.isGatewayThere) await world.see(() => '1.0.0', online);
      const input: ObserveFleetInput = {
        policy,
        dayMs,
        nowMs: world.nowMs,
        limits: {},
        automaticRollback: true,
        rolledBack: null,
        drift: null,
        acknowledgements: [],
        ...changes,
      };
      return environment.run<[ObserveFleetInput], ObserveFleetResult, typeof activities.observeFleet>(
        activities.observeFleet,
        input,
      );
    },
    async install(robotId: string, outcome: 'fellBack' | 'refused' | 'installed', reason: string, attempted = '1.1.0') {
      reports += 1;
      await installs.append({
        robotId,
        gatewayId: 'gateway-1',
        receivedMs: world.nowMs,
        report: {
          reportId: reportId(reports),
          bootId: reportId(0),
          atMs: world.nowMs,
          clockSkewMs: 0,
          outcome,
          reason: reason as 'crashLoop',
          version: '1.0.0',
          attempted,
          assignmentSeq: null,
          trialId: null,
          detail: '',
        },
      });
    },
    async promote(version: string) {
      await moveAliases({ store, clock }, { policy, operationId: `to-${version}`, who: 't', why: 't' }, (now) => ({
        champion: version,
        ...(now.champion === undefined ? {} : { previous: now.champion }),
      }));
    },
    async log() {
      const records = await readIncidents(store, policy);
      return records.flatMap(({ record }) => record.events.map(({ incidentId, state }) => `${state} ${incidentId}`));
    },
  });
  return more;
}

export async function keysOf(world: TrialWorld, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of world.store.list(prefix)) keys.push(key);
  return keys;
}
