/** The wire between robots and gateways: every request, answer, header and bound, for both sides. */
export * from './desired.ts';
export * from './errors.ts';
export * from './handshake.ts';
export * from './headers.ts';
export * from './heartbeat.ts';
export * from './identifiers.ts';
export * from './install-report.ts';
export * from './limits.ts';
export * from './media.ts';
export * from './routes.ts';
export * from './segments.ts';
export * from './signed-orders.ts';
export * from './tasks.ts';
export * from './telemetry.ts';
export * from './transfer.ts';
