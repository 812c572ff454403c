import { siteSubject } from '../domain/monitoring/group-findings.ts';
import { deadSites, siteName, weekMinutes } from './incidents/troubles.ts';
import { incidentsOfWeek } from './incidents/week.ts';

export interface IncidentsBenchResult {
  readonly leg: 'incidents';
  readonly robots: number;
  readonly sites: number;
  readonly opened: number;
  /** New incidents in 10 min, over the 1,008 pieces of the week. */
  readonly p99InTenMinutes: number;
  readonly mostInTenMinutes: number;
  readonly meanInTenMinutes: number;
  /** Incidents that opened within 15 min of a dead network and name its robots or its site, of all dead networks. */
  readonly ofDeadNetworks: string;
  /** How many opened, by cause. */
  readonly byCause: string;
  readonly seconds: number;
}

const pieceMinutes = 10;

/** How often an operator is told of something new in a bad week of a fleet. */
export function measureIncidents({
  robots,
  sites,
  seed,
}: {
  readonly robots: number;
  readonly sites: number;
  readonly seed: number;
}): IncidentsBenchResult {
  const begunMs = performance.now();
  const events = incidentsOfWeek(seed, robots, sites).filter(({ state }) => state === 'opened');
  const startMs = Date.UTC(2026, 0, 5);
  const minuteOf = (atMs: number): number => (atMs - startMs) / 60_000;
  const pieces = Array.from({ length: weekMinutes / pieceMinutes }, () => 0);
  for (const { atMs } of events) {
    const piece = Math.floor(minuteOf(atMs) / pieceMinutes);
    pieces[piece] = (pieces[piece] ?? 0) + 1;
  }
  const ascending = pieces.toSorted((a, b) => a - b);
  const causes = new Map<string, number>();
  for (const { cause } of events) causes.set(cause, (causes.get(cause) ?? 0) + 1);
  const dead = deadSites.map(
    ({ site, from }) =>
      events.filter(
        ({ cause, subject, atMs }) =>
          cause === 'silent' &&
          minuteOf(atMs) >= from &&
          minuteOf(atMs) < from + 15 &&
          (subject === siteSubject(siteName(site)) || isOf(subject, site, sites)),
      ).length,
  );
  return {
    leg: 'incidents',
    robots,
    sites,
    opened: events.length,
    p99InTenMinutes: ascending[Math.ceil(0.99 * ascending.length) - 1] ?? 0,
    mostInTenMinutes: ascending.at(-1) ?? 0,
    meanInTenMinutes: events.length / pieces.length,
    ofDeadNetworks: dead.join(' + '),
    byCause: [...causes].map(([cause, count]) => `${cause} ${count}`).join(', '),
    seconds: (performance.now() - begunMs) / 1_000,
  };
}

const isOf = (robotId: string, site: number, sites: number): boolean =>
  Number(/^robot-(\d+)$/.exec(robotId)?.[1] ?? Number.NaN) % sites === site;
