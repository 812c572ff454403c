import type { Logger } from 'pino';

import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { installLog, type InstallLog } from '../desk/install-log.ts';
import { agentNotes, type AgentNotes } from './agent-notes.ts';
import { clipLimits, type ClipLimits } from './clip-limits.ts';
import { DailyQuotas } from './daily-quotas.ts';
import { desiredOrders, type DesiredOrders } from './desired-orders.ts';
import { EntryRates } from './entry-rates.ts';
import { FleetWatch } from './fleet-watch.ts';
import { Metrics } from './metrics.ts';
import { modelCatalog, type ModelCatalog } from './model-catalog.ts';
import { PresenceKeeper } from './presence-keeper.ts';
import { RobotChanges } from './robot-changes.ts';
import { robotDirectory, type RobotDirectory } from './robot-directory.ts';
import { robotTypes, type RobotTypes } from './robot-types.ts';
import type { GatewaySettings } from './settings.ts';
import { StoreRoom } from './store-room.ts';
import { TelemetryCommitter } from './telemetry-committer.ts';
import { UploadShares } from './upload-shares.ts';
import { WriteStrain } from './write-strain.ts';

export interface GatewayPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly log: Logger;
  /** Folder for uploads until they are whole; on the store's disk they are linked, not copied. */
  readonly scratchDirectory: string;
  /** Room on the disk of uploads; by default what the scratch folder's file system says. */
  readonly freeBytes?: () => Promise<number>;
}

/** Everything the routes work with; one a process. */
export interface GatewayContext extends GatewayPorts {
  readonly settings: GatewaySettings;
  readonly metrics: Metrics;
  readonly room: StoreRoom;
  readonly robots: RobotDirectory;
  readonly robotChanges: RobotChanges;
  readonly agents: AgentNotes;
  readonly watch: FleetWatch;
  readonly robotTypes: RobotTypes;
  readonly models: ModelCatalog;
  readonly desired: DesiredOrders;
  readonly presence: PresenceKeeper;
  readonly telemetry: TelemetryCommitter;
  readonly uploads: UploadShares;
  readonly quotas: DailyQuotas;
  readonly entryRates: EntryRates;
  readonly clips: ClipLimits;
  readonly installs: (policy: string) => InstallLog;
  /** Fires when the gateway begins to stop: long polls end, nothing new is taken. */
  readonly stopping: AbortController;
}

/** Rotated and revoked tokens take effect within this time, which the API promises to be 5 s. */
const recheckTokensMs = 2_000;
const directoryBounds = { maxRobots: 20_000, maxUnknown: 10_000, lookupsPerSecond: 20, burstLookups: 100 };

/** So long after a slow write of telemetry clips still wait. */
const strainHoldsForMs = 5_000;
const mebibyte = 1024 * 1024;

const telemetryCommitter = (store: ObjectStore, clock: Clock, { commitMs }: GatewaySettings): TelemetryCommitter =>
  new TelemetryCommitter({ store, clock, commitMs, commitBytes: mebibyte, maxPendingBytes: 32 * mebibyte });

export function gatewayContext(ports: GatewayPorts, settings: GatewaySettings): GatewayContext {
  const { clock, monotonicMs, log } = ports;
  const room = new StoreRoom(monotonicMs);
  const store = room.watched(ports.store);
  const strain = new WriteStrain({
    monotonicMs,
    slowMs: settings.clips.slowWriteMs,
    holdsForMs: strainHoldsForMs,
  });
  const metrics = new Metrics();
  const models = modelCatalog(store);
  const onError =
    (what: string) =>
    (error: unknown): void => {
      metrics.count('flywheel_gateway_background_failures_total', { what });
      log.error({ err: error }, `${what} failed; trying again`);
    };
  const robots = robotDirectory({ store, monotonicMs, recheckMs: recheckTokensMs, ...directoryBounds });
  const robotChanges = new RobotChanges(store, robots);
  const watch = new FleetWatch({
    store,
    clock,
    monotonicMs,
    lookEveryMs: settings.lookEveryMs,
    lookFirst: () => robotChanges.look(),
    onError: onError('looking for assignments'),
  });
  const installs = new Map<string, InstallLog>();
  return {
    ...ports,
    store,
    room,
    settings,
    metrics,
    robotTypes: robotTypes(store),
    models,
    watch,
    robots,
    robotChanges,
    agents: agentNotes({ store, clock, onError: onError('noting what agents can do') }),
    desired: desiredOrders({
      watch,
      models,
      onUnregistered: (policy, version) =>
        log.error({ policy, version }, 'an order names a version without a manifest; robots get the champion'),
    }),
    presence: new PresenceKeeper({
      store,
      clock,
      gatewayId: settings.gatewayId,
      everyMs: settings.presenceEveryMs,
      soonMs: Math.min(2_000, settings.presenceEveryMs),
      policies: () => watch.policies,
      onError: onError('writing presence'),
    }),
    telemetry: telemetryCommitter(strain.watched(store), clock, settings),
    uploads: new UploadShares(settings.uploads),
    quotas: new DailyQuotas(settings.dailyQuotas, clock),
    entryRates: new EntryRates(settings.entryRates, monotonicMs),
    clips: clipLimits({ ...ports, store, room, strain }, settings.clips),
    installs: (policy) => {
      const known = installs.get(policy) ?? installLog(store, policy);
      installs.set(policy, known);
      return known;
    },
    stopping: new AbortController(),
  };
}
