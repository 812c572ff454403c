import { h, type ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';

import type { TrialRobotsAnswer } from '../console/answers/episodes.ts';
import type { EndedTrialsAnswer, TaskArmsAnswer, TrialAnswer, TrialCourseAnswer } from '../console/answers/trials.ts';
import { textField } from './fields.ts';
import { trialTasksPath } from './pages/task-arms.ts';
import { trialPage } from './pages/trial.ts';
import { trialRobots, trialRobotsPath } from './pages/trial-robots.ts';
import { apiPath } from './route.ts';
import type { Screen } from './screens.ts';
import { daysOf, trialIdOf } from './trial-course.ts';
import { useReading } from './use-reading.ts';
import { returningEveryMs, useStanding } from './use-standing.ts';

/** While a trial runs, what its guard said last is read this often. */
const judgingEveryMs = 10_000;

export function TrialScreen({ session, policy, query, nowMs, acting }: Screen): ComponentChild {
  const now = useReading<TrialAnswer>(session, apiPath('trial', { policy }), policy, 'fleet models judging', {
    isKept: true,
  });
  const isReturning = now.data?.rollback?.run === 'RUNNING';
  useEffect(() => {
    if (!isReturning) return;
    const timer = setInterval(() => session.tell('fleet'), returningEveryMs);
    return () => clearInterval(timer);
  }, [isReturning, session]);
  // A guard judges every few seconds to minutes, and nothing else tells of it.
  const isJudged = now.data !== null && now.data.now !== null;
  useEffect(() => {
    if (!isJudged) return;
    const timer = setInterval(() => session.tell('judging'), judgingEveryMs);
    return () => clearInterval(timer);
  }, [isJudged, session]);
  const ended = useReading<EndedTrialsAnswer>(session, apiPath('trials', { policy, limit: '50' }), policy, 'models', {
    isKept: true,
  });
  const trialId = trialIdOf(now.data, ended.data, query);
  const coursePath = trialId === undefined ? null : apiPath(`trials/${encodeURIComponent(trialId)}`);
  const course = useReading<TrialCourseAnswer>(session, coursePath, trialId ?? '', 'fleet models verdict', {
    isKept: true,
  });
  // Both are made of the same verdicts: when one tells of a newer one, the other is read too.
  const judgedMs = now.data?.now?.measured?.atMs;
  useEffect(() => {
    if (judgedMs !== undefined) session.tell('verdict');
  }, [judgedMs, session]);
  const { stage } = query;
  const days = course.data === null ? undefined : daysOf(course.data);
  const robotsPath = trialId === undefined || days === undefined ? null : trialRobotsPath(policy, trialId, days);
  const robots = useReading<TrialRobotsAnswer>(session, robotsPath, `${policy} ${trialId ?? ''}`, 'facts');
  const candidateVersion = textField(course.data?.plan, 'candidateVersion');
  const carriers =
    trialId === undefined ? null : trialRobots({ reading: robots, policy, trialId, days, nowMs, candidateVersion });
  const nowId = now.data?.now?.trialId;
  const tasksOf = (id: string | undefined): string | null => (id === undefined ? null : trialTasksPath(policy, id));
  const tasks = useReading<TaskArmsAnswer>(session, tasksOf(trialId), `${policy} ${trialId ?? ''}`, 'facts', {
    isKept: true,
  });
  const other = useReading<TaskArmsAnswer>(
    session,
    nowId === trialId ? null : tasksOf(nowId),
    `${policy} ${nowId ?? ''}`,
    'facts',
  );
  const nowTasks = nowId === trialId ? tasks : other;
  // Who asked for one trial, or one stage of it, is led to it: what runs now stands above.
  const { id } = query;
  useEffect(() => {
    if (stage !== undefined || id !== undefined) document.getElementById('course')?.focus();
  }, [stage, id]);
  const standing = useStanding(session, policy);
  const shown = { policy, trialId, now, standing, course, ended, nowMs, acting, stage, carriers, tasks, nowTasks };
  return h('div', null, trialPage(shown));
}
