import { openLogger } from '../../../workers/logger.ts';
import { readSettings } from '../../../workers/config.ts';
import { openStore } from '../../../workers/compose.ts';
import { startGateway } from '../../../fleet/gateway/gateway.ts';
import { readGatewaySettings, withoutGatewaySettings } from '../../../fleet/gateway/settings.ts';

/** A gateway as its own process, to be killed, whose clock is off by what the last message said: it lives in another day. */
let shiftMs = 0;
const shifted = new Promise<void>((resolve) => {
  process.on('message', (message) => {
    ({ shiftMs } = message as { shiftMs: number });
    resolve();
  });
});
await shifted;
const settings = readSettings(withoutGatewaySettings(process.env));
const gateway = await startGateway(
  {
    store: await openStore(settings),
    clock: () => Date.now() + shiftMs,
    monotonicMs: () => performance.now(),
    log: openLogger(settings.logLevel, 'gateway'),
    scratchDirectory: settings.scratchDirectory,
  },
  readGatewaySettings(process.env),
);
process.send?.({ url: gateway.url });
