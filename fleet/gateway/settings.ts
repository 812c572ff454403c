import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { z } from 'zod';

import { describeIssues } from '../../domain/describe-issues.ts';
import type { UploadLimits } from './upload-shares.ts';
import type { EntryRateLimits } from './entry-rates.ts';
import type { ClipSettings } from './clip-limits.ts';
import { gatewayIdSchema, wireLimits } from '../protocol/index.ts';
import type { QuotaLimits } from './daily-quotas.ts';

const count = (unit: string, least: number, most: number, fallback: number) =>
  z.coerce.number(`expected a number of ${unit}`).int().min(least).max(most).default(fallback);

/** Every setting of the gateway, read from `FLYWHEEL_GATEWAY_…` once at start. Where experience lies comes from `FLYWHEEL_STORE`. */
const settingsSchema = z
  .strictObject({
    FLYWHEEL_GATEWAY_HOST: z.string().min(1).default('127.0.0.1'),
    FLYWHEEL_GATEWAY_PORT: count('a port', 0, 65_535, 8_460),
    /** Metrics and documentation, without tokens: only this machine unless told otherwise. */
    FLYWHEEL_GATEWAY_OPERATIONS_HOST: z.string().min(1).default('127.0.0.1'),
    FLYWHEEL_GATEWAY_OPERATIONS_PORT: z.coerce.number('expected a port').int().min(0).max(65_535).optional(),
    /** Names this gateway's presence; must differ among gateways of one store. Default: host name and port. */
    FLYWHEEL_GATEWAY_ID: gatewayIdSchema.optional(),
    /** Files in PEM: with both, HTTPS only. */
    FLYWHEEL_GATEWAY_TLS_CERT: z.string().min(1).optional(),
    FLYWHEEL_GATEWAY_TLS_KEY: z.string().min(1).optional(),
    /** File in PEM: every client must show a certificate of this authority, with its robot id as common name. */
    FLYWHEEL_GATEWAY_TLS_CLIENT_CA: z.string().min(1).optional(),
    FLYWHEEL_GATEWAY_HEARTBEAT_MS: count('milliseconds', 100, 600_000, wireLimits.heartbeatEveryMs),
    FLYWHEEL_GATEWAY_LONG_POLL_MS: count('milliseconds', 100, wireLimits.maxLongPollMs, wireLimits.maxLongPollMs),
    /** How long telemetry may wait for company before it is written and acknowledged. */
    FLYWHEEL_GATEWAY_COMMIT_MS: count('milliseconds', 1, wireLimits.telemetryCommitMs, 1_000),
    FLYWHEEL_GATEWAY_PRESENCE_MS: count('milliseconds', 100, 15_000, 15_000),
    FLYWHEEL_GATEWAY_LOOK_MS: count('milliseconds', 50, 1_000, 1_000),
    FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: count('requests', 1, 100_000, 50),
    FLYWHEEL_GATEWAY_REQUESTS_AT_ONCE: count('requests', 2, 10_000, 16),
    FLYWHEEL_GATEWAY_CONNECTIONS_PER_ROBOT: count('connections', 1, 10_000, 16),
    FLYWHEEL_GATEWAY_CONNECTIONS: count('connections', 1, 1_000_000, 10_000),
    /** Connections of one address on which no robot has shown its token yet; beyond it the oldest is cut. */
    FLYWHEEL_GATEWAY_CONNECTIONS_PER_ADDRESS: count('connections', 1, 1_000_000, 256),
    /** Requests that are worked on at once, long polls not counted. */
    FLYWHEEL_GATEWAY_WORK_AT_ONCE: count('requests', 1, 100_000, 512),
    /** Segments that are being received, all together. */
    FLYWHEEL_GATEWAY_UPLOAD_MIB: count('MiB', 64, 1_000_000, 1_024),
    FLYWHEEL_GATEWAY_UPLOAD_MIB_PER_ROBOT: count('MiB', 64, 1_000_000, 128),
    /** What one robot may put into the store within a day (UTC). */
    FLYWHEEL_GATEWAY_DAY_UPLOAD_MIB: count('MiB', 64, 100_000_000, 8_192),
    FLYWHEEL_GATEWAY_DAY_SEGMENTS: count('segments', 1, 1_000_000_000, 20_000),
    FLYWHEEL_GATEWAY_DAY_ENTRIES: count('entries', 1, 1_000_000_000, 200_000),
    /** Telemetry entries of one robot: over time, and at once after a time without contact. */
    FLYWHEEL_GATEWAY_ENTRIES_PER_SECOND: count('entries', 1, 1_000_000, 10),
    FLYWHEEL_GATEWAY_ENTRIES_AT_ONCE: count('entries', wireLimits.maxTelemetryEntries, 1_000_000_000, 5_000),
    FLYWHEEL_GATEWAY_DAY_INSTALL_REPORTS: count('reports', 1, 1_000_000_000, 500),
    /** Parts of clips that are being received, of all robots together; telemetry, orders and segments do not wait for them. */
    FLYWHEEL_GATEWAY_CLIP_PARTS_AT_ONCE: count('parts', 1, 1_000, 8),
    /** Clips of one robot of which only parts are there; beyond it the one that stood still the longest gives way. */
    FLYWHEEL_GATEWAY_CLIPS_UNFINISHED: count('clips', 1, 1_000, 8),
    FLYWHEEL_GATEWAY_DAY_CLIP_MIB: count('MiB', 1, 100_000_000, 16_384),
    FLYWHEEL_GATEWAY_DAY_CLIPS: count('clips', 1, 1_000_000_000, 5_000),
    /** Clips are refused while a write of telemetry takes longer than this, and a while after. */
    FLYWHEEL_GATEWAY_CLIP_SLOW_WRITE_MS: count('milliseconds', 10, 600_000, 500),
    /** With less room than this on the disk of uploads clips are refused; everything else is taken as long as it fits. */
    FLYWHEEL_GATEWAY_CLIP_FREE_MIB: count('MiB', 0, 100_000_000, 2_048),
    /** A body may wait this long, and a second more for each so many bytes that came; a slower one is ended. */
    FLYWHEEL_GATEWAY_BODY_GRACE_MS: count('milliseconds', 100, 900_000, 20_000),
    FLYWHEEL_GATEWAY_BODY_BYTES_PER_SECOND: count('bytes', 1, 1_000_000_000, 1_024),
    /** A connection on which nothing moves for so long is cut; longer than a long poll. */
    FLYWHEEL_GATEWAY_STALL_MS: count('milliseconds', 100, 3_600_000, 90_000),
    FLYWHEEL_GATEWAY_STOP_MS: count('milliseconds', 0, 600_000, 20_000),
  })
  .superRefine((values, context) => {
    const { FLYWHEEL_GATEWAY_TLS_CERT: cert, FLYWHEEL_GATEWAY_TLS_KEY: key } = values;
    if ((cert === undefined) !== (key === undefined))
      context.addIssue({ code: 'custom', message: 'expected FLYWHEEL_GATEWAY_TLS_CERT and _TLS_KEY together' });
    if (values.FLYWHEEL_GATEWAY_STALL_MS <= values.FLYWHEEL_GATEWAY_LONG_POLL_MS)
      context.addIssue({ code: 'custom', message: 'expected FLYWHEEL_GATEWAY_STALL_MS above _LONG_POLL_MS' });
    if (values.FLYWHEEL_GATEWAY_TLS_CLIENT_CA !== undefined && cert === undefined)
      context.addIssue({ code: 'custom', message: 'expected _TLS_CERT and _TLS_KEY with _TLS_CLIENT_CA' });
  });

