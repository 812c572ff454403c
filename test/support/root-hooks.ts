import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Runtime } from '@temporalio/worker';

import { FoldingLogger, openLogger } from '../../workers/logger.ts';
import { stopTemporal } from './temporal.ts';

// Keys of installations that tests start are nobody's data.
process.env['XDG_DATA_HOME'] = mkdtempSync(path.join(tmpdir(), 'flywheel-data-'));

/** Whatever the run shares is set up and ended once. */
export const mochaHooks = {
  beforeAll(): void {
    Runtime.install({ logger: new FoldingLogger(openLogger('fatal', 'test'), Date.now) });
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await stopTemporal();
    rmSync(process.env['XDG_DATA_HOME'] ?? '', { recursive: true, force: true });
  },
};
