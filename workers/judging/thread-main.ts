import { parentPort, workerData } from 'node:worker_threads';

import { judgingActivities } from '../../activities/judging.ts';
import { openFleet, openTelemetryLog } from '../../fleet/desk/index.ts';
import { openDiskSpace, openKeys, openStore } from '../compose.ts';
import type { HomeFunctions, ThreadSettings } from './home.ts';
import { Line } from './line.ts';

const neverHere = (): never => {
  throw new Error('expected a function of the thread that judges, got one that acts');
};

/** The judging side: reads the store by itself, asks the process for what only it can do. */
async function serve(port: NonNullable<typeof parentPort>, settings: ThreadSettings): Promise<void> {
  const store = await openStore(settings);
  const clock = Date.now;
  const home = <Name extends keyof HomeFunctions>(
    name: Name,
    ...input: Parameters<HomeFunctions[Name]>
  ): ReturnType<HomeFunctions[Name]> => line.call(name, ...input) as ReturnType<HomeFunctions[Name]>;
  const activities = judgingActivities({
    store,
    clock,
    signer: openKeys(settings).signer,
    fleet: { ...openFleet({ store, clock }), refreshOrders: (policy) => home('refreshOrders', policy) },
    telemetry: openTelemetryLog(store),
    loop: {
      cycles: (policy) => home('cycles', policy),
      sight: (policy, endedAfterMs) => home('sight', policy, endedAfterMs),
      turnHolder: neverHere,
      startCycle: neverHere,
      startRollback: neverHere,
    },
    diskSpace: openDiskSpace(settings),
  });
  const line: Line = new Line(port, activities);
  void line.call('beat');
  setInterval(() => void line.call('beat'), settings.beatMs).unref();
}

if (parentPort === null) throw new Error('expected to be a thread of a worker');
await serve(parentPort, workerData as ThreadSettings);
