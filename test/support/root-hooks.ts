import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';

import { makeTelemetryFilterString, Runtime } from '@temporalio/worker';

import { FoldingLogger, openLogger } from '../../workers/logger.ts';
import { sharedFolderVariable } from './shared-bundle.ts';
import { keepLogs, placeOfRun } from './place-of-run.ts';
import { stopTemporal } from './temporal.ts';

/** Under `--parallel` this is one of several processes, each with the files that it is given; mocha's own process runs no test. */
const isOneOfSeveral = process.env['MOCHA_WORKER_ID'] !== undefined;

// Temporary folders of this process are not those of another, and go with it. Keys of installations that tests start are nobody's data.
const folder = mkdtempSync(path.join(placeOfRun(), 'flywheel-test-'));
process.env['TMPDIR'] = folder;
// What the processes of a run may share lies in the folder of mocha's own, which ends last.
if (!isOneOfSeveral) process.env[sharedFolderVariable] = folder;
process.env['XDG_DATA_HOME'] = path.join(folder, 'data');
process.once('exit', (code) => {
  // After a failure, logs in it may say why.
  if (code === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  else keepLogs(folder);
});

// Hundreds of programs are started: each finds what the first one compiled.
const compiled = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'flywheel', 'compiled');
mkdirSync(compiled, { recursive: true, mode: 0o700 });
// Every supported Node.js has it, the types of the oldest not yet.
(module as { enableCompileCache?: (folder: string) => unknown }).enableCompileCache?.(compiled);
process.env['NODE_COMPILE_CACHE'] = compiled;

// What a process leaves behind is ended when it exits, which a signal alone would not let it do.
if (isOneOfSeveral) process.once('SIGTERM', () => process.exit(143));

// Commands that run in this process and leave their supervisor would leave mocha, whose channel it is.
if (isOneOfSeveral) process.disconnect = () => undefined;

/** What hangs is found by it; what a test promises of its speed, the test asserts itself. */
const leastPatienceMs = 180_000;

let isInstalled = false;

/** Whatever a process of the run shares is set up once, and ended with the process, which sees one file after the other. */
export const mochaHooks = {
  beforeAll(): void {
    if (isInstalled) return;
    isInstalled = true;
    Runtime.install({
      logger: new FoldingLogger(openLogger('fatal', 'test'), Date.now),
      // Servers die here and histories are changed on purpose: what the core warns of is what the tests ask for.
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), console: {} } },
    });
  },
  beforeEach(this: Mocha.Context): void {
    const { currentTest } = this;
    if (currentTest === undefined || currentTest.timeout() === 0) return;
    currentTest.timeout(Math.max(currentTest.timeout(), leastPatienceMs));
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    if (isOneOfSeveral) return;
    this.timeout(60_000);
    await stopTemporal();
  },
};
