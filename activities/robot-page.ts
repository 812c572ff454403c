import { readRobotLosses, readOpenIncidents } from './monitor/monitor-state.ts';
import { collectionSummarySchema } from './collection/summary.ts';
import { readLastEvents } from './incidents/incident-log.ts';
import type { FleetReader } from '../fleet/desk/fleet-reader.ts';
import type { RobotView } from '../fleet/desk/fleet-view.ts';
import { fleetKeys } from '../fleet/desk/keys.ts';
import { installRecordSchema } from '../fleet/desk/install-log.ts';
import { assignmentRecordSchema } from '../fleet/desk/assignment-record.ts';
import { readRobotLife } from '../fleet/desk/robot-life.ts';
import { isRevokedRobot, quarantineOf, type Quarantine, type RobotRecord } from '../fleet/desk/robots.ts';
import type { LatencyParts } from '../fleet/protocol/index.ts';
import { openTelemetryLog, type TelemetryBatch } from '../fleet/desk/telemetry-log.ts';
import { robotTypeName } from '../datasets/robot-type.ts';
import { readLog } from '../store/append-log.ts';
import { readSoundJson } from '../store/damaged-objects.ts';
import { failure } from '../store/failures.ts';
import type { Clock } from '../store/clock.ts';
import { clipPartIn, clipPartsPrefix } from '../store/records/clip-parts.ts';
import { clipUseIn, clipUsesPrefix } from '../store/records/clip-uses.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Everything known of one robot; lists have their newest last, and are bounded. */
export interface RobotPage {
  readonly robotId: string;
  readonly standing: 'in service' | 'quarantined' | 'revoked' | 'retired';
  readonly quarantine: Quarantine | null;
  readonly retiredMs: number | null;
  readonly policy: string;
  readonly robotType: string;
  readonly site: string;
  readonly stratum: string;
  readonly tokens: number;
  readonly now: RobotView | null;
  /** What was done to it, by whom and why. */
  readonly acts: readonly { readonly atMs: number; readonly act: string; readonly who: string; readonly why: string }[];
  readonly versions: readonly { readonly atMs: number; readonly version: string; readonly outcome: string }[];
  readonly uploads: Uploads;
  /** What it made in the last seven fleet days and nobody has; null: no monitor watches. */
  readonly drops: readonly { readonly reason: string; readonly count: number }[] | null;
  /** What it last said of its clock, in the last hour; null: nothing was heard. */
  readonly clock: { readonly heardMs: number; readonly skewMs: number; readonly isTimeUnknown: boolean } | null;
  /** Median latencies of the last episode in the last hour whose decisions had one, ms; null: none was heard of. */
  readonly latency: {
    readonly heardMs: number;
    readonly version: string | null;
    /** The whole decision. */
    readonly p50Ms: number;
    /** Its parts; null where no image was decoded, or its agent does not tell. */
    readonly parts: LatencyParts | null;
  } | null;
  readonly incidents: readonly {
    readonly atMs: number;
    readonly state: string;
    readonly cause: string;
    readonly reason: string;
  }[];
  readonly openIncidents: readonly string[];
  readonly trials: readonly { readonly trialId: string; readonly version: string; readonly sinceMs: number }[];
  /** Objects that were passed over because they are damaged. */
  readonly damaged: readonly string[];
}

interface Uploads {
  /** Segments in landing. */
  readonly waiting: number;
  readonly collections: number;
  readonly episodesStored: number;
  readonly episodesRefused: number;
  readonly segmentsRefused: number;
  /** Clips of its cameras in the store, each once. */
  readonly clips: number;
  /** Clips of which only parts are there. */
  readonly unfinishedClips: number;
}

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Kept by who asks often: it remembers the records of the fleet. */
  readonly fleet: Pick<FleetReader, 'readFleet'>;
}

const mostListed = 50;
const mostCollections = 200;
const mostTelemetry = 500;
const hourMs = 3_600_000;

