import { sleep } from '@temporalio/workflow';

import { fleetMonitor as monitorBefore, rolloutPolicy as rolloutBefore } from '../../../workflows/index.ts';

export * from '../../../workflows/index.ts';

/** A later build that no history of the one before replays with: each of the two waits first. */
export async function rolloutPolicy(...args: Parameters<typeof rolloutBefore>): ReturnType<typeof rolloutBefore> {
  await sleep(1);
  return rolloutBefore(...args);
}

export async function fleetMonitor(...args: Parameters<typeof monitorBefore>): ReturnType<typeof monitorBefore> {
  await sleep(1);
  return monitorBefore(...args);
}
