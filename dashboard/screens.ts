import { h, type ComponentChild } from 'preact';

import type { FleetAnswer, RobotAnswer } from '../console/answers/fleet.ts';
import type { IncidentsAnswer } from '../console/answers/incidents.ts';
import type { MetricsAnswer } from '../console/answers/metrics.ts';
import type { EndedTrialsAnswer, TrialAnswer, TrialCourseAnswer } from '../console/answers/trials.ts';
import { attentionOf } from './attention.ts';
import { fleetPage, fleetPath } from './pages/fleet.ts';
import { incidentsPage } from './pages/incidents.ts';
import { metricsPage, metricsPath } from './pages/metrics.ts';
import { robotPage } from './pages/robot.ts';
import { trialPage } from './pages/trial.ts';
import { apiPath } from './route.ts';
import { trialIdOf } from './trial-course.ts';
import { useReading, type Session } from './use-reading.ts';

/** What every screen is given. `query` has the policy and what the viewer filters by. */
export interface Screen {
  readonly session: Session;
  readonly policy: string;
  readonly query: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly onFilter: (change: Readonly<Record<string, string>>) => void;
}

export function FleetScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const fleet = useReading<FleetAnswer>(session, fleetPath(asked), `fleet ${policy}`, 'fleet');
  const incidents = useReading<IncidentsAnswer>(session, apiPath('incidents', { policy }), policy, 'incidents');
  const trial = useReading<TrialAnswer>(session, apiPath('trial', { policy }), policy, 'fleet models');
  const attention = attentionOf({ fleet, incidents, trial });
  return fleetPage({ reading: fleet, attention, query: asked, nowMs, onFilter });
}

export function RobotScreen({ session, query, nowMs }: Screen): ComponentChild {
  const robotId = query['id'] ?? '';
  const path = apiPath(`robots/${encodeURIComponent(robotId)}`);
  const reading = useReading<RobotAnswer>(session, path, robotId, 'fleet incidents');
  return robotPage({ reading, robotId, nowMs });
}

export function IncidentsScreen({ session, policy, nowMs }: Screen): ComponentChild {
  const path = apiPath('incidents', { policy, limit: '200' });
  return incidentsPage({ reading: useReading<IncidentsAnswer>(session, path, policy, 'incidents'), nowMs });
}

export function MetricsScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const path = metricsPath({ ...query, policy });
  // What is told apart otherwise is another thing: it never stands under the wrong heading.
  return metricsPage({ reading: useReading<MetricsAnswer>(session, path, path, 'facts'), query, nowMs, onFilter });
}

export function TrialScreen({ session, policy, query, nowMs }: Screen): ComponentChild {
  const now = useReading<TrialAnswer>(session, apiPath('trial', { policy }), policy, 'fleet models');
  const trialId = trialIdOf(now.data, query['id']);
  const coursePath = trialId === undefined ? null : apiPath(`trials/${encodeURIComponent(trialId)}`);
  const course = useReading<TrialCourseAnswer>(session, coursePath, trialId ?? '', 'fleet models');
  const ended = useReading<EndedTrialsAnswer>(session, apiPath('trials', { policy, limit: '50' }), policy, 'models');
  return h('div', null, trialPage({ policy, trialId, now, course, ended, nowMs }));
}