/** Reads it all; `NotFound` for a robot that was never added. */
export async function readRobotPage(ports: Ports, robotId: string): Promise<RobotPage> {
  const { store } = ports;
  const life = await readRobotLife(store, robotId);
  const robot = life.at(-1);
  if (robot === undefined)
    throw failure('NotFound', 'expected a registered robot; `flywheel robots list` shows them', {
      coordinates: { robotId },
    });
  const { policy, robotType, site, stratum, tokenHashes, retiredMs = null, moves = [] } = robot;
  // Those that it was moved out of, then its own.
  const policies = [...new Set([...moves.map(({ from }) => from).filter((from) => from !== policy), policy])];
  const damaged: string[] = [];
  const onDamage = ({ key }: { readonly key: string }): void => void damaged.push(key);
  const view = await ports.fleet.readFleet(policy);
  damaged.push(...view.damaged.map(({ key }) => key));
  const losses = await readRobotLosses(store, policy);
  return {
    robotId,
    standing: standingOf(robot),
    quarantine: quarantineOf(robot) ?? null,
    retiredMs,
    policy,
    robotType: `${robotType.id}@${robotType.version}`,
    site,
    stratum,
    tokens: tokenHashes.length,
    now: view.robots.find((one) => one.robotId === robotId) ?? null,
    acts: life.map((record, index) => ({ ...actOf(record, life[index - 1]), atMs: record.atMs })).slice(-mostListed),
    versions: (await inTurn(policies, (name) => versionsOf(store, name, robotId, onDamage))).slice(-mostListed),
    uploads: await uploadsOf(store, robotId, onDamage),
    drops: losses?.filter((loss) => loss.robotId === robotId).map(({ reason, count }) => ({ reason, count })) ?? null,
    ...(await heardOf(ports, policy, robotId, onDamage)),
    ...(await incidentsOf(store, policy, robotId, onDamage)),
    trials: (await inTurn(policies, (name) => trialsOfRobot(store, name, robotId))).slice(-mostListed),
    damaged,
  };
}

async function inTurn<T>(names: readonly string[], read: (name: string) => Promise<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for (const name of names) found.push(...(await read(name)));
  return found;
}

function standingOf(robot: RobotRecord): RobotPage['standing'] {
  if (robot.retiredMs !== undefined) return 'retired';
  if (robot.isQuarantined) return 'quarantined';
  return isRevokedRobot(robot) ? 'revoked' : 'in service';
}

/** What one record changed of the one before it. */
function actOf(now: RobotRecord, before: RobotRecord | undefined): { act: string; who: string; why: string } {
  const { who, why } = now;
  if (before === undefined) return { act: `added at ${now.site}, ${now.policy}`, who, why };
  const acts = [
    ...(now.retiredMs !== undefined && before.retiredMs === undefined ? ['retired'] : []),
    ...(now.isQuarantined && !before.isQuarantined ? ['quarantined'] : []),
    ...(before.isQuarantined && !now.isQuarantined ? ['released'] : []),
    ...moved('policy', before.policy, now.policy),
    ...moved('body', robotTypeName(before.robotType), robotTypeName(now.robotType)),
    ...moved('site', before.site, now.site),
    ...moved('stratum', before.stratum, now.stratum),
    ...tokensAct(now, before),
    ...(now.policy === before.policy && isSignedAnew(now, before) ? [`signed anew for ${now.policy}`] : []),
  ];
  return { act: acts.join(', ') || 'nothing', who, why };
}

const moved = (what: string, from: string, to: string): string[] => (from === to ? [] : [`${what} ${from} → ${to}`]);

function tokensAct(now: RobotRecord, before: RobotRecord): string[] {
  if (now.retiredMs !== undefined || now.tokenHashes.join() === before.tokenHashes.join()) return [];
  return [now.tokenHashes.length === 0 ? 'tokens revoked' : 'token rotated'];
}

const isSignedAnew = (now: RobotRecord, before: RobotRecord): boolean =>
  JSON.stringify(now.transfer) !== JSON.stringify(before.transfer);

type OnDamaged = (object: { readonly key: string }) => void;