export interface TlsSettings {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** With it, TLS is mutual. */
  readonly clientCa?: Buffer;
}

export interface GatewaySettings {
  readonly host: string;
  readonly port: number;
  readonly operations: { readonly host: string; readonly port: number };
  readonly gatewayId: string;
  readonly tls?: TlsSettings;
  readonly heartbeatEveryMs: number;
  readonly longPollMs: number;
  readonly commitMs: number;
  readonly presenceEveryMs: number;
  readonly lookEveryMs: number;
  readonly robotLimits: {
    readonly requestsPerSecond: number;
    readonly burstRequests: number;
    readonly maxConcurrentRequests: number;
    readonly maxConnections: number;
  };
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly bodies: { readonly graceMs: number; readonly leastBytesPerSecond: number };
  readonly maxConcurrentWork: number;
  readonly uploads: UploadLimits;
  readonly dailyQuotas: QuotaLimits;
  readonly entryRates: EntryRateLimits;
  readonly clips: ClipSettings;
  readonly stallMs: number;
  readonly stopWithinMs: number;
}

const mebibyte = 1024 * 1024;
const prefix = 'FLYWHEEL_GATEWAY_';

/** Parses the environment; throws an error that names every wrong or unknown `FLYWHEEL_GATEWAY_…` variable. */
export function readGatewaySettings(environment: Readonly<Record<string, string | undefined>>): GatewaySettings {
  const ours = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => name.startsWith(prefix) && value !== undefined),
  );
  const parsed = settingsSchema.safeParse(ours);
  if (!parsed.success) throw new Error(`settings: ${describeIssues(parsed.error)}`);
  const values = parsed.data;
  const tls = readTls(values);
  return {
    host: values.FLYWHEEL_GATEWAY_HOST,
    port: values.FLYWHEEL_GATEWAY_PORT,
    operations: {
      host: values.FLYWHEEL_GATEWAY_OPERATIONS_HOST,
      port: values.FLYWHEEL_GATEWAY_OPERATIONS_PORT ?? operationsPort(values.FLYWHEEL_GATEWAY_PORT),
    },
    gatewayId: values.FLYWHEEL_GATEWAY_ID ?? defaultGatewayId(values.FLYWHEEL_GATEWAY_PORT),
    ...(tls === undefined ? {} : { tls }),
    heartbeatEveryMs: values.FLYWHEEL_GATEWAY_HEARTBEAT_MS,
    longPollMs: values.FLYWHEEL_GATEWAY_LONG_POLL_MS,
    commitMs: values.FLYWHEEL_GATEWAY_COMMIT_MS,
    presenceEveryMs: values.FLYWHEEL_GATEWAY_PRESENCE_MS,
    lookEveryMs: values.FLYWHEEL_GATEWAY_LOOK_MS,
    robotLimits: {
      requestsPerSecond: values.FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND,
      burstRequests: values.FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND * 2,
      maxConcurrentRequests: values.FLYWHEEL_GATEWAY_REQUESTS_AT_ONCE,
      maxConnections: values.FLYWHEEL_GATEWAY_CONNECTIONS_PER_ROBOT,
    },
    maxConnections: values.FLYWHEEL_GATEWAY_CONNECTIONS,
    maxConnectionsPerAddress: values.FLYWHEEL_GATEWAY_CONNECTIONS_PER_ADDRESS,
    bodies: {
      graceMs: values.FLYWHEEL_GATEWAY_BODY_GRACE_MS,
      leastBytesPerSecond: values.FLYWHEEL_GATEWAY_BODY_BYTES_PER_SECOND,
    },
    maxConcurrentWork: values.FLYWHEEL_GATEWAY_WORK_AT_ONCE,
    uploads: {
      maxBytes: values.FLYWHEEL_GATEWAY_UPLOAD_MIB * mebibyte,
      maxRobotBytes: values.FLYWHEEL_GATEWAY_UPLOAD_MIB_PER_ROBOT * mebibyte,
      // The other half is for everything that is shorter.
      maxOpen: Math.max(1, Math.floor(values.FLYWHEEL_GATEWAY_WORK_AT_ONCE / 2)),
      maxRobotOpen: values.FLYWHEEL_GATEWAY_REQUESTS_AT_ONCE,
    },
    dailyQuotas: {
      uploadBytes: values.FLYWHEEL_GATEWAY_DAY_UPLOAD_MIB * mebibyte,
      segments: values.FLYWHEEL_GATEWAY_DAY_SEGMENTS,
      telemetryEntries: values.FLYWHEEL_GATEWAY_DAY_ENTRIES,
      installReports: values.FLYWHEEL_GATEWAY_DAY_INSTALL_REPORTS,
      clipBytes: values.FLYWHEEL_GATEWAY_DAY_CLIP_MIB * mebibyte,
      clips: values.FLYWHEEL_GATEWAY_DAY_CLIPS,
    },
    clips: {
      maxParts: values.FLYWHEEL_GATEWAY_CLIP_PARTS_AT_ONCE,
      maxUnfinished: values.FLYWHEEL_GATEWAY_CLIPS_UNFINISHED,
      slowWriteMs: values.FLYWHEEL_GATEWAY_CLIP_SLOW_WRITE_MS,
      leastFreeBytes: values.FLYWHEEL_GATEWAY_CLIP_FREE_MIB * mebibyte,
    },
    entryRates: {
      perSecond: values.FLYWHEEL_GATEWAY_ENTRIES_PER_SECOND,
      burst: values.FLYWHEEL_GATEWAY_ENTRIES_AT_ONCE,
    },
    stallMs: values.FLYWHEEL_GATEWAY_STALL_MS,
    stopWithinMs: values.FLYWHEEL_GATEWAY_STOP_MS,
  };
}

/** The environment without the gateway's own settings, for whoever reads the rest and refuses what it does not know. */
export const withoutGatewaySettings = (
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith(prefix)));

/** So far above the robots' port that gateways on neighbouring ports do not meet; a free one beside a free one. */
const operationsPort = (port: number): number => (port === 0 || port > 64_535 ? 0 : port + 1_000);

function readTls(values: z.infer<typeof settingsSchema>): TlsSettings | undefined {
  const { FLYWHEEL_GATEWAY_TLS_CERT: cert, FLYWHEEL_GATEWAY_TLS_KEY: key } = values;
  const clientCa = values.FLYWHEEL_GATEWAY_TLS_CLIENT_CA;
  if (cert === undefined || key === undefined) return undefined;
  const files = { cert: readFileSync(cert), key: readFileSync(key) };
  return clientCa === undefined ? files : { ...files, clientCa: readFileSync(clientCa) };
}

function defaultGatewayId(port: number): string {
  const host = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '');
  return `${host.slice(0, 50) || 'gateway'}-${port}`;
}
