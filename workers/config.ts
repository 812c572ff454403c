import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { z } from 'zod';

import { dictionary } from '../domain/dictionary.ts';
import type { QuietHours } from '../domain/monitoring/plan-mail.ts';
import { describeIssues } from '../domain/describe-issues.ts';
import { readMailSettings, type MailSettings } from './mail-settings.ts';
import { readQuietHours } from './quiet-hours.ts';
import { readTrainerCommands, type TrainerCommand } from './trainer-commands.ts';

export const queues = ['orchestration', 'fleet', 'data', 'training'] as const;
export type Queue = (typeof queues)[number];

const positive = (unit: string, fallback: number) =>
  z.coerce.number(`expected a number of ${unit}`).int().min(1).default(fallback);

/** Every setting of a Flywheel process, read from `FLYWHEEL_…` environment variables once at start. */
const settingsSchema = z.strictObject({
  /** Where experience, lake, models and reports live: a folder (`file:DIR` or a plain path) or `s3://bucket`. */
  FLYWHEEL_STORE: z.string().min(1).default('.flywheel/store'),
  /** Endpoint of an S3 service that is not AWS. */
  FLYWHEEL_S3_ENDPOINT: z.url().optional(),
  FLYWHEEL_S3_REGION: z.string().min(1).default('us-east-1'),
  /** Local folder for keys (mode 0600); by default one in the user's data folder, named after the store. */
  FLYWHEEL_KEYS: z.string().min(1).optional(),
  /** Local folder for temporary files; on the store's disk a finished file is linked, not copied. */
  FLYWHEEL_SCRATCH: z.string().min(1).default('.flywheel/scratch'),
  FLYWHEEL_TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^:]+:\d+$/, 'expected host:port')
    .default('127.0.0.1:7233'),
  FLYWHEEL_TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** Connects by TLS; default: yes as soon as one of the settings below is there. */
  FLYWHEEL_TEMPORAL_TLS: z.enum(['true', 'false']).optional(),
  /** PEM file of the authority that signed the server's certificate; default: those of the system. */
  FLYWHEEL_TEMPORAL_TLS_CA: z.string().min(1).optional(),
  /** PEM files of this client's certificate and its key, for servers that ask for one. */
  FLYWHEEL_TEMPORAL_TLS_CERT: z.string().min(1).optional(),
  FLYWHEEL_TEMPORAL_TLS_KEY: z.string().min(1).optional(),
  /** Name in the server's certificate where it is not the host of the address. */
  FLYWHEEL_TEMPORAL_TLS_SERVER_NAME: z.string().min(1).optional(),
  /** Sent with every call, by TLS only; never logged. */
  FLYWHEEL_TEMPORAL_API_KEY: z.string().min(1).optional(),
  /**
   * Put before every task queue name, so that several sets of workers share one namespace. Workflows are named by policy and robot type there:
   * installations that know the same ones need a namespace each.
   */
  FLYWHEEL_QUEUE_PREFIX: z.string().max(100).default(''),
  /**
   * Name of the deployment whose builds run side by side: what began on one build ends on it. Without one, workers of all builds share the work.
   */
  FLYWHEEL_DEPLOYMENT: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, 'expected up to 100 letters, digits, - and _')
    .optional(),
  /** How fast a fleet day passes in trials that say nothing: `compressed` is a minute, for demonstrations. */
  FLYWHEEL_TRIAL_PROFILE: z.enum(['real', 'compressed']).default('real'),
  /** For so many minutes after a rollback who ordered it can undo it without an approval; 0: never. */
  FLYWHEEL_UNDO_ROLLBACK_MINUTES: z.coerce.number('expected a number of minutes').int().min(0).max(1_440).default(30),
  /** Threads of the SQL engine and of the trainer, each. */
  FLYWHEEL_THREADS: positive('threads', 1),
  /** Memory limit of the SQL engine in MiB; beyond it the engine spills to scratch. */
  FLYWHEEL_SQL_MEMORY_MIB: positive('MiB', 1024),
  /** JSON file with the commands the `command` trainer may run and their environment; none by default. */
  FLYWHEEL_TRAINERS: z.string().min(1).optional(),
  /** Older form: programs that may be run with any arguments, separated by commas. No interpreters. */
  FLYWHEEL_TRAINER_PROGRAMS: z.string().default(''),
  FLYWHEEL_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** host:port for Prometheus metrics of the worker; none by default. */
  FLYWHEEL_METRICS_ADDRESS: z.string().optional(),
  /** Where incidents are POSTed; nowhere by default. */
  FLYWHEEL_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Signs what is POSTed; never logged. */
  FLYWHEEL_WEBHOOK_SECRET: z.string().min(16, 'expected at least 16 characters').optional(),
  /** Where people find the console's pages: reports link there. */
  FLYWHEEL_PAGES_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/[?#]|^[^/]*\/\/[^/]*@/.test(url), 'expected no user, question or fragment')
    .optional(),
  /** Hours in which only urgent incidents are POSTed, as JSON; none by default. */
  FLYWHEEL_WEBHOOK_QUIET: z.string().min(1).max(1_000).optional(),
  /** MLflow tracking server that runs, versions and aliases are mirrored to; none by default. */
  FLYWHEEL_MLFLOW_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/^[^/]*\/\/[^/]*@/.test(url), 'expected no user name or password: set FLYWHEEL_MLFLOW_TOKEN')
    .optional(),
  /** Sent there as a bearer token; never logged. */
  FLYWHEEL_MLFLOW_TOKEN: z.string().min(1).optional(),
  /** JSON file that says by which server mail goes out, and who gets it; nobody by default. */
  FLYWHEEL_MAIL: z.string().min(1).optional(),
  /** Where tests and imports find recorded data sets. */
  FLYWHEEL_DATASETS: z.string().optional(),
  /** Cache folder of the tools. */
  FLYWHEEL_CACHE: z.string().optional(),
  /** The ffmpeg that codes and decodes clips of cameras; default: the one on PATH. */
  FLYWHEEL_FFMPEG: z.string().min(1).optional(),
  /** File that tells commands which installation is meant; see `flywheel context`. */
  FLYWHEEL_CONTEXT: z.string().min(1).optional(),
});

