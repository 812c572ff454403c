import { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';

import {
  dataActivities,
  fleetActivities,
  monitorActivities,
  inputActivities,
  trainingActivities,
} from '../activities/index.ts';
import type { JudgingActivities } from '../activities/judging.ts';
import { heartbeatingInterceptor } from './activity-context.ts';
import { announceBuild } from './announce-build.ts';
import { openBuilds } from './compose.ts';
import { bundleWorkflows, type WorkflowBundle } from './bundle.ts';
import type { Queue, Settings } from './config.ts';
import { judgingThread } from './judging/judging-thread.ts';
import { openPorts, type Ports } from './ports.ts';
import { temporalConnectionOptions } from './temporal-connection.ts';

export interface RunWorkersOptions {
  readonly settings: Settings;
  readonly queues: readonly Queue[];
  readonly logger: Logger;
  /** Called once all workers poll. */
  readonly ready: () => void;
}

/** Serves the queues until the process is told to stop; waits for a server that is not there yet. */
export async function runWorkers(options: RunWorkersOptions): Promise<void> {
  const { settings, queues, logger } = options;
  // Only workflows run from the bundle, and only manifests and reports name the build; heavy workers start without it.
  const needsBundle = queues.includes('orchestration') || queues.includes('fleet');
  const bundle = needsBundle ? await bundleWorkflows((message) => logger.warn(message)) : undefined;
  const connection = await connectPatiently(settings, logger);
  const { namespace, queuePrefix } = settings.temporal;
  const closing: (() => Promise<void>)[] = [];
  try {
    const client = new Client({ connection, namespace });
    const warn = (sentence: string): void => logger.warn(sentence);
    const build = `flywheel-${bundle?.buildId ?? 'unknown'}`;
    const ports = await openPorts(settings, build, client, { queues, warn });
    const judging = queues.includes('fleet') ? judgingThread({ settings, home: ports, warn }) : undefined;
    if (judging !== undefined) closing.push(() => judging.close());
    const workers = await Promise.all(
      queues.map((queue) =>
        Worker.create({
          ...workerOptions(queue, ports, bundle, judging?.activities),
          ...(queue === 'orchestration' ? versioningOf(settings, bundle) : {}),
          connection,
          namespace,
          taskQueue: `${queuePrefix}${queue}`,
        }),
      ),
    );
    const running = workers.map((worker) => worker.run());
    options.ready();
    const { deployment } = settings.temporal;
    if (deployment !== undefined && bundle !== undefined && queues.includes('orchestration'))
      void announceBuild({
        buildId: bundle.buildId,
        builds: await openBuilds({ client, deployment, taskQueue: `${queuePrefix}orchestration` }),
        logger,
      });
    await Promise.all(running);
  } finally {
    for (const close of closing) await close();
    await connection.close();
  }
}

/** With a deployment, what began on one build of the workflow code ends on it; see docs/upgrading.md. */
export const versioningOf = (
  { temporal: { deployment } }: Settings,
  bundle: WorkflowBundle | undefined,
): Pick<WorkerOptions, 'workerDeploymentOptions'> =>
  deployment === undefined || bundle === undefined
    ? {}
    : {
        workerDeploymentOptions: {
          useWorkerVersioning: true,
          version: { deploymentName: deployment, buildId: bundle.buildId },
          defaultVersioningBehavior: 'PINNED',
        },
      };

/**
 * What a queue's worker runs and how much of it at once. Few pollers are enough on two cores. `judging`: what reads all that robots
 * reported, where it does so elsewhere; in this thread otherwise.
 */
export function workerOptions(
  queue: Queue,
  ports: Ports,
  bundle?: WorkflowBundle,
  judging?: JudgingActivities,
): Omit<WorkerOptions, 'taskQueue'> {
  const common: Omit<WorkerOptions, 'taskQueue'> = {
    shutdownGraceTime: '5 seconds',
    // A cancellation reaches an activity with its next heartbeat: at most 2 s later.
    maxHeartbeatThrottleInterval: '2 seconds',
    defaultHeartbeatThrottleInterval: '2 seconds',
    interceptors: { activity: [heartbeatingInterceptor] },
  };
  switch (queue) {
    case 'orchestration':
      return {
        ...common,
        ...(bundle === undefined ? {} : { workflowBundle: bundle }),
        activities: inputActivities(ports.trialProfile),
        maxCachedWorkflows: 200,
        maxConcurrentWorkflowTaskExecutions: 20,
        workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 4 },
        activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
      };
    case 'fleet':
      return activityWorker(common, { ...fleetActivities(ports), ...monitorActivities(ports), ...judging }, 50, 4);
    case 'data':
      return activityWorker(common, dataActivities(ports), 1, 2);
    case 'training':
      return activityWorker(common, trainingActivities(ports), 1, 2);
  }
}

const activityWorker = (
  common: Omit<WorkerOptions, 'taskQueue'>,
  activities: object,
  concurrency: number,
  pollers: number,
): Omit<WorkerOptions, 'taskQueue'> => ({
  ...common,
  activities,
  maxConcurrentActivityTaskExecutions: concurrency,
  activityTaskPollerBehavior: { type: 'simple-maximum', maximum: pollers },
});

const retryMs = 1_000;

/** A dead address refuses at once, so waiting for the server is ours: once a second, saying so at first and every minute. */
async function connectPatiently({ temporal }: Settings, logger: Logger): Promise<NativeConnection> {
  const options = await temporalConnectionOptions(temporal);
  const { address } = temporal;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      if (attempt % 60 === 0) logger.warn({ address, error }, 'waiting for the Temporal server');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
