import { mkdir } from 'node:fs/promises';

import type { Client } from '@temporalio/client';

import type { FileKeys } from '../activities/adapters/file-signer.ts';
import type { DataPorts, FleetPorts, MonitorPorts, TrainingPorts } from '../activities/index.ts';
import { openFactTables } from '../activities/facts/fact-tables.ts';
import { openLake } from '../activities/lake/lake.ts';
import { registeredStandings } from '../activities/collection/waiting.ts';
import { championDesk, openFleet, openTelemetryLog, publishRoots } from '../fleet/desk/index.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { cancellableEngine, currentAttempt, heartbeatProgress } from './activity-context.ts';
import {
  openClips,
  openDiskSpace,
  openEngine,
  openJudging,
  openKeys,
  openCyclesPort,
  openModelProbe,
  openMail,
  openNotifier,
  openSegmentJudge,
  openStore,
  openTracker,
  openTrialSlot,
} from './compose.ts';
import { queues, type Queue, type Settings } from './config.ts';
import { keylessSigner } from './keyless-signer.ts';

export type Ports = FleetPorts &
  MonitorPorts &
  DataPorts &
  TrainingPorts & {
    /** What trials take that say nothing of how fast a fleet day passes. */
    readonly trialProfile: Settings['trialProfile'];
  };

export interface PortOptions {
  /** Queues the process serves; all unless given. */
  readonly queues?: readonly Queue[];
  /** Told once of what an operator should do. */
  readonly warn?: (sentence: string) => void;
}

/** The real world for the activities of every queue, as the settings say; `client` reaches the workflows of the same server. */
export async function openPorts(
  settings: Settings,
  codeBuild: string,
  client: Client,
  options: PortOptions = {},
): Promise<Ports> {
  const { queues: served = queues, warn = () => undefined } = options;
  await mkdir(settings.scratchDirectory, { recursive: true });
  const store = await openStore(settings);
  const clock = Date.now;
  const starts = { client, taskQueue: `${settings.temporal.queuePrefix}orchestration` };
  // Only the fleet's worker signs: no other one needs the keys, or fails without them.
  const keys = served.includes('fleet') ? await signingKeys(settings, store, warn) : undefined;
  const signer = keys?.signer ?? keylessSigner;
  const sealing = keys?.orders === undefined ? undefined : { clock, signer, orders: keys.orders, onUnsealed: warn };
  const [engine, slot, loop, notifier, tracker, mail, judging, judge, probe, clips] = await Promise.all([
    openEngine(settings).then(cancellableEngine),
    openTrialSlot(starts),
    openCyclesPort(starts),
    openNotifier(settings),
    openTracker(settings),
    openMail(settings),
    openJudging(settings),
    openSegmentJudge(settings),
    openModelProbe(),
    openClips(settings),
  ]);
  return {
    trialProfile: settings.trialProfile,
    consoleUrl: settings.pagesUrl,
    store,
    clock,
    engine,
    codeBuild,
    fleet: openFleet({ store, clock, sealing }),
    telemetry: openTelemetryLog(store),
    slot,
    undoWithinMs: settings.undoWithinMs,
    loop,
    diskSpace: openDiskSpace(settings),
    notifier,
    tracker,
    mail,
    signer,
    desk: championDesk({ store, sealing }),
    lake: openLake({ store, engine, clock, stagingDirectory: settings.scratchDirectory }),
    facts: openFactTables({ store, engine, clock, stagingDirectory: settings.scratchDirectory }),
    ...judging,
    judge,
    clips,
    attempt: currentAttempt,
    robotStandings: () => registeredStandings(store),
    probe,
    progress: heartbeatProgress,
    scratchDirectory: settings.scratchDirectory,
  };
}

/** The keys of the fleet's worker, their roots where gateways find them. */
async function signingKeys(
  settings: Settings,
  store: ObjectStore,
  warn: (sentence: string) => void,
): Promise<FileKeys> {
  const keys = openKeys(settings);
  if (keys.orders !== undefined) await publishRoots(store, keys.roots());
  else
    warn(
      `orders go out unsigned: ${settings.keysDirectory} holds one key of an older version; see \`flywheel keys upgrade\``,
    );
  return keys;
}
