import { elapsedSince, type MachineMoment } from '../local/times.ts';
import type { UpdateWindow } from '../../protocol/index.ts';
import type { VersionChoice } from './choose-version.ts';
import type { Installation } from './installation.ts';
import { orLogged, type Keeper } from './keeper-state.ts';

/**
 * A switch waits no longer than this for its site's window, by the monotonic clock: what gateways say of windows is not signed, and
 * must not hold a robot back for good.
 */
export const longestWindowWaitMs = 28 * 24 * 3_600_000;

/** How often the measure of a wait is written, and how much a window may move before that is written. */
const keepEveryMs = 10 * 60_000;

/** Takes what a gateway said of the site's windows; undefined: nothing, so they are always open. */
export async function takeWindow(keeper: Keeper, told: UpdateWindow | undefined): Promise<void> {
  const { file, now } = keeper.ports;
  const { machineBootId, monotonicMs } = now();
  const inMs = (ms: number): MachineMoment => ({ machineBootId, monotonicMs: monotonicMs + ms });
  const before = file.state().updateWindow;
  const updateWindow: Installation['updateWindow'] =
    told === undefined
      ? null
      : { opens: inMs(told.opensInMs), closes: told.closesInMs === null ? null : inMs(told.closesInMs) };
  if (before === null && updateWindow === null) return;
  const next = (state: Installation): Installation => ({ ...state, updateWindow });
  const isKnown = before !== null && updateWindow !== null && isAlike(before, updateWindow, now());
  // The disk keeps the moments that were written: they name the same opening.
  if (!isKnown) return orLogged(keeper, () => file.change(next));
  file.remember(next);
}

const isNear = (left: MachineMoment | null, right: MachineMoment | null): boolean =>
  left === null || right === null
    ? left === right
    : Math.abs(elapsedSince(left, right) ?? Number.POSITIVE_INFINITY) < keepEveryMs;

function isAlike(
  before: NonNullable<Installation['updateWindow']>,
  after: NonNullable<Installation['updateWindow']>,
  now: MachineMoment,
): boolean {
  const areOpen = [before, after].every(({ opens }) => (elapsedSince(opens, now) ?? -1) >= 0);
  return isNear(before.closes, after.closes) && (areOpen || isNear(before.opens, after.opens));
}

/** Of another boot of the machine nothing is known: closed until a gateway says more. */
export function isOutside({ updateWindow }: Pick<Installation, 'updateWindow'>, now: MachineMoment): boolean {
  if (updateWindow === null) return false;
  const { opens, closes } = updateWindow;
  const openForMs = elapsedSince(opens, now) ?? -1;
  return openForMs < 0 || (closes !== null && (elapsedSince(closes, now) ?? 0) >= 0);
}

/**
 * Whether a switch waits for the site's window. Only a plain order that can wait does: never a safe stop, the end of a lease, a way
 * back or the champion after a candidate, and no robot that runs nothing.
 */
export function mustWait(
  choice: Pick<VersionChoice, 'reason' | 'urgency' | 'isLeased' | 'orderSeq'>,
  state: Pick<Installation, 'updateWindow' | 'windowWait' | 'isLeased'>,
  { isActing, now }: { readonly isActing: boolean; readonly now: MachineMoment },
): boolean {
  const { reason, urgency, isLeased, orderSeq } = choice;
  const canWait = reason === 'ordered' && urgency === 'whenIdle' && isActing;
  const isWayBack = state.isLeased && !isLeased;
  if (!canWait || isWayBack || !isOutside(state, now)) return false;
  return waitedMs(state, orderSeq, now) < longestWindowWaitMs;
}

function waitedMs({ windowWait }: Pick<Installation, 'windowWait'>, seq: number | null, now: MachineMoment): number {
  if (windowWait === null || windowWait.seq !== seq) return 0;
  return windowWait.forMs + Math.max(0, elapsedSince(windowWait.at, now) ?? 0);
}

/** The same for a keeper, which measures how long it waits. */
export async function waitsForWindow(keeper: Keeper, choice: VersionChoice): Promise<boolean> {
  const { file, now, log } = keeper.ports;
  const state = file.state();
  if (!mustWait(choice, state, { isActing: keeper.active !== undefined, now: now() })) return false;
  const { orderSeq: seq, slot } = choice;
  const { windowWait } = state;
  const isNew = windowWait === null || windowWait.seq !== seq;
  if (isNew) log(`version ${slot.version} waits for the update window of its site`);
  const isDue = isNew || (elapsedSince(windowWait.at, now()) ?? keepEveryMs) >= keepEveryMs;
  const kept = { seq, forMs: waitedMs(state, seq, now()), at: now() };
  if (isDue) await orLogged(keeper, () => file.change((latest) => ({ ...latest, windowWait: kept })));
  return true;
}
