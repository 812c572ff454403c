import { mkdir } from 'node:fs/promises';

import type { Client } from '@temporalio/client';

import { diskSpaceOf } from '../activities/adapters/disk-space.ts';
import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { segmentJudgeProcess } from '../activities/adapters/judge-process.ts';
import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxProbe } from '../activities/adapters/onnx-probe-process.ts';
import { onnxRuntimeProcess } from '../activities/adapters/onnx-runtime-process.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { temporalLoopDesk } from '../activities/adapters/temporal-loop-desk.ts';
import { temporalTrialSlot } from '../activities/adapters/temporal-trial-slot.ts';
import { webhookNotifier } from '../activities/adapters/webhook-notifier.ts';
import type { DataPorts, FleetPorts, MonitorPorts, TrainingPorts } from '../activities/index.ts';
import { openLake } from '../activities/lake/lake.ts';
import { registeredStandings } from '../activities/collection/waiting.ts';
import { championDesk, openFleet, openTelemetryLog } from '../fleet/desk/index.ts';
import { cancellableEngine, currentAttempt, heartbeatProgress } from './activity-context.ts';
import { queues, type Queue, type Settings } from './config.ts';
import { keylessSigner, openKeys } from './open-keys.ts';
import { openStore } from './open-store.ts';
import { openTrainers } from './open-trainers.ts';

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
  const store = openStore(settings);
  const clock = Date.now;
  const starts = { client, taskQueue: `${settings.temporal.queuePrefix}orchestration` };
  const runtime = onnxRuntime({ threads: settings.threads });
  // Only the fleet's worker signs: no other one needs the keys, or fails without them.
  const keys = served.includes('fleet') ? await openKeys(settings.keysDirectory, store, warn) : undefined;
  const signer = keys?.signer ?? keylessSigner;
  const sealing = keys?.orders === undefined ? undefined : { clock, signer, orders: keys.orders, onUnsealed: warn };
  const engineOptions = {
    temporaryDirectory: settings.scratchDirectory,
    threads: settings.threads,
    memoryLimitMiB: settings.sqlMemoryMiB,
  };
  const engine = cancellableEngine(duckDbEngine(engineOptions));
  return {
    trialProfile: settings.trialProfile,
    store,
    clock,
    engine,
    codeBuild,
    fleet: openFleet({ store, clock, sealing }),
    telemetry: openTelemetryLog(store),
    slot: temporalTrialSlot(starts),
    loop: temporalLoopDesk(starts),
    diskSpace: diskSpaceOf([
      ...(settings.store.kind === 'file' ? [settings.store.directory] : []),
      settings.scratchDirectory,
    ]),
    notifier: settings.webhook === undefined ? undefined : webhookNotifier({ ...settings.webhook, clock }),
    signer,
    desk: championDesk({ store, sealing }),
    lake: openLake({ store, engine, clock, stagingDirectory: settings.scratchDirectory }),
    runtime: onnxRuntimeProcess({ threads: settings.threads }),
    trainers: openTrainers(settings, runtime),
    judge: segmentJudgeProcess(engineOptions),
    attempt: currentAttempt,
    robotStandings: () => registeredStandings(store),
    probe: onnxProbe(),
    openRows: openArrowRows,
    progress: heartbeatProgress,
    scratchDirectory: settings.scratchDirectory,
  };
}
