import { parseArgs } from 'node:util';

import { Runtime } from '@temporalio/worker';

import { queues, readSettings, type Queue } from './config.ts';
import { endWithParent, leaveParent, tellParent } from './end-with-parent.ts';
import { FoldingLogger, openLogger } from './logger.ts';
import { runWorkers } from './run-workers.ts';

const usage = `Runs Flywheel workers until SIGTERM or SIGINT.

Usage: npm run worker -- [--queues ${queues.join(',')}]

  --queues LIST   task queues this process serves (default: all)
  --help          this text

Settings come from FLYWHEEL_… environment variables; see docs/operations.md.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { queues: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(usage);
    return;
  }
  const wanted = parseQueues(values.queues ?? queues.join(','));
  const settings = readSettings(process.env);
  const logger = openLogger(settings.logLevel, `worker ${wanted.join('+')}`);
  Runtime.install({
    logger: new FoldingLogger(logger, Date.now),
    shutdownSignals: ['SIGINT', 'SIGTERM'],
    telemetryOptions:
      settings.metricsAddress === undefined
        ? {}
        : { metrics: { prometheus: { bindAddress: settings.metricsAddress } } },
  });
  endWithParent(() => process.kill(process.pid, 'SIGTERM'));
  await runWorkers({ settings, queues: wanted, logger, ready: () => tellParent('ready') });
}

function parseQueues(text: string): readonly Queue[] {
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !queues.some((queue) => queue === name));
  if (unknown.length > 0) throw new Error(`--queues: expected some of ${queues.join(', ')}, got ${unknown.join(', ')}`);
  return queues.filter((queue) => wanted.includes(queue));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  leaveParent();
}
