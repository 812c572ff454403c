import { dictionary } from '../../domain/dictionary.ts';
import {
  acknowledgeIncident,
  advanceIncidents,
  followLoop,
  hysteresisOf,
  noticeAt,
  noDataTrouble,
  type EndedRun,
  type IncidentBook,
  type IncidentEvent,
} from '../../domain/monitoring/index.ts';
import { undoneBy } from '../../domain/registry/index.ts';
import { fleetClock } from '../../domain/trial/index.ts';
import type { DamagedObject, OnDamage } from '../../store/damaged-objects.ts';
import { isFailure } from '../../store/failures.ts';
import type { Fleet, TelemetryLog } from '../../fleet/desk/index.ts';
import { appendIncidents } from '../incidents/incident-log.ts';
import type { DiskSpace, CyclesPort } from '../ports/cycles.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { followCollections, withStuckCollection } from './follow-collections.ts';
import { followChampion, noChampions } from './follow-champion.ts';
import { judgeLookAt } from './judge-look-at.ts';
import { answerOf, type ObserveFleetResult } from './look-answer.ts';
import { commitState, latestState, noReports, type KeptState, type MonitorState } from './monitor-state.ts';
import { observeFleetSchema, type ObserveFleetInput, type ObserveRequest } from './monitor-input.ts';
import { pastAtPromotion, readFleetBaseline } from './refresh-fleet-baseline.ts';
import { noteLoss } from './robot-losses.ts';
import { takeTelemetry } from './take-telemetry.ts';
import { watchRobots, type WatchedFleet } from './watch-robots.ts';

export type { ObserveFleetResult } from './look-answer.ts';
export type { ObserveFleetInput } from './monitor-input.ts';

export interface ObserveFleetPorts {
  readonly store: ObjectStore;
  readonly fleet: Fleet;
  readonly telemetry: TelemetryLog;
  readonly loop: CyclesPort;
  /** Undefined: nobody looks at disks. */
  readonly diskSpace?: DiskSpace | undefined;
}

const dayHours = 24;

/**
 * One look at the fleet: takes in what was reported since the last look, judges it, opens and closes incidents, and says what
 * there is to do, in ≤ 2 KiB. Idempotent by (policy, `nowMs`): a look that was made is answered again, and an older one that
 * wakes late changes nothing.
 */
export const observeFleet =
  (ports: ObserveFleetPorts) =>
  async (given: ObserveFleetInput): Promise<ObserveFleetResult> => {
    const input = parseActivityInput('observeFleet', observeFleetSchema, given);
    const { policy } = input;
    const unsigned = await refreshOrders(ports.fleet, policy);
    for (;;) {
      const damaged: DamagedObject[] = [];
      const before = await latestState(ports.store, policy, (object) => damaged.push(object));
      if (before !== undefined && before.state.lookMs >= input.nowMs) return finish(ports.store, policy, before.state);
      const state = await look(ports, input, before, unsigned, damaged);
      if (await commitState(ports.store, policy, before, state)) return finish(ports.store, policy, state);
    }
  };

/** A robot that hears nothing fresh for 14 days goes to the baseline: every look says that what was ordered holds. Why not, if not. */
async function refreshOrders(fleet: Fleet, policy: string): Promise<string | undefined> {
  try {
    const outcome = await fleet.refreshOrders(policy);
    return outcome?.kind === 'unsealed' ? outcome.why : undefined;
  } catch (error) {
    if (isFailure(error, 'KeysUnavailable')) return error instanceof Error ? error.message : String(error);
    throw error;
  }
}

async function look(
  ports: ObserveFleetPorts,
  input: ObserveRequest,
  before: KeptState | undefined,
  unsigned: string | undefined,
  damaged: DamagedObject[],
): Promise<MonitorState> {
  const { policy, nowMs } = input;
  const clock = fleetClock(input);
  const state = before?.state ?? emptyState(nowMs - clock.realMs(dayHours));
  state.logSeq += state.events.length > 0 ? 1 : 0;
  const championsBefore = state.champions;
  state.champions = await followChampion(ports, policy, state.champions);
  // What is remembered by hours is the present champion's.
  if (state.champions.champion !== championsBefore.champion)
    for (const robot of Object.values(state.memory)) robot.hours = [];
  const onDamage: OnDamage = (object) => damaged.push(object);
  const isBehind = await takeTelemetry(ports.telemetry, policy, state, { nowMs, clock }, onDamage);
  const watched = await watchRobots(ports, policy, nowMs, state.memory);
  noteRefusedInstalls(state, watched, Math.floor(clock.fleetMs(nowMs) / (dayHours * 3_600_000)));
  const registered = new Set(watched.robots.map(({ robotId }) => robotId));
  Object.assign(
    state,
    await followCollections(ports.store, policy, state, (robotId) => registered.has(robotId), onDamage),
  );
  state.data = await withStuckCollection(ports.store, policy, state.data);
  const baseline = await readFleetBaseline(ports.store, policy, onDamage);
  damaged.push(...watched.damaged);
  state.damaged = await stillDamaged(ports.store, state.damaged, damaged);
  const sight = await ports.loop.sight(policy, state.loop?.seenEndMs ?? 0);
  const loop =
    sight === undefined ? undefined : followLoop(state.loop, sight, nowMs, isToldAsPromotion(state.champions));
  state.loop = loop?.standing ?? state.loop;
  const { promotion } = state.champions;
  const past = await pastAtPromotion(ports.store, policy, promotion, onDamage);
  const around = { sight, disks: (await ports.diskSpace?.()) ?? [], unsigned, pastAtPromotion: past };
  const judgement = judgeLookAt(input, state, watched, baseline, around);
  const { book, events: changes } = advanced(state.book, input, judgement);
  const events = [...changes, ...(loop?.notices ?? []), ...promotionNotices(policy, championsBefore, state.champions)];
  const cycles = await ports.loop.cycles(policy);
  state.lastCycleStartedMs = laterOf(state.lastCycleStartedMs, cycles?.lastStartedMs ?? null);
  const answer = answerOf({ input, state: { ...state, book, events }, watched, judgement, cycles, isBehind });
  return { ...state, lookMs: nowMs, book, events, result: { ...answer } };
}

