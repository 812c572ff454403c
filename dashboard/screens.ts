import { h, type ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';

import type { AuditAnswer } from '../console/answers/acts.ts';
import type { CycleReportAnswer, EndedCyclesAnswer, RunningCycleAnswer } from '../console/answers/cycles.ts';
import type { DataAnswer, QuarantineAnswer } from '../console/answers/data.ts';
import type { DriftAnswer } from '../console/answers/drift.ts';
import type { EpisodeAnswer, EpisodesAnswer } from '../console/answers/episodes.ts';
import type { FleetAnswer, FleetSuccessAnswer, RobotAnswer } from '../console/answers/fleet.ts';
import type { IncidentsAnswer } from '../console/answers/incidents.ts';
import type { LabelQueueAnswer, LabelsAnswer } from '../console/answers/labels.ts';
import type { MetricsAnswer, SuccessCourseAnswer } from '../console/answers/metrics.ts';
import type { ModelAnswer, ModelRobotsAnswer, ModelsAnswer } from '../console/answers/models.ts';
import type { SessionsAnswer } from '../console/answers/sessions.ts';
import type { TaskWeeksAnswer } from '../console/answers/tasks.ts';
import type { EndedTrialsAnswer, TaskArmsAnswer, TrialAnswer } from '../console/answers/trials.ts';
import type { Acting } from './act-buttons.ts';
import { attentionOf } from './attention.ts';
import { auditPage, auditPath } from './pages/audit.ts';
import { cycleIdOf, cyclePage } from './pages/cycle.ts';
import { dataPage, dataPath } from './pages/data.ts';
import { driftOf, driftPath, driftSection } from './pages/drift.ts';
import { episodePage, episodePath } from './pages/episode.ts';
import { fleetEpisodes, fleetEpisodesPath } from './pages/fleet-episodes.ts';
import { robotEpisodes, robotEpisodesPath } from './pages/episodes.ts';
import { fleetPage, fleetPath } from './pages/fleet.ts';
import { incidentsPage } from './pages/incidents.ts';
import { labelQueuePath, labelsPage, labelsPath } from './pages/labels.ts';
import { metricsPage, metricsPath } from './pages/metrics.ts';
import { modelPath, modelRobotsPath, modelsPage, modelsPath } from './pages/models.ts';
import { robotPage } from './pages/robot.ts';
import { sessionsSection } from './pages/sessions.ts';
import { successCourse, successCoursePath } from './pages/success-course.ts';
import { tasksPage, taskWeeksPath } from './pages/tasks.ts';
import { versionTasksPath } from './pages/task-arms.ts';
import { apiPath } from './route.ts';
import { useReading, type Session } from './use-reading.ts';
import { useStanding } from './use-standing.ts';
import { useAhead, useNextEpisode } from './use-ahead.ts';
import { nextPlace } from './label-sitting.ts';
import { useSitting } from './use-sitting.ts';

/** What every screen is given. `query` has the policy and what the viewer filters by. */
export interface Screen {
  readonly session: Session;
  readonly policy: string;
  readonly query: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly onFilter: (change: Readonly<Record<string, string>>) => void;
  readonly acting: Acting;
}

export function FleetScreen({ session, policy, query, nowMs, onFilter, acting }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const fleet = useReading<FleetAnswer>(session, fleetPath(asked), `fleet ${policy}`, 'fleet');
  const incidents = useReading<IncidentsAnswer>(session, apiPath('incidents', { policy }), policy, 'incidents');
  const trial = useReading<TrialAnswer>(session, apiPath('trial', { policy }), policy, 'fleet models');
  const standing = useStanding(session, policy);
  const attention = attentionOf({ fleet, incidents, trial });
  // A browser asks a server for six things at once: who looks, and so what they may do, is not to wait for what can.
  const isKnown = acting.viewer !== null;
  const endedPath = isKnown ? apiPath('trials', { policy, limit: '50' }) : null;
  const ended = useReading<EndedTrialsAnswer>(session, endedPath, policy, 'models');
  const cyclePath = isKnown ? apiPath('cycle/now', { policy }) : null;
  const cycle = useReading<RunningCycleAnswer>(session, cyclePath, policy, 'cycles');
  const successPath = isKnown ? apiPath('fleet/success', { policy }) : null;
  const success = useReading<FleetSuccessAnswer>(session, successPath, policy, 'facts');
  const read = { reading: fleet, attention, standing, trial, ended, cycle, success };
  return fleetPage({ ...read, query: asked, nowMs, onFilter, acting });
}

export function DataScreen({ session, policy, query, nowMs, onFilter, acting }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const data = useReading<DataAnswer>(session, dataPath(asked), dataPath(asked), 'facts');
  const path = apiPath('quarantine', { policy, limit: '50' });
  const quarantine = useReading<QuarantineAnswer>(session, path, policy, 'cycles data');
  return dataPage({ policy, data, quarantine, query: asked, nowMs, onFilter, acting });
}

export function RobotScreen({ session, policy, query, nowMs, onFilter, acting }: Screen): ComponentChild {
  const robotId = query['id'] ?? '';
  const asked = { ...query, policy };
  const path = apiPath(`robots/${encodeURIComponent(robotId)}`);
  const reading = useReading<RobotAnswer>(session, path, robotId, 'fleet incidents');
  const episodesPath = robotEpisodesPath(asked);
  const episodes = useReading<EpisodesAnswer>(session, episodesPath, episodesPath, 'facts');
  const did = robotEpisodes({ reading: episodes, query: asked, nowMs, onFilter });
  const about = robotPage({ reading, robotId, nowMs, acting });
  // Who comes from a trial looks for what the robot did under it.
  if (query['trial'] !== undefined) return h('div', null, [did, about]);
  // What stands above comes first: nothing moves down under the pointer.
  const isThere = reading.data !== null || reading.problem !== null;
  return h('div', null, [about, isThere ? did : null]);
}

export function EpisodesScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const path = fleetEpisodesPath(asked);
  return fleetEpisodes({
    reading: useReading<EpisodesAnswer>(session, path, path, 'facts'),
    query: asked,
    nowMs,
    onFilter,
  });
}

