import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { EndedTrialsAnswer, TrialAnswer, TrialCourseAnswer } from '../../console/answers/trials.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs, trialActs } from '../acts.ts';
import { courseChart, type CoursePoint } from '../course-chart.ts';
import { fieldOf, listField, numberField, textField } from '../fields.ts';
import { freezeActs, freezeNote } from '../freeze.ts';
import { numberText, pointsText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { armsOf, pointsOf } from '../trial-course.ts';
import { armText, stages, told } from './trial-stages.ts';

interface TrialPage {
  readonly policy: string;
  /** The trial whose course is shown; undefined: none. */
  readonly trialId: string | undefined;
  readonly now: Reading<TrialAnswer>;
  readonly course: Reading<TrialCourseAnswer>;
  readonly ended: Reading<EndedTrialsAnswer>;
  readonly nowMs: number;
  readonly acting: Acting;
  /** The only stage to show the course of. */
  readonly stage?: string | undefined;
  /** Who carries it. */
  readonly carriers?: ComponentChild;
}

/** The trial that runs: its stage, its effect against the limits, its arms; and those that ended. */
export const trialPage = ({ policy, trialId, now, course, ended, nowMs, acting, ...more }: TrialPage): ComponentChild =>
  h('div', null, [
    h('section', { 'aria-labelledby': 'now' }, [
      h('h2', { id: 'now' }, 'Now'),
      shownOf(now, nowMs, 'the trial that runs', (data) => [
        freezeNote(data.freeze, nowMs),
        runningTrial(data, policy),
        actBar(
          [
            ...trialActs(data, policy, acting.viewer),
            ...fleetActs(policy, acting.viewer),
            ...freezeActs(policy, data.freeze, acting.viewer),
          ],
          acting.onAct,
        ),
      ]),
    ]),
    h('section', { 'aria-labelledby': 'course' }, [
      h('h2', { id: 'course', tabIndex: -1 }, courseTitle(trialId, more.stage)),
      trialId === undefined
        ? noCourse(now)
        : shownOf(course, nowMs, `the course of ${trialId}`, (data) => courseBody(data, stageOf(more.stage))),
    ]),
    more.carriers ?? null,
    h('section', { 'aria-labelledby': 'ended' }, [
      h('h2', { id: 'ended' }, 'Ended'),
      shownOf(ended, nowMs, 'trials that ended', (data) => endedTrials(data, policy)),
    ]),
  ]);

const courseTitle = (trialId: string | undefined, stage: string | undefined): string =>
  `Course${trialId === undefined ? '' : ` of ${trialId}`}${stageOf(stage) === undefined ? '' : `, stage ${stage}`}`;

const stageOf = (stage: string | undefined): number | undefined =>
  stage !== undefined && /^\d{1,4}$/.test(stage) ? Number(stage) : undefined;

/** Where nobody said yet which trial runs, that there is none is not known. */
function noCourse({ data, problem }: Reading<TrialAnswer>): ComponentChild {
  if (data !== null) return stateBox('empty', 'No trial is chosen, and none that runs names itself.');
  if (problem === null) return stateBox('loading', 'Asking which trial runs …');
  return stateBox('noData', 'Which trial runs is not known. One that ended can be chosen below.');
}

type Run = NonNullable<TrialAnswer['trial']>;

function runningTrial({ trial, abTest, rollout, rollback, order }: TrialAnswer, policy: string): ComponentChild {
  return h('div', null, [
    rollback === null ? null : runBox('Rollback', rollback, rollbackFacts(rollback, order)),
    trial === null
      ? stateBox('empty', 'No trial of this policy runs, and none ended lately.')
      : runBox('Trial', trial, [
          ['Stage', textField(trial.status, 'stage') ?? 'not told'],
          ['Candidate', textField(trial.status, 'candidateVersion') ?? 'none yet'],
          ['Waits behind it', textField(trial.status, 'waitingVersion') ?? 'none'],
          ['Step', stepText(fieldOf(trial.status, 'step'))],
          ['Result', stepText(fieldOf(trial.status, 'result'))],
        ]),
    abTest === null ? null : runBox('A/B test', abTest, abTestFacts(abTest)),
    rollout === null ? null : runBox('Rollout', rollout, rolloutFacts(rollout)),
    rollout === null ? null : stages(listField(rollout.status, 'rows'), policy, textField(rollout.status, 'trialId')),
  ]);
}

type Facts = readonly (readonly [string, ComponentChildren])[];

const runBox = (name: string, { run, startedMs, endedMs, status }: Run, entries: Facts): ComponentChild =>
  h('div', { class: 'run' }, [
    h('h3', null, name),
    status === null ? stateBox('noData', 'No worker answers for it: how far it is, is not known now.') : facts(entries),
    facts([
      ['Workflow', run.toLowerCase()],
      ['Started', moment(startedMs)],
      ...(endedMs === null ? [] : [['Ended', moment(endedMs)] as const]),
    ]),
  ]);

/** What something is, and why. */
function stepText(step: unknown): string {
  const kind = textField(step, 'kind') ?? textField(step, 'outcome');
  const reason = textField(step, 'reason');
  if (kind === undefined) return 'none yet';
  return reason === undefined ? kind : `${kind}: ${reason}`;
}

function abTestFacts({ status }: Run): Facts {
  const look = fieldOf(status, 'look');
  const number = (name: string): number | undefined => numberField(look, name);
  return [
    ['Progress', stepText(fieldOf(status, 'progress'))],
    ...(look === undefined
      ? []
      : ([
          ['Last look', `${textField(look, 'decision') ?? 'not told'}: ${textField(look, 'reason') ?? ''}`],
          [
            'Effect',
            `${told(number('delta'), pointsText)} [${told(number('low'), pointsText)} to ${told(number('high'), pointsText)}]`,
          ],
          [
            'Evidence',
            `z ${told(number('z'), (z) => numberText(z, 2))}, bound ${told(number('bound'), (z) => numberText(z, 2))}`,
          ],
          ['Candidate arm', armText(number('candidateRobots'), number('candidateEpisodes'))],
          ['Control arm', armText(number('controlRobots'), number('controlEpisodes'))],
        ] as const)),
  ];
}

function rolloutFacts({ status }: Run): Facts {
  const tick = fieldOf(status, 'tick');
  const number = (name: string): number | undefined => numberField(tick, name);
  const margin = number('marginFraction');
  return [
    ['State', stepText(fieldOf(status, 'state'))],
    ...(tick === undefined
      ? []
      : ([
          ['Last verdict', `${textField(tick, 'verdict') ?? 'not told'}: ${textField(tick, 'reason') ?? ''}`],
          [
            'Effect',
            `${told(number('delta'), pointsText)}, at least ${told(number('lowerBound'), pointsText)}; limit ${margin === undefined ? 'none' : pointsText(-margin)}`,
          ],
          [
            'Evidence of harm',
            `${told(number('logEvidence'), (n) => numberText(n, 2))}, alarm at ${told(number('threshold'), (n) => numberText(n, 2))} (logarithms)`,
          ],
          ['Candidate arm', armText(number('robots'), number('episodes'))],
        ] as const)),
  ];
}

function rollbackFacts({ status, run }: Run, order: TrialAnswer['order']): Facts {
  return [
    ...(run === 'RUNNING' ? [['Robots', followText(status, order)] as const] : []),
    ['Stage', textField(status, 'stage') ?? 'not told'],
    ['To version', textField(status, 'version') ?? 'not told'],
    ['Why', textField(status, 'reason') ?? 'not told'],
  ];
}

/** How many robots follow the order that stands; a rollback is pending until all that can have confirmed. */
function followText(status: unknown, order: TrialAnswer['order']): string {
  if (textField(status, 'stage') !== 'returning') return 'nothing is ordered yet';
  if (order === null) return 'who follows is not known';
  const { confirmed, robots, waiting, windowed, failed, offline, unserved } = order;
  const others = [
    [waiting, 'on the way'],
    [windowed, 'wait for an update window'],
    [failed, 'failed'],
    [offline, 'offline'],
    [unserved, 'have a body that nothing serves'],
  ] as const;
  const rest = others.flatMap(([count, text]) => (count === 0 ? [] : [`${count} ${text}`])).join(', ');
  const state = confirmed === robots ? 'confirmed by' : 'pending: confirmed by';
  return `${state} ${confirmed} of ${robots}${rest === '' ? '' : `; ${rest}`}`;
}

function courseBody(course: TrialCourseAnswer, stage: number | undefined): ComponentChild {
  const { plan, end, verdicts, damaged } = course;
  const points = pointsOf(course, stage);
  const arms = armsOf(course);
  return h('div', null, [
    damagedNote(damaged),
    facts([
      ['Kind', textField(plan, 'kind') ?? 'not told'],
      ['Candidate', textField(plan, 'candidateVersion') ?? 'not told'],
      ['Champion', textField(plan, 'championVersion') ?? 'not told'],
      ['Robots in the plan', listField(plan, 'robots').length],
      ['Left out, in quarantine', listField(plan, 'excluded').length],
      ['End', end === null ? 'it has not ended' : stepText(end)],
      ['Verdicts', points.length === verdicts ? verdicts : `${verdicts}, of which ${points.length} are shown`],
      ...(arms === null
        ? []
        : ([
            ['Candidate arm', armText(arms.candidateRobots, arms.candidateEpisodes)],
            [
              'Control arm',
              arms.controlRobots === undefined
                ? 'the other robots; the verdict does not count them'
                : armText(arms.controlRobots, arms.controlEpisodes),
            ],
          ] as const)),
    ]),
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
  ]);
}

const courseTable = (points: readonly CoursePoint[]): ComponentChild =>
  table(
    'Verdicts, newest first',
    [
      { head: 'Verdict', cell: ({ name }) => name },
      { head: 'When', cell: ({ atMs }) => moment(atMs) },
      { head: 'Effect', isNumber: true, cell: ({ effect }) => pointsText(effect) },
      { head: 'At least', isNumber: true, cell: ({ low }) => (low === null ? 'not told' : pointsText(low)) },
      { head: 'At most', isNumber: true, cell: ({ high }) => (high === null ? 'open' : pointsText(high)) },
      { head: 'Limit', isNumber: true, cell: ({ limit }) => (limit === null ? 'none' : pointsText(limit)) },
    ],
    points.toReversed(),
    ({ name }, index) => `${name} ${index}`,
  );

const endedTrials = ({ items, damaged }: EndedTrialsAnswer, policy: string): ComponentChild =>
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
            { head: 'Candidate', cell: ({ candidateVersion }) => candidateVersion ?? 'none' },
            { head: 'Outcome', cell: ({ outcome }) => outcome },
            { head: 'Reason', cell: ({ reason }) => reason },
            { head: 'Ended', cell: ({ atMs }) => moment(atMs) },
          ],
          items.toReversed(),
          ({ trialId }) => trialId,
        ),
  ]);
