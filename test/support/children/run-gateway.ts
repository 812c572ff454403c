import { runGateway } from '../../../workers/gateway.ts';

/** A gateway as its own process, to be killed; settings come from the environment. */
await runGateway(process.env);
if (process.connected) process.disconnect();
