import {
  advanceIncidents,
  defaultMonitorLimits,
  groupBySite,
  hysteresisOf,
  judgeRobots,
  type IncidentBook,
  type IncidentEvent,
  type WatchedRobot,
} from '../../domain/monitoring/index.ts';
import { pastOf, ShiftedWork } from './work.ts';
import { badWeek, weekMinutes, type RobotTroubles, type Span } from './troubles.ts';

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 5);

/** What the monitor's own code opens and closes in a week, looking every minute by a clock that is simulated. */
export function incidentsOfWeek(seed: number, robots: number, sites: number): readonly IncidentEvent[] {
  const troubles = badWeek(seed, robots, sites);
  const siteOf = new Map(troubles.map(({ robotId, site }) => [robotId, site]));
  const work = new ShiftedWork(seed, troubles);
  const baseline = pastOf(seed, troubles);
  const limits = defaultMonitorLimits;
  const events: IncidentEvent[] = [];
  let book: IncidentBook = {};
  for (let minute = 0; minute < weekMinutes; minute += 1) {
    const nowMs = startMs + minute * minuteMs;
    if (minute % 60 === 0) work.passHour(minute / 60, baseline);
    const watched = troubles.map((robot) => watchedAt(robot, minute));
    const findings = [...judgeRobots(watched, 'known', nowMs, limits), ...work.findings];
    const step = advanceIncidents(book, {
      findings: groupBySite(findings, siteOf, book),
      isKnown: () => true,
      hysteresis: (cause, subject) => hysteresisOf(cause, subject, limits),
      nowMs,
    });
    book = step.book;
    events.push(...step.events);
  }
  return events;
}

const isIn = (span: Span | undefined, minute: number): span is Span =>
  span !== undefined && span.from <= minute && minute < span.to;

function watchedAt({ robotId, site, away, crashed, refused, unsafeAt }: RobotTroubles, minute: number): WatchedRobot {
  const gap = away.find((span) => isIn(span, minute));
  const unheardMs = gap === undefined ? 0 : (minute - gap.from) * minuteMs;
  const told = { attempted: '1.4.0', receivedMs: startMs };
  const install = isIn(crashed, minute)
    ? { outcome: 'fellBack' as const, reason: 'crashLoop', ...told }
    : isIn(refused, minute)
      ? { outcome: 'refused' as const, reason: 'cannotLoad', ...told }
      : null;
  const safety =
    unsafeAt === undefined || minute < unsafeAt
      ? {}
      : { safety: { atMs: startMs + Math.round(unsafeAt * minuteMs), version: '1.4.0' } };
  return {
    robotId,
    site,
    contact: unheardMs < minuteMs ? 'online' : 'silent',
    unheardMs,
    install,
    memory: { hours: [], halves: {}, ...safety },
  };
}
