import { dictionary } from '../dictionary.ts';
import type { IncidentCause, NoticeCause } from './causes.ts';

/** Something that is wrong now, and with whom: a robot's id, a failure reason, or `fleet`. */
export interface Finding {
  readonly cause: IncidentCause;
  readonly subject: string;
  /** One sentence with the figures. */
  readonly reason: string;
}

/** Looks in a row. The longer the second, the less an incident comes and goes. */
export interface Hysteresis {
  readonly openAfterTicks: number;
  readonly closeAfterTicks: number;
}

/** What is remembered of one cause and subject: seen but not yet believed, or open. */
export type Tracked =
  | { readonly kind: 'suspected'; readonly ticks: number }
  | {
      readonly kind: 'open';
      readonly incidentId: string;
      readonly openedAtMs: number;
      /** As last seen. */
      readonly reason: string;
      /** Looks in a row in which nothing was wrong. */
      readonly clearTicks: number;
      readonly acknowledgedBy: string | null;
    };

/** Everything suspected or open, by `cause/subject`. */
export type IncidentBook = Readonly<Record<string, Tracked>>;

/** A line of the incident log. */
export interface IncidentEvent {
  readonly incidentId: string;
  readonly cause: IncidentCause | NoticeCause;
  readonly subject: string;
  /** `noticed`: a notice; the others are of an incident. */
  readonly state: 'opened' | 'closed' | 'acknowledged' | 'noticed';
  readonly atMs: number;
  readonly reason: string;
  /** Who acknowledged it; of a notice, whose decision it tells of. */
  readonly who?: string;
}

export interface BookStep {
  readonly book: IncidentBook;
  readonly events: readonly IncidentEvent[];
}

/**
 * One look: what is found often enough in a row opens, what is gone long enough closes, and a single look in between starts the
 * count anew, so nothing flaps. Where `isKnown` says that nothing could be seen, the count stands still: unknown neither opens
 * nor closes. Found twice in one look counts once. Ids tell cause, subject and time, so the same look gives the same ids.
 */
export function advanceIncidents(
  book: IncidentBook,
  look: {
    readonly findings: readonly Finding[];
    readonly isKnown: (cause: IncidentCause, subject: string) => boolean;
    readonly hysteresis: (cause: IncidentCause, subject: string) => Hysteresis;
    readonly nowMs: number;
  },
): BookStep {
  const found = new Map(look.findings.map((finding) => [keyOf(finding), finding]));
  const next = dictionary<Tracked>();
  const events: IncidentEvent[] = [];
  for (const key of [...new Set([...Object.keys(book), ...found.keys()])].toSorted()) {
    const before = book[key];
    const { cause, subject } = found.get(key) ?? subjectOf(key);
    const finding = found.get(key);
    if (finding === undefined && !look.isKnown(cause, subject)) {
      if (before !== undefined) next[key] = before;
      continue;
    }
    const step = trackOne(before, finding, { ...look.hysteresis(cause, subject), cause, subject, nowMs: look.nowMs });
    if (step.tracked !== undefined) next[key] = step.tracked;
    if (step.event !== undefined) events.push(step.event);
  }
  return { book: next, events };
}

/** Notes that a person has seen an open incident; it stays open. One that is not open, or is noted already, changes nothing. */
export function acknowledgeIncident(
  book: IncidentBook,
  word: { readonly incidentId: string; readonly who: string; readonly reason: string; readonly nowMs: number },
): BookStep {
  const key = Object.keys(book).find((name) => incidentIdOf(book[name]) === word.incidentId);
  const tracked = key === undefined ? undefined : book[key];
  if (key === undefined || tracked?.kind !== 'open' || tracked.acknowledgedBy !== null) return { book, events: [] };
  const { incidentId, who, reason, nowMs } = word;
  const event = { ...subjectOf(key), incidentId, state: 'acknowledged', atMs: nowMs, reason, who } as const;
  return { book: dictionary([...Object.entries(book), [key, { ...tracked, acknowledgedBy: who }]]), events: [event] };
}

/** An open incident as people list them. */
export interface OpenIncident {
  readonly incidentId: string;
  readonly cause: IncidentCause;
  readonly subject: string;
  readonly openedAtMs: number;
  readonly reason: string;
  readonly acknowledgedBy: string | null;
}

/** Open incidents, the oldest first, ties by id. */
export const openIncidents = (book: IncidentBook): readonly OpenIncident[] =>
  Object.entries(book)
    .flatMap(([key, tracked]): OpenIncident[] => {
      if (tracked.kind !== 'open') return [];
      const { incidentId, openedAtMs, reason, acknowledgedBy } = tracked;
      return [{ ...subjectOf(key), incidentId, openedAtMs, reason, acknowledgedBy }];
    })
    .toSorted((a, b) => a.openedAtMs - b.openedAtMs || (a.incidentId < b.incidentId ? -1 : 1));

/** When the first open incident of these causes opened; undefined without one. */
export const openSince = (book: IncidentBook, causes: readonly IncidentCause[]): number | undefined =>
  openIncidents(book).find(({ cause }) => causes.includes(cause))?.openedAtMs;

interface Here extends Hysteresis {
  readonly cause: IncidentCause;
  readonly subject: string;
  readonly nowMs: number;
}

function trackOne(
  before: Tracked | undefined,
  finding: Finding | undefined,
  here: Here,
): { readonly tracked?: Tracked; readonly event?: IncidentEvent } {
  const { cause, subject, nowMs } = here;
  if (before?.kind === 'open') {
    if (finding !== undefined) return { tracked: { ...before, reason: finding.reason, clearTicks: 0 } };
    const clearTicks = before.clearTicks + 1;
    if (clearTicks < here.closeAfterTicks) return { tracked: { ...before, clearTicks } };
    const { incidentId } = before;
    const reason = `not seen in ${clearTicks} evaluations in a row; it was: ${before.reason}`;
    return { event: { incidentId, cause, subject, state: 'closed', atMs: nowMs, reason } };
  }
  if (finding === undefined) return {};
  const ticks = (before?.ticks ?? 0) + 1;
  if (ticks < here.openAfterTicks) return { tracked: { kind: 'suspected', ticks } };
  const { reason } = finding;
  const incidentId = `${cause}.${subject.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 63)}.${nowMs}`;
  return {
    tracked: { kind: 'open', incidentId, openedAtMs: nowMs, reason, clearTicks: 0, acknowledgedBy: null },
    event: { incidentId, cause, subject, state: 'opened', atMs: nowMs, reason },
  };
}

const keyOf = ({ cause, subject }: Pick<Finding, 'cause' | 'subject'>): string => `${cause}/${subject}`;

function subjectOf(key: string): { cause: IncidentCause; subject: string } {
  const cut = key.indexOf('/');
  return { cause: key.slice(0, cut) as IncidentCause, subject: key.slice(cut + 1) };
}

const incidentIdOf = (tracked: Tracked | undefined): string | undefined =>
  tracked?.kind === 'open' ? tracked.incidentId : undefined;
