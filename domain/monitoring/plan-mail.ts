import { localTime } from '../maintenance/local-time.ts';
import type { IncidentEvent } from './incidents.ts';
import { isAtLeast, severityOf, type Severity } from './severity.ts';

/** Hours by the clock on the wall in which only what is severe enough is sent; minutes of the day, `to` before `from`: until the next day. */
export interface QuietHours {
  readonly zone: string;
  readonly from: number;
  readonly to: number;
  /** What is sent all the same. */
  readonly except: Severity;
}

/** What one person wants to be sent. */
export interface MailWishes {
  /** Less severe events are never sent. */
  readonly least: Severity;
  /** Between two mails at least so long, unless something urgent opens. */
  readonly paceMs: number;
  readonly quiet?: QuietHours;
}

/** `nothing`: these events are not wanted · `wait`: not now · `send`: these, in one mail. */
export type MailPlan =
  | { readonly kind: 'nothing' | 'wait' }
  | { readonly kind: 'send'; readonly events: readonly IncidentEvent[] };

/**
 * What becomes of the events that were not told yet. What waits in quiet hours, or for the pace, goes with the next mail: an urgent event
 * takes along what waited. `sentMs`: when the last mail went; null before the first.
 */
export function planMail(
  events: readonly IncidentEvent[],
  wishes: MailWishes,
  { nowMs, sentMs }: { readonly nowMs: number; readonly sentMs: number | null },
): MailPlan {
  const wanted = events.filter((event) => isAtLeast(severityOf(event), wishes.least));
  if (wanted.length === 0) return { kind: 'nothing' };
  const has = (least: Severity): boolean => wanted.some((event) => isAtLeast(severityOf(event), least));
  const { quiet, paceMs } = wishes;
  if (quiet !== undefined && isQuiet(quiet, nowMs))
    return has(quiet.except) ? { kind: 'send', events: wanted } : { kind: 'wait' };
  const isTooSoon = sentMs !== null && nowMs - sentMs < paceMs && nowMs >= sentMs;
  return isTooSoon && !has('urgent') ? { kind: 'wait' } : { kind: 'send', events: wanted };
}

export function isQuiet({ zone, from, to }: QuietHours, atMs: number): boolean {
  const { minute } = localTime(zone, atMs);
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