async function versionsOf(
  store: ObjectStore,
  policy: string,
  robotId: string,
  onDamage: OnDamaged,
): Promise<RobotPage['versions']> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${fleetKeys.installLog(policy, robotId)}/`)) keys.push(key);
  const versions: RobotPage['versions'][number][] = [];
  for (const key of keys.slice(-mostListed)) {
    const record = await readSoundJson(store, key, installRecordSchema, onDamage);
    if (record === undefined) continue;
    const { version, outcome } = record.report;
    versions.push({ atMs: record.receivedMs, version: version ?? 'none', outcome });
  }
  return versions;
}

async function uploadsOf(store: ObjectStore, robotId: string, onDamage: OnDamaged): Promise<Uploads> {
  let waiting = 0;
  for await (const _ of store.list(`landing/${robotId}/`)) waiting += 1;
  const summaries: { readonly key: string; readonly modifiedMs: number }[] = [];
  for await (const { key, modifiedMs } of store.list('collections/'))
    if (key.endsWith('/summary.json')) summaries.push({ key, modifiedMs });
  const sums = { collections: 0, episodesStored: 0, episodesRefused: 0, segmentsRefused: 0 };
  for (const { key } of summaries.toSorted((a, b) => a.modifiedMs - b.modifiedMs).slice(-mostCollections)) {
    const summary = await readSoundJson(store, key, collectionSummarySchema, onDamage);
    const counts = summary?.robots.find((one) => one.robotId === robotId);
    if (counts === undefined) continue;
    sums.collections += 1;
    sums.episodesStored += counts.episodesStored;
    sums.episodesRefused += counts.episodesRefused;
    sums.segmentsRefused += counts.segmentsRefused;
  }
  const clips = await distinct(store, `${clipUsesPrefix}${robotId}/`, (key) => clipUseIn(key)?.sha256);
  const unfinishedClips = await distinct(store, `${clipPartsPrefix}${robotId}/`, (key) => clipPartIn(key)?.sha256);
  return { waiting, ...sums, clips, unfinishedClips };
}

/** How many names keys in order have; equal ones follow each other. */
async function distinct(
  store: ObjectStore,
  prefix: string,
  nameOf: (key: string) => string | undefined,
): Promise<number> {
  let [count, last]: [number, string | undefined] = [0, undefined];
  for await (const { key } of store.list(prefix)) {
    const name = nameOf(key);
    if (name !== undefined && name !== last) count += 1;
    last = name;
  }
  return count;
}

/** What its last batch of telemetry said of its clock, and its last episode of latencies. */
async function heardOf(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  policy: string,
  robotId: string,
  onDamage: OnDamaged,
): Promise<Pick<RobotPage, 'clock' | 'latency'>> {
  const log = openTelemetryLog(store);
  const nowMs = clock();
  const keys: string[] = [];
  for await (const key of log.keys(policy, nowMs - hourMs, nowMs)) keys.push(key);
  let last: RobotPage['clock'] = null;
  let latency: RobotPage['latency'] = null;
  for (const key of keys.slice(-mostTelemetry))
    for (const batch of await log.read(key, onDamage)) {
      if (batch.robotId !== robotId) continue;
      const { receivedMs: heardMs, clockSkewMs: skewMs, isTimeUnknown } = batch;
      if (heardMs >= (last?.heardMs ?? 0)) last = { heardMs, skewMs, isTimeUnknown: isTimeUnknown === true };
      const told = latencyIn(batch);
      if (told !== null && heardMs >= (latency?.heardMs ?? 0)) latency = told;
    }
  return { clock: last, latency };
}

function latencyIn({ receivedMs: heardMs, entries }: TelemetryBatch): RobotPage['latency'] {
  const episode = entries.findLast((entry) => entry.kind === 'episode' && entry.latencyP50Ms !== null);
  if (episode?.kind !== 'episode' || episode.latencyP50Ms === null) return null;
  const { policyVersion: version, latencyP50Ms: p50Ms, latencyParts: parts = null } = episode;
  return { heardMs, version, p50Ms, parts };
}

async function incidentsOf(
  store: ObjectStore,
  policy: string,
  robotId: string,
  onDamage: OnDamaged,
): Promise<Pick<RobotPage, 'incidents' | 'openIncidents'>> {
  const isOwn = ({ subject }: { readonly subject: string }): boolean => subject === robotId;
  const events = await readLastEvents(store, policy, mostListed, { onDamage, isWanted: isOwn });
  const { incidents } = await readOpenIncidents(store, policy);
  return {
    incidents: events.map(({ atMs, state, cause, reason }) => ({ atMs, state, cause, reason })),
    openIncidents: incidents.flatMap(({ incidentId, subject }) => (subject === robotId ? [incidentId] : [])),
  };
}

/** What it ran in which trial, since when: by the assignment log. */
async function trialsOfRobot(store: ObjectStore, policy: string, robotId: string): Promise<RobotPage['trials']> {
  const log = await readLog(store, fleetKeys.assignmentLog(policy), assignmentRecordSchema);
  const trials: RobotPage['trials'][number][] = [];
  for (const { record } of log) {
    const own = record.overrides.find(({ robotIds }) => robotIds.includes(robotId));
    const [trialId, version] = own === undefined ? [record.trialId, record.defaultVersion] : [own.trialId, own.version];
    const last = trials.at(-1);
    if (trialId === null || (last?.trialId === trialId && last.version === version)) continue;
    trials.push({ trialId, version, sinceMs: record.atMs });
  }
  return trials.slice(-mostListed);
}