export function EpisodeScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const path = episodePath(asked);
  const reading = useReading<EpisodeAnswer>(session, path, path, 'cycles');
  return episodePage({ reading, query: asked, nowMs, onFilter });
}

export function LabelsScreen({ session, policy, query, nowMs, onFilter, acting }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const { id, day } = query;
  const isChosen = id !== undefined && day !== undefined;
  useEffect(() => {
    // An episode that is there at once has led to its slider by now.
    if (isChosen && document.activeElement?.id !== 'frame') document.getElementById('desk')?.focus();
  }, [isChosen, id, day]);
  const queuePath = labelQueuePath(asked);
  const queue = useReading<LabelQueueAnswer>(session, queuePath, queuePath, 'cycles labels');
  const subject = `${policy} ${id ?? ''} ${day ?? ''}`;
  const { ahead, shelf } = useAhead(session);
  const episode = useReading<EpisodeAnswer>(session, isChosen ? episodePath(asked) : null, subject, 'cycles', {
    ahead,
  });
  const labels = useReading<LabelsAnswer>(session, isChosen ? labelsPath(asked) : null, subject, 'labels', { ahead });
  const sitting = useSitting(session, asked, queue.data);
  const next = id === undefined ? null : nextPlace(queue.data?.items ?? [], sitting.done, id);
  // Whoever looks at one is not kept waiting for the next one.
  useNextEpisode({ ahead, shelf, policy, next: episode.data === null ? null : next });
  const read = { queue, episode, labels, sitting };
  return labelsPage({ ...read, query: asked, nowMs, onFilter, acting, shelf });
}

export function IncidentsScreen({ session, policy, query, nowMs, acting }: Screen): ComponentChild {
  const path = apiPath('incidents', { policy, limit: '200' });
  const reading = useReading<IncidentsAnswer>(session, path, policy, 'incidents');
  const incidentId = query['id'];
  const drifted = driftOf(reading.data, incidentId);
  const figuresPath = drifted === null ? null : driftPath(policy, drifted.untilMs);
  const figures = useReading<DriftAnswer>(session, figuresPath, figuresPath ?? '', 'incidents');
  const detail = drifted === null ? null : driftSection(figures, nowMs);
  return incidentsPage({ reading, policy, incidentId, detail, nowMs, acting });
}

