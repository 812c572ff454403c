import { join } from 'node:path';

import { judgingThread, type JudgingThread } from '../../workers/judging/judging-thread.ts';
import type { OpenFleet } from './open-fleet.ts';

/** The thread in which a fleet worker judges, on a fleet's store. */
export const openThread = ({ directory }: Pick<OpenFleet, 'directory'>): JudgingThread =>
  judgingThread({
    settings: {
      store: { kind: 'file', directory: join(directory, 'store') },
      keysDirectory: join(directory, 'keys'),
      scratchDirectory: join(directory, 'scratch'),
    },
    home: {
      fleet: { refreshOrders: async () => undefined },
      loop: { cycles: async () => undefined, sight: async () => undefined },
    },
    warn(sentence) {
      throw new Error(sentence);
    },
  });