export interface Settings {
  readonly store: { readonly kind: 'file'; readonly directory: string } | S3StoreSettings;
  readonly keysDirectory: string;
  readonly scratchDirectory: string;
  readonly temporal: TemporalSettings;
  readonly trialProfile: 'real' | 'compressed';
  /** For so long a rollback can be undone by who ordered it. */
  readonly undoWithinMs: number;
  readonly threads: number;
  readonly sqlMemoryMiB: number;
  readonly trainerCommands: readonly TrainerCommand[];
  readonly logLevel: string;
  readonly metricsAddress?: string;
  readonly webhook?: WebhookSettings;
  readonly mlflow?: { readonly url: string; readonly token?: string };
  readonly mail?: MailSettings;
  /** Without a slash at its end. */
  readonly pagesUrl?: string;
}

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
  readonly quiet?: QuietHours;
}

export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly queuePrefix: string;
  /** Undefined: workers of all builds share the work. */
  readonly deployment?: string;
  /** Undefined: without TLS, for a server on this machine. */
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly serverName?: string;
  };
  readonly apiKey?: string;
}

export interface S3StoreSettings {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  readonly endpoint?: string;
}

/** The gateway, the console and the robot's agent read settings of their own. */
const isOurs = (name: string): boolean =>
  name.startsWith('FLYWHEEL_') &&
  !['FLYWHEEL_GATEWAY_', 'FLYWHEEL_CONSOLE_', 'FLYWHEEL_ROBOT_'].some((prefix) => name.startsWith(prefix));

/** Parses the environment; throws an error with one line a wrong or unknown `FLYWHEEL_…` variable. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const ours = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => isOurs(name) && value !== undefined),
  );
  const parsed = settingsSchema.safeParse(ours);
  if (!parsed.success) throw new Error(`settings: ${describeIssues(parsed.error)}`);
  const values = parsed.data;
  const store = parseStoreUrl(values.FLYWHEEL_STORE, values.FLYWHEEL_S3_REGION, values.FLYWHEEL_S3_ENDPOINT);
  return {
    store,
    keysDirectory: path.resolve(values.FLYWHEEL_KEYS ?? defaultKeysDirectory(store, environment)),
    scratchDirectory: path.resolve(values.FLYWHEEL_SCRATCH),
    temporal: {
      address: values.FLYWHEEL_TEMPORAL_ADDRESS,
      namespace: values.FLYWHEEL_TEMPORAL_NAMESPACE,
      queuePrefix: values.FLYWHEEL_QUEUE_PREFIX,
      ...(values.FLYWHEEL_DEPLOYMENT === undefined ? {} : { deployment: values.FLYWHEEL_DEPLOYMENT }),
      ...temporalTlsOf(values),
    },
    trialProfile: values.FLYWHEEL_TRIAL_PROFILE,
    undoWithinMs: 60_000 * values.FLYWHEEL_UNDO_ROLLBACK_MINUTES,
    threads: values.FLYWHEEL_THREADS,
    sqlMemoryMiB: values.FLYWHEEL_SQL_MEMORY_MIB,
    trainerCommands: readTrainerCommands(values.FLYWHEEL_TRAINERS, values.FLYWHEEL_TRAINER_PROGRAMS),
    logLevel: values.FLYWHEEL_LOG_LEVEL,
    ...(values.FLYWHEEL_METRICS_ADDRESS === undefined ? {} : { metricsAddress: values.FLYWHEEL_METRICS_ADDRESS }),
    ...webhookOf(values.FLYWHEEL_WEBHOOK_URL, values.FLYWHEEL_WEBHOOK_SECRET, values.FLYWHEEL_WEBHOOK_QUIET),
    ...mlflowOf(values.FLYWHEEL_MLFLOW_URL, values.FLYWHEEL_MLFLOW_TOKEN),
    ...(values.FLYWHEEL_PAGES_URL === undefined ? {} : { pagesUrl: values.FLYWHEEL_PAGES_URL.replace(/\/+$/, '') }),
    ...(values.FLYWHEEL_MAIL === undefined ? {} : { mail: readMailSettings(values.FLYWHEEL_MAIL) }),
  };
}

/** The one name of a store, for comparing: an absolute folder or `s3://bucket`. */
export const resolveStore = (text: string): string =>
  text.startsWith('s3:') ? text.replace(/\/$/, '') : path.resolve(text.replace(/^file:(\/\/)?/, ''));
