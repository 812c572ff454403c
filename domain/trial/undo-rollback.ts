import type { AliasRecord } from '../registry/aliases.ts';
import { championChanges, isOfRollback, undoneBy, type ChampionChange } from '../registry/champion-changes.ts';
import { isAgainst } from './trial-against.ts';

/** Who orders rollbacks without a person: the monitor, of a promotion that does harm. */
export const monitorName = 'fleetMonitor';

/** How a request for a rollback names the order that it undoes; no version and no alias looks like it, so that who does not know it refuses it. */
export const undoTarget = (order: number): string => `undo:${order}`;

/** The order that such a request undoes; undefined: it is another request. */
export function undoneOrder(target: string | null | undefined): number | undefined {
  const [, order] = /^undo:(\d{1,15})$/.exec(target ?? '') ?? [];
  return order === undefined ? undefined : Number(order);
}

/** Of an order in the assignment log. */
interface LoggedOrder {
  readonly seq: number;
  readonly kind: 'assign' | 'closeTrial';
  readonly defaultVersion: string;
  readonly operationId: string;
  readonly who: string;
  readonly why: string;
  readonly atMs: number;
}

/** Somebody's wish to undo a rollback, and what the logs say. */
export interface UndoFacts {
  readonly policy: string;
  /** Place of the rollback's order in the assignment log. */
  readonly order: number;
  readonly who: string;
  readonly nowMs: number;
  /** For so long after a rollback it can be undone; 0: never. */
  readonly withinMs: number;
  /** The last record of the log, whether robots obey it or not; -1: there is none. */
  readonly lastSeq: number;
  readonly current: LoggedOrder | undefined;
  /** The champion of the record before the rollback's order; undefined: that cannot be told. */
  readonly championBefore: string | undefined;
  readonly history: readonly AliasRecord[];
  readonly baseline: string | undefined;
}

/** What an undo would restore if nothing speaks against that version. */
interface Undo {
  readonly kind: 'undo';
  readonly version: string;
  /** When that version became champion, when it was rolled back, and until when that can be undone. */
  readonly championSinceMs: number;
  readonly rolledBackAtMs: number;
  readonly untilMs: number;
}
interface NoUndo {
  readonly kind: 'no';
  readonly reason: string;
}

/**
 * What undoing a rollback restores: the champion that the rollback replaced. Only the last order can be undone, a rollback between champions, by the person who
 * ordered it, for a while; by the logs of orders and aliases alone. Whether something speaks against the version is asked apart: {@link whyNotRestored}.
 */
export function undoOf(facts: UndoFacts): Undo | NoUndo {
  const { policy, order, current, lastSeq, nowMs, withinMs } = facts;
  if (withinMs === 0) return no('undoing rollbacks is turned off in this installation');
  if (current === undefined || order > lastSeq) return no(`there is no order ${order}`);
  const undone = undoneBy(policy, current.operationId);
  if (undone === order)
    return no(`the rollback of order ${order} is undone already, by order ${current.seq} of ${current.who}`);
  if (current.seq !== order || lastSeq !== order)
    return no(`order ${order} is not the last one: order ${lastSeq} came after it, and stands`);
  if (undone !== undefined) return no(`order ${order} undid a rollback itself: a rollback takes it back`);
  if (!isOfRollback(policy, current.operationId)) return no(`order ${order} is no rollback`);
  if (current.who === monitorName) return no('the monitor ordered it because of harm');
  if (current.who !== facts.who)
    return no(`${current.who} ordered the rollback: only who ordered it can undo it without an approval`);
  const agoMs = nowMs - current.atMs;
  if (Math.abs(agoMs) > withinMs)
    return no(
      `the rollback was ordered ${minutes(agoMs)} min ago: it can be undone for ${minutes(withinMs)} min, and later be gone back from with an approval`,
    );
  if (current.kind === 'closeTrial')
    return no('it ended a trial, which cannot be taken up again: offer the candidate anew');
  return restored(facts, current);
}

