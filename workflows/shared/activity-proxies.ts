import { ActivityCancellationType, proxyActivities, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import type { ActivityInterfaceFor } from '@temporalio/workflow';

import type {
  DataActivities,
  FleetActivities,
  InputActivities,
  MonitorActivities,
  TrainingActivities,
} from '../../activities/index.ts';

/** Resource classes, each a task queue that can be a process of its own. `orchestration` runs the workflows. */
type Resource = 'fleet' | 'data' | 'training';

/** The queue of a resource beside the workflow's own: `orchestration` → `data`; tests put a prefix before both. */
const queueOf = (resource: Resource): string => workflowInfo().taskQueue.replace(/orchestration$/, resource);

/** A worker that dies is noticed within this time: long activities beat every second. */
const heartbeatTimeout = '20 seconds';
/** Nothing of a cancelled step runs on unseen: the workflow waits until the activity has cleaned up. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
/** Every activity is idempotent by a key of the domain, so all may be tried again; the failure's type says when that helps. */
const retry = { initialInterval: '1 second', maximumInterval: '30 seconds', backoffCoefficient: 2 } as const;

/** Small reads and writes of the object store: registry, aliases, reports. Never behind heavy work. */
export const fleetActivities = (): ActivityInterfaceFor<FleetActivities> =>
  proxyActivities<FleetActivities>({
    taskQueue: queueOf('fleet'),
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '1 day',
    cancellationType,
    retry,
  });

/** Reads weeks of telemetry the first time. */
export const planActivities = (): Pick<ActivityInterfaceFor<FleetActivities>, 'planTrial'> =>
  proxyActivities<FleetActivities>({
    taskQueue: queueOf('fleet'),
    startToCloseTimeout: '1 hour',
    scheduleToCloseTimeout: '1 day',
    heartbeatTimeout,
    cancellationType,
    retry,
  });

/**
 * What the guard looks at. Longer than the lease it is not waited for: the robots are back by themselves by then, and the next
 * tick looks anew.
 */
export const guardActivities = (
  leaseMs: number,
): Pick<ActivityInterfaceFor<FleetActivities>, 'collectCells' | 'judgeTick' | 'judgeLook' | 'renewLease'> =>
  proxyActivities<FleetActivities>({
    taskQueue: queueOf('fleet'),
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: leaseMs,
    cancellationType,
    retry: { ...retry, maximumInterval: '5 seconds' },
  });

/** What takes robots back: tried until it succeeds, because nothing else may follow. */
export const returnActivities = (): Pick<
  ActivityInterfaceFor<FleetActivities>,
  'readTrialState' | 'endExposure' | 'repairAliases' | 'recordApproval' | 'recordTrialEnd' | 'readConfirmations'
> =>
  proxyActivities<FleetActivities>({
    taskQueue: queueOf('fleet'),
    startToCloseTimeout: '1 minute',
    cancellationType,
    retry: { ...retry, maximumInterval: '5 seconds' },
  });

/** Looks and their consequences: one that cannot be done is given up, because the next look sees more. */
export const monitorActivities = (): ActivityInterfaceFor<MonitorActivities> =>
  proxyActivities<MonitorActivities>({
    taskQueue: queueOf('fleet'),
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '10 minutes',
    cancellationType,
    retry,
  });

/** Behind whatever the data queue does; too late it is of no use. */
export const driftActivities = (): Pick<ActivityInterfaceFor<DataActivities>, 'observeDrift'> =>
  proxyActivities<DataActivities>({
    taskQueue: queueOf('data'),
    startToCloseTimeout: '30 minutes',
    scheduleToCloseTimeout: '6 hours',
    heartbeatTimeout,
    cancellationType,
    retry,
  });

/** Behind whatever the data queue does; the next time does what this one could not. */
export const maintenanceActivities = (): Pick<
  ActivityInterfaceFor<DataActivities>,
  'sweepStore' | 'compactFacts' | 'mirrorRegistry'
> =>
  proxyActivities<DataActivities>({
    taskQueue: queueOf('data'),
    startToCloseTimeout: '1 hour',
    scheduleToCloseTimeout: '6 hours',
    heartbeatTimeout,
    cancellationType,
    retry: { ...retry, maximumAttempts: 5 },
  });

/** Lake and mix: minutes to hours of SQL; an outage of the store is waited out. */
export const dataActivities = (): ActivityInterfaceFor<DataActivities> =>
  proxyActivities<DataActivities>({
    taskQueue: queueOf('data'),
    startToCloseTimeout: '6 hours',
    scheduleToCloseTimeout: '1 day',
    heartbeatTimeout,
    cancellationType,
    retry,
  });

/** Training and offline judging, one at a time a worker; a retry goes on from the last checkpoint. */
export const trainingActivities = (): ActivityInterfaceFor<TrainingActivities> =>
  proxyActivities<TrainingActivities>({
    taskQueue: queueOf('training'),
    startToCloseTimeout: '1 day',
    scheduleToCloseTimeout: '3 days',
    heartbeatTimeout,
    cancellationType,
    retry,
  });

/** Reads what a person typed: pure and quick, so it runs beside the workflow. */
export const inputActivities = (): Pick<InputActivities, 'parseInput'> =>
  proxyLocalActivities<InputActivities>({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 3 } });