/**
 * Where the keys of an installation are unless `FLYWHEEL_KEYS` says so: outside of every working folder, named after the store.
 * An installation of an earlier version goes on with the folder `keys` beside its store.
 */
export function defaultKeysDirectory(
  store: Settings['store'],
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (store.kind === 'file') {
    const beside = path.join(path.dirname(store.directory), 'keys');
    if (existsSync(path.join(beside, 'signing-key.pem'))) return beside;
  }
  const data = environment['XDG_DATA_HOME'] ?? path.join(environment['HOME'] ?? homedir(), '.local', 'share');
  const name = store.kind === 'file' ? store.directory : `${store.endpoint ?? ''} ${store.bucket}`;
  return path.join(data, 'flywheel', createHash('sha256').update(name).digest('hex').slice(0, 12), 'keys');
}

function parseStoreUrl(text: string, region: string, endpoint: string | undefined): Settings['store'] {
  if (!text.startsWith('s3:')) return { kind: 'file', directory: resolveStore(text) };
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(text);
  if (match?.[1] === undefined)
    throw new Error(`settings: FLYWHEEL_STORE: expected a folder or s3://bucket, got ${text}`);
  return { kind: 's3', bucket: match[1], region, ...(endpoint === undefined ? {} : { endpoint }) };
}

/** A key goes over TLS only, and a certificate needs its key. */
function temporalTlsOf(values: z.infer<typeof settingsSchema>): Pick<TemporalSettings, 'tls' | 'apiKey'> {
  const names = {
    caFile: values.FLYWHEEL_TEMPORAL_TLS_CA,
    certFile: values.FLYWHEEL_TEMPORAL_TLS_CERT,
    keyFile: values.FLYWHEEL_TEMPORAL_TLS_KEY,
    serverName: values.FLYWHEEL_TEMPORAL_TLS_SERVER_NAME,
  };
  const apiKey = values.FLYWHEEL_TEMPORAL_API_KEY;
  if ((names.certFile === undefined) !== (names.keyFile === undefined))
    throw new Error(
      'settings: expected FLYWHEEL_TEMPORAL_TLS_CERT and FLYWHEEL_TEMPORAL_TLS_KEY together, got one of them',
    );
  const given = Object.entries(names).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const isWanted = given.length > 0 || apiKey !== undefined;
  if (isWanted && values.FLYWHEEL_TEMPORAL_TLS === 'false')
    throw new Error('settings: FLYWHEEL_TEMPORAL_TLS: expected true beside certificates or an API key, got false');
  if (!isWanted && values.FLYWHEEL_TEMPORAL_TLS !== 'true') return {};
  return { tls: dictionary(given), ...(apiKey === undefined ? {} : { apiKey }) };
}

/** Both or none: nothing is sent unsigned, and a secret for nothing is a mistake. */
function mlflowOf(url: string | undefined, token: string | undefined): Pick<Settings, 'mlflow'> {
  if (url === undefined && token === undefined) return {};
  if (url === undefined)
    throw new Error('settings: expected FLYWHEEL_MLFLOW_URL beside FLYWHEEL_MLFLOW_TOKEN, got none');
  return { mlflow: { url, ...(token === undefined ? {} : { token }) } };
}

function webhookOf(
  url: string | undefined,
  secret: string | undefined,
  quiet: string | undefined,
): Pick<Settings, 'webhook'> {
  if (url === undefined && secret === undefined) {
    if (quiet === undefined) return {};
    throw new Error('settings: expected FLYWHEEL_WEBHOOK_URL beside FLYWHEEL_WEBHOOK_QUIET, got none');
  }
  if (url === undefined || secret === undefined)
    throw new Error(
      `settings: expected FLYWHEEL_WEBHOOK_URL and FLYWHEEL_WEBHOOK_SECRET together, got the ${url === undefined ? 'secret' : 'URL'} only`,
    );
  return {
    webhook: {
      url,
      secret,
      ...(quiet === undefined ? {} : { quiet: readQuietHours('FLYWHEEL_WEBHOOK_QUIET', quiet) }),
    },
  };
}