export function AuditScreen({ session, query, nowMs, onFilter, acting }: Screen): ComponentChild {
  const path = auditPath(query);
  const sessions = useReading<SessionsAnswer>(session, apiPath('sessions'), 'sessions', 'audit');
  const log = auditPage({ reading: useReading<AuditAnswer>(session, path, path, 'audit'), query, nowMs, onFilter });
  return h('div', null, [log, sessionsSection({ reading: sessions, nowMs, acting })]);
}

export function MetricsScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const path = metricsPath(asked);
  // What is told apart otherwise is another thing: it never stands under the wrong heading.
  const reading = useReading<MetricsAnswer>(session, path, path, 'facts');
  const coursePath = successCoursePath(asked);
  const course = useReading<SuccessCourseAnswer>(session, coursePath, coursePath, 'facts models');
  return metricsPage({ reading, query, nowMs, onFilter, course: successCourse(course, nowMs) });
}

/** While a cycle runs, how far it is is read this often. */
const runningEveryMs = 5_000;

export function CycleScreen({ session, policy, query, nowMs, acting }: Screen): ComponentChild {
  const now = useReading<RunningCycleAnswer>(session, apiPath('cycle/now', { policy }), policy, 'cycles running');
  const isRunning = now.data !== null && now.data.cycle !== null;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => session.tell('running'), runningEveryMs);
    return () => clearInterval(timer);
  }, [isRunning, session]);
  const ended = useReading<EndedCyclesAnswer>(session, apiPath('cycles', { policy, limit: '50' }), policy, 'cycles');
  const cycleId = cycleIdOf(ended.data, query['id']);
  const path = cycleId === undefined ? null : apiPath('cycle/report', { id: cycleId });
  const report = useReading<CycleReportAnswer>(session, path, cycleId ?? '', 'cycles');
  const trials = useReading<EndedTrialsAnswer>(session, apiPath('trials', { policy, limit: '100' }), policy, 'models');
  return cyclePage({ policy, cycleId, now, report, ended, trials, nowMs, acting });
}

export function ModelsScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const { version, other } = query;
  const pathOf = (one: string | undefined): string | null => (one === undefined ? null : modelPath(policy, one));
  const robotsPath = version === undefined ? null : modelRobotsPath(policy, version);
  const list = useReading<ModelsAnswer>(session, modelsPath(asked), `${policy} ${query['before'] ?? ''}`, 'models');
  const model = useReading<ModelAnswer>(session, pathOf(version), `${policy} ${version ?? ''}`, 'models');
  const second = useReading<ModelAnswer>(session, pathOf(other), `${policy} ${other ?? ''}`, 'models');
  const robots = useReading<ModelRobotsAnswer>(session, robotsPath, `${policy} ${version ?? ''}`, 'facts');
  const trials = useReading<EndedTrialsAnswer>(session, apiPath('trials', { policy, limit: '100' }), policy, 'models');
  const pair = `${policy} ${version ?? ''} ${other ?? ''}`;
  const isPair = version !== undefined && other !== undefined;
  const tasksPath = isPair ? versionTasksPath(policy, version, other) : null;
  const tasks = useReading<TaskArmsAnswer>(session, tasksPath, pair, 'facts');
  return modelsPage({ query: asked, list, model, other: second, robots, trials, tasks, nowMs, onFilter });
}

export function TasksScreen({ session, policy, query, nowMs, onFilter }: Screen): ComponentChild {
  const asked = { ...query, policy };
  const { weeks, until } = query;
  const subject = `${policy} ${weeks ?? ''} ${until ?? ''}`;
  const reading = useReading<TaskWeeksAnswer>(session, taskWeeksPath(asked), subject, 'facts tasks');
  return tasksPage({ reading, query: asked, nowMs, onFilter });
}