function restored(facts: UndoFacts, rollback: LoggedOrder): Undo | NoUndo {
  const { policy, history, baseline, championBefore, withinMs } = facts;
  const changes = championChanges(policy, history);
  const change = changes.at(-1);
  if (change?.operationId !== rollback.operationId || change.replaced === null)
    return no('what was champion before the rollback cannot be told: the champion alias does not stem from it');
  const version = change.replaced;
  if (championBefore !== version)
    return no(`what robots ran before the rollback, ${championBefore ?? 'nobody can tell what'}, is not ${version}`);
  if (version === baseline) return no(`${version} is the baseline: a person has to agree`);
  const began = changes.findLast((one, index) => index < changes.length - 1 && one.version === version);
  const championSinceMs = began?.atMs ?? 0;
  return { kind: 'undo', version, championSinceMs, rolledBackAtMs: rollback.atMs, untilMs: rollback.atMs + withinMs };
}

const no = (reason: string): NoUndo => ({ kind: 'no', reason });
const minutes = (ms: number): number => Math.round(ms / 60_000);

/** What there is to know of harm by a version that was rolled back. */
export interface HarmFacts {
  readonly policy: string;
  readonly history: readonly AliasRecord[];
  readonly trialEnds: readonly {
    readonly trialId: string;
    readonly candidateVersion: string | null;
    readonly outcome: string;
    readonly reason: string;
  }[];
  /** Incidents that are open now. */
  readonly open: readonly { readonly cause: string; readonly subject: string; readonly openedAtMs: number }[];
  /** What was told of incidents since the rollback. */
  readonly events: readonly { readonly cause: string; readonly subject: string; readonly state: string }[];
  /** Whether trials were frozen, or a freeze lifted, since the rollback. */
  readonly wasFrozen: boolean;
  /** What could not be read of all that. */
  readonly damaged: readonly string[];
}

/** Alarms that a version may have raised, in words: over the whole fleet, and of single robots. */
const ofFleet: ReadonlyMap<string, string> = new Map([
  ['fleetBroken', 'the whole fleet does badly'],
  ['errorRate', 'more episodes fail than before'],
  ['failureReason', 'one reason of failures has become more frequent'],
  ['rollbackNeeded', 'the champion does harm'],
]);
const ofRobots: ReadonlyMap<string, string> = new Map([
  ['unsafe', 'a robot reported a safety event'],
  ['crashLoop', 'the program of a robot crashes again and again'],
]);
const wordsOf = (cause: string): string | undefined => ofFleet.get(cause) ?? ofRobots.get(cause);

/**
 * Why a version may not be restored without an approval; undefined: nothing is known against it. What cannot be read counts as if it said so. A version that a
 * trial or the monitor ever found harmful is never restored this way; alarms count that were open when it was rolled back, or opened since, whoever raised them.
 */
export function whyNotRestored(
  { version, championSinceMs }: Pick<Undo, 'version' | 'championSinceMs'>,
  facts: HarmFacts,
): string | undefined {
  const { policy, history, trialEnds, open, events, wasFrozen, damaged } = facts;
  if (damaged.length > 0) return `whether something speaks against ${version} cannot be read: ${damaged.join(', ')}`;
  const against = trialEnds.find((end) => end.candidateVersion === version && isAgainst(end));
  if (against !== undefined) return `trial ${against.trialId} ended against ${version}: ${against.reason}`;
  const taken = championChanges(policy, history).find((change) => change.replaced === version && isByGuard(change));
  if (taken !== undefined) return `${version} was taken back for harm by ${taken.who}: ${taken.why}`;
  const alarm =
    open.find(
      ({ cause, openedAtMs }) => ofFleet.has(cause) || (ofRobots.has(cause) && openedAtMs >= championSinceMs),
    ) ?? events.find(({ cause, state }) => wordsOf(cause) !== undefined && (state === 'opened' || state === 'closed'));
  if (alarm !== undefined)
    return `an alarm may be about ${version}: ${wordsOf(alarm.cause) ?? alarm.cause}${alarm.subject === 'fleet' ? '' : ` (${alarm.subject})`}`;
  return wasFrozen ? 'trials were frozen, or a freeze was lifted, since the rollback' : undefined;
}

const isByGuard = ({ way, who }: ChampionChange): boolean =>
  way === 'trialReturn' || (way === 'putBack' && who === monitorName);