/** The last report of each robot is read at a look: of several between two looks, one counts. */
function noteRefusedInstalls(state: MonitorState, { robots }: WatchedFleet, day: number): void {
  for (const { robotId, install } of robots)
    if (install !== null && install.outcome === 'refused' && install.receivedMs > state.lookMs)
      noteLoss(state.losses, robotId, 'installsRefused', day, 1);
}

/** Damaged objects that are told of at once. Each is told of until somebody deletes it: what was in it is lost. */
const mostDamaged = 20;

async function stillDamaged(
  store: ObjectStore,
  before: readonly DamagedObject[],
  found: readonly DamagedObject[],
): Promise<DamagedObject[]> {
  const all = new Map([...before, ...found].map((object) => [object.key, object]));
  const there = await Promise.all(
    [...all.values()].slice(-mostDamaged).map(async (object) => {
      const isThere = (await store.get(object.key, { start: 0, end: 1 })) !== undefined;
      return isThere ? [object] : [];
    }),
  );
  return there.flat();
}

function advanced(
  book: IncidentBook,
  { limits, nowMs, acknowledgements }: ObserveRequest,
  { findings, isKnown }: ReturnType<typeof judgeLookAt>,
): { readonly book: IncidentBook; readonly events: IncidentEvent[] } {
  const events: IncidentEvent[] = [];
  let next = book;
  for (const word of acknowledgements) {
    const step = acknowledgeIncident(next, { ...word, nowMs });
    next = step.book;
    events.push(...step.events);
  }
  const step = advanceIncidents(next, {
    findings,
    isKnown,
    nowMs,
    hysteresis: (cause, subject) => hysteresisOf(cause, subject, limits),
  });
  return { book: step.book, events: [...events, ...step.events] };
}

/** A champion that moved since the last look, and by whose decision; what an earlier monitor saw is not told again. */
function promotionNotices(
  policy: string,
  before: MonitorState['champions'],
  after: MonitorState['champions'],
): IncidentEvent[] {
  const { champion, promotion } = after;
  const isOld = before.seq < 0 || promotion?.operationId === before.promotion?.operationId;
  if (isOld || promotion === null || champion === null) return [];
  const { operationId, isReturn, who, why } = promotion;
  const again = isReturn || undoneBy(policy, operationId) !== undefined ? ' again' : '';
  const reason = `${champion} is champion${again}, in place of ${before.champion ?? 'none'}: ${why ?? operationId}`;
  return [noticeAt(isReturn ? 'rollback' : 'promotion', champion, promotion.atMs, reason, who)];
}

/** A rollback whose version is champion by it: that was told when it was ordered, with who ordered it and why. */
const isToldAsPromotion =
  ({ champion, promotion }: MonitorState['champions']) =>
  ({ kind, outcome, version, startedMs, endedMs }: EndedRun): boolean =>
    kind === 'rollback' &&
    outcome === 'rolledBack' &&
    version === champion &&
    promotion !== null &&
    startedMs !== undefined &&
    startedMs - clocksApartMs <= promotion.atMs &&
    promotion.atMs <= endedMs + clocksApartMs;

/** The clocks of workers and of the Temporal server may be so far apart. */
const clocksApartMs = 60_000;

const laterOf = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

/** The log follows the state, whoever died in between. */
async function finish(store: ObjectStore, policy: string, state: MonitorState): Promise<ObserveFleetResult> {
  const { events, logSeq } = state;
  const lookId = `look-${state.lookMs}`;
  const seq = events.length === 0 ? logSeq - 1 : await appendIncidents(store, policy, logSeq, { lookId, events });
  return { ...(state.result as unknown as Omit<ObserveFleetResult, 'logEndSeq'>), logEndSeq: seq + 1 };
}

const emptyState = (scanFromMs: number): MonitorState => ({
  lookMs: 0,
  logSeq: 0,
  scanFromMs,
  consumed: dictionary(),
  lives: dictionary(),
  losses: dictionary(),
  champions: noChampions,
  memory: dictionary(),
  correctedFrames: [],
  lastCycleStartedMs: null,
  reports: noReports,
  data: noDataTrouble,
  lifeOverlaps: [],
  damaged: [],
  book: dictionary(),
  events: [],
  result: {},
});
