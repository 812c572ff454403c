import { h, type ComponentChild } from 'preact';

import type { EndedTrialsAnswer, TrialCourseAnswer } from '../../console/answers/trials.ts';
import { courseChart, type CoursePoint } from '../course-chart.ts';
import { listField, numberField, textField } from '../fields.ts';
import { pointsText } from '../format.ts';
import { plainWord, stepWord } from '../plain-words.ts';
import { hrefOf } from '../route.ts';
import { aroundBound, effectWords, type Effect } from '../../domain/words/effect-words.ts';
import { damagedNote, exactMoment, facts, moment, stateBox, table } from '../states.ts';
import { armsOf, pointsOf } from '../trial-course.ts';
import { endedByText } from './ended-by.ts';
import { armText, planTable } from './trial-stages.ts';
import { trialTasks } from './trial-tasks.ts';
import { versionLink } from './version-links.ts';

const sideText = (robots: number | undefined, episodes: number | undefined): string =>
  robots === undefined ? 'the other robots; the verdict does not count them' : armText(robots, episodes);

interface ShownCourse {
  readonly policy: string;
  readonly stage: number | undefined;
}

/** The effect of a trial over time, its arms, and what it is in each task. */
export function courseBody(course: TrialCourseAnswer, { policy, stage }: ShownCourse): ComponentChild {
  const { plan, end, verdicts, damaged } = course;
  const points = pointsOf(course, stage);
  const arms = armsOf(course);
  const newest = points.at(-1);
  return h('div', null, [
    damagedNote(damaged),
    facts([
      ['Kind', kindOf(textField(plan, 'kind'))],
      ['Candidate', versionLink(policy, textField(plan, 'candidateVersion'), 'not told')],
      ['Champion', versionLink(policy, textField(plan, 'championVersion'), 'not told')],
      ['Robots in the plan', listField(plan, 'robots').length],
      ['Left out, in quarantine', listField(plan, 'excluded').length],
      // Why stands above, as the sentence of the trial.
      [
        'End',
        end === null ? 'it has not ended' : stepWord(textField(end, 'kind') ?? textField(end, 'outcome'), 'not told'),
      ],
      ['Verdicts', points.length === verdicts ? verdicts : `${verdicts}, of which ${points.length} are shown`],
      ...(newest === undefined
        ? []
        : ([
            ['Last of them', ['as of ', exactMoment(newest.atMs), `: ${effectWords(aroundBoundOf(newest))}`]],
          ] as const)),
      ...(arms === null
        ? []
        : ([
            ['Candidate arm', sideText(arms.candidateRobots, arms.candidateEpisodes)],
            ['Control arm', sideText(arms.controlRobots, arms.controlEpisodes)],
          ] as const)),
    ]),
    planTable(plan, currentStage(course), end),
    points.length === 0
      ? stateBox('noData', 'No verdict says an effect yet. Nothing follows from this.')
      : h('div', null, [
          h(
            'p',
            { class: 'legend' },
            'Effect: candidate minus champion, in percentage points (●), with its interval (│). It must stay above the limit (▬), where one is judged against.',
          ),
          courseChart(points),
          h('details', null, [h('summary', null, 'The same as a table'), courseTable(points)]),
        ]),
    trialTasks(course, policy),
  ]);
}

/** A look tells both ends of its interval, a verdict of the guard the lower one. */
const aroundBoundOf = ({ effect, low, high }: CoursePoint): Effect =>
  high === null ? aroundBound(effect, low) : { delta: effect, low, high };

/** By the last verdict that tells its stage. */
const currentStage = ({ points }: TrialCourseAnswer): number | undefined =>
  points.flatMap((point) => numberField(point, 'stage') ?? []).at(-1);

const courseTable = (points: readonly CoursePoint[]): ComponentChild =>
  table(
    'Verdicts, newest first',
    [
      { head: 'Verdict', cell: ({ name }) => name },
      { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
      { head: 'Effect', isNumber: true, cell: ({ effect }) => pointsText(effect) },
      { head: 'At least', isNumber: true, cell: ({ low }) => (low === null ? 'not told' : pointsText(low)) },
      { head: 'At most', isNumber: true, cell: ({ high }) => (high === null ? 'open' : pointsText(high)) },
      { head: 'Limit', isNumber: true, cell: ({ limit }) => (limit === null ? 'none' : pointsText(limit)) },
    ],
    points.toReversed(),
    ({ name }, index) => `${name} ${index}`,
  );

const kindOf = (kind: string | undefined): string =>
  kind === 'abTest' || kind === 'rollout' ? kindNames[kind] : (kind ?? 'not told');

const kindNames = { abTest: 'A/B test', rollout: 'rollout' } as const;

type EndedTrial = EndedTrialsAnswer['items'][number];

/** The sentence, what the workflow said, and the way to the stage in which it ended. */
const endCell =
  (policy: string) =>
  (end: EndedTrial): ComponentChild => {
    const { sentence, reason, outcome, stage, trialId } = end;
    return [
      sentence,
      endedByText(end),
      stage === null
        ? null
        : [' ', h('a', { href: hrefOf('trial', { policy, id: trialId, stage: String(stage) }) }, `Stage ${stage + 1}`)],
      h('details', null, [
        h('summary', null, 'As the workflow said it'),
        h('p', null, `${plainWord(outcome)}: ${reason}`),
      ]),
    ];
  };

export const endedTrials = ({ items, damaged }: EndedTrialsAnswer, policy: string): ComponentChild =>
  h('div', null, [
    damagedNote(damaged),
    items.length === 0
      ? stateBox('empty', 'No trial has ended yet.')
      : table(
          'Ended trials, newest first',
          [
            {
              head: 'Trial',
              cell: ({ trialId }) => h('a', { href: hrefOf('trial', { policy, id: trialId }) }, trialId),
            },
            { head: 'Candidate', cell: ({ candidateVersion }) => versionLink(policy, candidateVersion, 'none') },
            { head: 'Was', cell: ({ kind }) => (kind === null ? 'not told' : kindNames[kind]) },
            { head: 'Champion then', cell: ({ championVersion }) => versionLink(policy, championVersion, 'not told') },
            { head: 'What came of it, and why', cell: endCell(policy) },
            { head: 'Ended', cell: ({ atMs }) => moment(atMs) },
          ],
          items.toReversed(),
          ({ trialId }) => trialId,
        ),
  ]);
