import type { IncidentCause, NoticeCause } from '../../domain/monitoring/causes.ts';
import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { isSiteSubject } from '../../domain/monitoring/group-findings.ts';

export const lookPages = ['robot', 'fleet', 'trial', 'cycle', 'models', 'data', 'metrics', 'incidents'] as const;

/** A page of the console, and what of it. */
export interface Place {
  readonly page: (typeof lookPages)[number];
  readonly query: Readonly<Record<string, string>>;
}

type Subject = { readonly cause: IncidentCause | NoticeCause; readonly subject: string };

const pages: ReadonlyMap<IncidentCause | NoticeCause, Exclude<Place['page'], 'robot' | 'incidents'>> = new Map([
  ['fleetBroken', 'fleet'],
  ['badData', 'data'],
  ['drift', 'data'],
  ['failureReason', 'metrics'],
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
export function whereToLook({ cause, subject }: Subject): Place | undefined {
  if (ofRobots.has(cause)) {
    if (subject.startsWith(sitePrefix)) return { page: 'fleet', query: { site: subject.slice(sitePrefix.length) } };
    if (isSiteSubject(subject)) return { page: 'fleet', query: {} };
    return /^[a-z0-9][a-z0-9-]{0,62}$/.test(subject) ? { page: 'robot', query: { id: subject } } : undefined;
  }
  const page = pages.get(cause);
  if (page === undefined) return undefined;
  if (cause === 'promotion' && /^\d+\.\d+\.\d+$/.test(subject)) return { page, query: { version: subject } };
  return { page, query: {} };
}

/** Where who is told of an event finds it: an incident by its id, a notice where what it is about is shown. */
export const placeOfEvent = (event: IncidentEvent): Place =>
  (event.state === 'noticed' ? whereToLook(event) : undefined) ?? {
    page: 'incidents',
    query: { id: event.incidentId },
  };
