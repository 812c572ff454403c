import { Runtime } from '@temporalio/worker';

import { FoldingLogger, openLogger } from '../../workers/logger.ts';
import { stopTemporal } from './temporal.ts';

/** Whatever the run shares is set up and ended once. */
export const mochaHooks = {
  beforeAll(): void {
    Runtime.install({ logger: new FoldingLogger(openLogger('fatal', 'test'), Date.now) });
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await stopTemporal();
  },
};
