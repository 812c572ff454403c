import { utcDay } from '../../domain/facts/days.ts';
import type { IncidentCause, NoticeCause } from '../../domain/monitoring/causes.ts';
import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { isSiteSubject } from '../../domain/monitoring/group-findings.ts';

export const lookPages = [
  'robot',
  'fleet',
  'trial',
  'cycle',
  'models',
  'data',
  'metrics',
  'incidents',
  'episodes',
] as const;

/** A page of the console, and what of it. */
export interface Place {
  readonly page: (typeof lookPages)[number];
  readonly query: Readonly<Record<string, string>>;
}

type Subject = {
  readonly cause: IncidentCause | NoticeCause;
  readonly subject: string;
  /** When an incident opened, where that is known. */
  readonly openedAtMs?: number | undefined;
};

const pages: ReadonlyMap<
  IncidentCause | NoticeCause,
  Exclude<Place['page'], 'robot' | 'incidents' | 'episodes'>
> = new Map([
  ['fleetBroken', 'fleet'],
  ['badData', 'data'],
  ['drift', 'data'],
  ['errorRate', 'metrics'],
  ['rollbackNeeded', 'trial'],
  ['approvalWaits', 'trial'],
  ['verdict', 'trial'],
  ['trialEnd', 'trial'],
  ['rollback', 'trial'],
  ['promotion', 'models'],
  ['collectionStuck', 'cycle'],
  ['scheduleOff', 'cycle'],
  ['learningStopped', 'cycle'],
  ['cycleFailed', 'cycle'],
  ['championHolds', 'cycle'],
  ['cycleEnd', 'cycle'],
]);

/** Causes whose subject is a robot, or a site where many robots of it have the same. */
const ofRobots: ReadonlySet<IncidentCause | NoticeCause> = new Set([
  'silent',
  'crashLoop',
  'unsafe',
  'installRefused',
  'orderRefused',
  'anomaly',
  'leftOut',
  'twoLives',
]);

const sitePrefix = 'site ';

/** The page that shows what an event is about; undefined: none does, e.g. of a disk that is full. */
export function whereToLook({ cause, subject, openedAtMs }: Subject): Place | undefined {
  if (ofRobots.has(cause)) {
    if (subject.startsWith(sitePrefix)) return { page: 'fleet', query: { site: subject.slice(sitePrefix.length) } };
    if (isSiteSubject(subject)) return { page: 'fleet', query: {} };
    return /^[a-z0-9][a-z0-9-]{0,62}$/.test(subject) ? { page: 'robot', query: { id: subject } } : undefined;
  }
  if (cause === 'failureReason') return { page: 'episodes', query: { ...reasonOf(subject), ...daysFrom(openedAtMs) } };
  const page = pages.get(cause);
  if (page === undefined) return undefined;
  if (cause === 'promotion' && /^\d+\.\d+\.\d+$/.test(subject)) return { page, query: { version: subject } };
  return { page, query: {} };
}

/** Reasons beyond those that the monitor has room for are counted together: all failures are looked at then. */
const reasonOf = (subject: string): Place['query'] =>
  subject === 'other' ? { outcome: 'failure' } : { reason: subject };

const dayMs = 86_400_000;
const shownDays = 28;

/** From the day before it opened, which it is judged by. */
const daysFrom = (openedAtMs: number | undefined): Place['query'] =>
  openedAtMs === undefined
    ? {}
    : { from: utcDay(openedAtMs - dayMs), to: utcDay(openedAtMs + (shownDays - 1) * dayMs) };

/** Where who is told of an event finds it: an incident by its id, a notice where what it is about is shown. */
export const placeOfEvent = (event: IncidentEvent): Place =>
  (event.state === 'noticed' ? whereToLook(event) : undefined) ?? {
    page: 'incidents',
    query: { id: event.incidentId },
  };
