import { setTimeout as sleep } from 'node:timers/promises';

import type { World } from '../world.ts';

const usuallyEveryMs = 10_000;

/**
 * Takes into the lake what robots bring while a trial runs, again and again, so that little is left to take when it is over. Cycles collect by themselves, and
 * have no trial yet. `stop` resolves when the last collection is over, and throws when one failed.
 */
export function collectingMeanwhile(
  world: Pick<World, 'collect' | 'trial'>,
  everyMs = usuallyEveryMs,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      if (await isOnTrial(world)) await world.collect();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  running.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What robots bring during a trial is in the lake when it ends. */
export async function whileCollecting<Result>(world: World, work: () => Promise<Result>): Promise<Result> {
  const collecting = collectingMeanwhile(world);
  try {
    return await work();
  } finally {
    await collecting.stop();
  }
}

const isOnTrial = ({ trial }: Pick<World, 'trial'>): Promise<boolean> =>
  trial().then(
    ({ stage }) => stage === 'abTest' || stage === 'rollout',
    // There was none yet.
    () => false,
  );
