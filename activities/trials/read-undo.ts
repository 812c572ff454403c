import { aliasesAt, isOfRollback, type AliasRecord } from '../../domain/registry/index.ts';
import { monitorName, undoOf, whyNotRestored } from '../../domain/trial/index.ts';
import { readAssignment, type AssignmentState } from '../../fleet/desk/index.ts';
import type { Clock } from '../../store/clock.ts';
import { orSetAside, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readFreezesSince } from '../../store/records/freezes.ts';
import { readEventsSince } from '../incidents/incident-log.ts';
import { readOpenIncidents } from '../monitor/monitor-state.ts';
import { listEndedTrials } from './trial-course.ts';

/** Unless an installation says otherwise, a rollback can be undone for so long. */
export const undoWithinMs = 30 * 60_000;

export interface UndoPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** For so long after a rollback it can be undone; 0: never. Default: {@link undoWithinMs}. */
  readonly undoWithinMs?: number | undefined;
}

/** The logs of a policy, as they were read together. */
export interface PolicyLogs {
  readonly policy: string;
  readonly log: Pick<AssignmentState, 'seq' | 'current'>;
  readonly history: readonly AliasRecord[];
}

export type UndoDecision =
  | { readonly kind: 'undo'; readonly version: string; readonly untilMs: number }
  | { readonly kind: 'no'; readonly reason: string };

/** Decides what undoing a rollback restores for who asks for it, from the logs and from all that may speak against that version. Only reads. */
export async function readUndo(
  ports: UndoPorts,
  { policy, log, history }: PolicyLogs,
  { order, who }: { readonly order: number; readonly who: string },
): Promise<UndoDecision> {
  const { store } = ports;
  const damaged: string[] = [];
  const onDamage: OnDamage = ({ key }) => void damaged.push(key);
  const readBefore = (): ReturnType<typeof readAssignment> => readAssignment(store, policy, order - 1);
  const before = order > 0 ? await orSetAside('the order before', readBefore, onDamage) : undefined;
  const undo = undoOf({
    policy,
    order,
    who,
    history,
    nowMs: ports.clock(),
    withinMs: ports.undoWithinMs ?? undoWithinMs,
    lastSeq: log.seq,
    current: log.current && { seq: log.current.seq, ...log.current.record },
    championBefore: before?.championVersion,
    baseline: aliasesAt(history).baseline,
  });
  if (undo.kind === 'no') return undo;
  const sinceMs = undo.rolledBackAtMs;
  const [trialEnds, monitored, events, freezes] = await Promise.all([
    listEndedTrials(store, policy, mostTrials, onDamage),
    orSetAside(`monitor/${policy}`, () => readOpenIncidents(store, policy), onDamage),
    readEventsSince(store, policy, sinceMs, onDamage),
    readFreezesSince(store, policy, { sinceMs, most: 1 }, onDamage),
  ]);
  const open = monitored?.incidents ?? [];
  const wasFrozen = freezes.length > 0;
  const why = whyNotRestored(undo, { policy, history, trialEnds, open, events, wasFrozen, damaged });
  return why === undefined
    ? { kind: 'undo', version: undo.version, untilMs: undo.untilMs }
    : { kind: 'no', reason: `${why}; it needs an approval` };
}

/** Ends of trials that are looked through for one against the version. */
const mostTrials = 1_000;

/** A person's rollback that is fresh enough to be undone, by whom and until when, and what that restores or why it cannot be. */
export interface LastRollback {
  readonly order: number;
  readonly who: string;
  readonly untilMs: number;
  readonly decision: UndoDecision;
}

/** The rollback that the last order is, where who ordered it may ask to undo it; undefined: it is another order, of the monitor, or too long ago. Only reads. */
export async function readLastRollback(ports: UndoPorts, logs: PolicyLogs): Promise<LastRollback | undefined> {
  const { current } = logs.log;
  if (current === undefined || !isOfRollback(logs.policy, current.record.operationId)) return undefined;
  const { who, atMs } = current.record;
  const withinMs = ports.undoWithinMs ?? undoWithinMs;
  if (who === monitorName || Math.abs(ports.clock() - atMs) > withinMs) return undefined;
  const decision = await readUndo(ports, logs, { order: current.seq, who });
  return { order: current.seq, who, untilMs: atMs + withinMs, decision };
}
