import type { IncidentCause, NoticeCause } from '../../domain/monitoring/causes.ts';
import {
  championChanges,
  isOfRollback,
  undoneBy,
  type ChampionChange,
  type ChampionWay,
} from '../../domain/registry/index.ts';
import { readAssignmentsSince, trialsOf, type AssignmentRecord } from '../../fleet/desk/index.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { orSetAside, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { readFreezesSince, type FreezeLine } from '../../store/records/freezes.ts';

export const changeKinds = ['rollback', 'undo', 'champion', 'exposure', 'trialEnd', 'freeze', 'lift'] as const;

/** Something that was done to a whole fleet, by whom and why. */
export interface FleetChange {
  readonly kind: (typeof changeKinds)[number];
  readonly atMs: number;
  /** What robots run by it; null: it changes that for none. */
  readonly version: string | null;
  /** Of a stage of a trial: how many robots get the candidate; null: all but a few, or it is no stage. */
  readonly robots: number | null;
  /** How a new champion came to be; null: it is the same champion, or nothing says so. */
  readonly way: ChampionWay | null;
  /** Of a freeze: until when. */
  readonly untilMs: number | null;
  readonly who: string;
  readonly why: string;
}

/** Incidents that a change of what robots run may explain. */
const explained: ReadonlySet<IncidentCause | NoticeCause> = new Set([
  'fleetBroken',
  'errorRate',
  'failureReason',
  'rollbackNeeded',
  // Another model acts otherwise, and so sees otherwise.
  'drift',
]);
export const isExplainedByChanges = ({ cause }: { readonly cause: IncidentCause | NoticeCause }): boolean =>
  explained.has(cause);

/** Of what was written in the time that is looked at; more are passed over, the oldest ones. */
const mostRecords = 500;

/** What was ordered, promoted, put back and frozen since a moment, newest first. Where a log cannot be read, `onDamage` hears of it. Only reads. */
export async function readFleetChanges(
  store: ObjectStore,
  policy: string,
  sinceMs: number,
  onDamage: OnDamage,
): Promise<readonly FleetChange[]> {
  const span = { sinceMs, most: mostRecords };
  const [history, orders, freezes] = await Promise.all([
    orSetAside(`registry/${policy}/aliases`, () => readAliasHistory({ store })({ policy }), onDamage),
    readAssignmentsSince(store, policy, span, onDamage),
    readFreezesSince(store, policy, span, onDamage),
  ]);
  const champions = championChanges(policy, history ?? []);
  // What the oldest one changed cannot be told where the one before it was not read.
  const fromMs = orders.length === mostRecords ? (orders[0]?.atMs ?? 0) + 1 : sinceMs;
  return [...orderChanges(policy, orders, champions), ...freezes.map(freezeChange)]
    .filter(({ atMs }) => atMs >= Math.max(sinceMs, fromMs))
    .map((change) => ({ ...change, why: plainReason(change.why) }))
    .toSorted((a, b) => b.atMs - a.atMs);
}

const freezeChange = (line: FreezeLine): FleetChange => ({
  kind: line.kind === 'frozen' ? 'freeze' : 'lift',
  atMs: line.atMs,
  version: null,
  robots: null,
  way: null,
  untilMs: line.kind === 'frozen' ? line.untilMs : null,
  who: line.who,
  why: line.why,
});

/**
 * What orders changed, `records` oldest first: a record that leaves everybody as they were is no change, and none of a trial that was closed before it is
 * obeyed. A change of the champion whose order is not among them stands for itself.
 */
export function orderChanges(
  policy: string,
  records: readonly AssignmentRecord[],
  champions: readonly ChampionChange[],
): readonly FleetChange[] {
  const byOperation = new Map(champions.map((change) => [change.operationId, change]));
  const closed = new Set<string>();
  const changes: FleetChange[] = [];
  let before: AssignmentRecord | undefined;
  for (const record of records) {
    if ([...trialsOf(record)].some((trialId) => closed.has(trialId))) continue;
    if (record.kind === 'closeTrial') closed.add(record.closedTrialId);
    const champion = byOperation.get(record.operationId);
    const kind = kindOf(policy, before, record, champion !== undefined);
    before = record;
    byOperation.delete(record.operationId);
    if (kind === undefined) continue;
    const { atMs, who, why, defaultVersion } = record;
    const exposed = record.overrides.find(({ version }) => version !== record.championVersion);
    const isStage = kind === 'exposure' && exposed !== undefined && record.trialId === null;
    changes.push({
      kind,
      atMs,
      version: isStage ? exposed.version : defaultVersion,
      robots: isStage ? exposedRobots(record) : null,
      way: champion?.way ?? null,
      untilMs: null,
      who,
      why,
    });
  }
  const alone = [...byOperation.values()].map(({ atMs, version, way, who, why }): FleetChange => ({
    kind: way === 'putBack' ? 'rollback' : way === 'undone' ? 'undo' : 'champion',
    atMs,
    version,
    robots: null,
    way,
    untilMs: null,
    who,
    why,
  }));
  return [...changes, ...alone];
}

/** undefined: it changes nothing that robots run. */
function kindOf(
  policy: string,
  before: AssignmentRecord | undefined,
  record: AssignmentRecord,
  isNewChampion: boolean,
): FleetChange['kind'] | undefined {
  if (isOfRollback(policy, record.operationId)) return 'rollback';
  if (undoneBy(policy, record.operationId) !== undefined) return 'undo';
  const wasTried = before === undefined || trialsOf(before).size > 0;
  const isTried = trialsOf(record).size > 0;
  if (!isTried && isNewChampion) return 'champion';
  if (!isTried && record.kind === 'closeTrial') return wasTried ? 'trialEnd' : undefined;
  if (isTried)
    return before?.defaultVersion === record.defaultVersion && exposedRobots(before) === exposedRobots(record)
      ? undefined
      : 'exposure';
  return before?.defaultVersion === record.defaultVersion ? undefined : 'champion';
}

const exposedRobots = ({ overrides, championVersion }: AssignmentRecord): number =>
  overrides.reduce((sum, { version, robotIds }) => sum + (version === championVersion ? 0 : robotIds.length), 0);
