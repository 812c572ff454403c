import { readSettings } from './config.ts';
import { endWithParent, leaveParent, tellParent } from './end-with-parent.ts';
import { openLogger } from './logger.ts';
import { openStore } from './compose.ts';
import { startGateway } from '../fleet/gateway/gateway.ts';
import { readGatewaySettings, withoutGatewaySettings } from '../fleet/gateway/settings.ts';

const usage = `Runs a Flywheel gateway until SIGTERM or SIGINT. Several may serve one store.

Usage: npm run flywheel -- gateway

Settings come from FLYWHEEL_GATEWAY_… and FLYWHEEL_… environment variables; see docs/operations.md.
`;

/** Threads that wait for disks. Node.js has four, and as many slow writes hold up whatever else reads or writes. */
const diskThreads = '16';

/** Runs a gateway as the environment says, until a signal stops it or, under a supervisor, the supervisor dies. */
export async function runGateway(environment: NodeJS.ProcessEnv): Promise<void> {
  // Read when the first of them is needed, which is below.
  process.env['UV_THREADPOOL_SIZE'] ??= diskThreads;
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    endWithParent(resolve);
  });
  const gatewaySettings = readGatewaySettings(environment);
  const settings = readSettings(withoutGatewaySettings(environment));
  const log = openLogger(settings.logLevel, `gateway ${gatewaySettings.gatewayId}`);
  const gateway = await startGateway(
    {
      store: await openStore(settings),
      clock: Date.now,
      monotonicMs: () => performance.now(),
      log,
      scratchDirectory: settings.scratchDirectory,
    },
    gatewaySettings,
  );
  tellParent({ kind: 'ready', url: gateway.url, operationsUrl: gateway.operationsUrl });
  await told;
  await gateway.stop();
}

/** Only when it is the program itself that was started. */
if (import.meta.filename === process.argv[1]) {
  if (process.argv.includes('--help')) process.stdout.write(usage);
  else
    try {
      await runGateway(process.env);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = 1;
    } finally {
      leaveParent();
    }
}
