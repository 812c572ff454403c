import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type {
  EndedTrialsAnswer,
  StandingAnswer,
  TrialAnswer,
  TrialCourseAnswer,
} from '../../console/answers/trials.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs, trialActs } from '../acts.ts';
import { fieldOf, listField, numberField, textField } from '../fields.ts';
import { freezeActs, standingNote } from '../freeze.ts';
import { numberText, pointsText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { facts, moment, shownOf, stateBox } from '../states.ts';
import { courseBody, endedTrials } from './trial-body.ts';
import { armText, stages, stepText, told } from './trial-stages.ts';
import { orderText } from './runs-now.ts';
import { versionLink } from './version-links.ts';

interface TrialPage {
  readonly policy: string;
  /** The trial whose course is shown; undefined: none. */
  readonly trialId: string | undefined;
  readonly now: Reading<TrialAnswer>;
  /** What is so whether Temporal answers or not. */
  readonly standing: Reading<StandingAnswer>;
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
export const trialPage = ({
  policy,
  trialId,
  now,
  standing,
  course,
  ended,
  nowMs,
  acting,
  ...more
}: TrialPage): ComponentChild =>
  h('div', null, [
    h('section', { 'aria-labelledby': 'now' }, [
      h('h2', { id: 'now' }, 'Now'),
      standingNote(standing, nowMs),
      shownOf(now, nowMs, 'the trial that runs', (data) => [
        runningTrial(data, policy),
        actBar(
          [
            ...trialActs(data, policy, acting.viewer),
            ...fleetActs(policy, acting.viewer, standing.data),
            ...freezeActs(policy, data.freeze, acting.viewer),
          ],
          acting.onAct,
        ),
      ]),
      now.data === null && standing.data !== null ? standingFacts(standing.data, policy, acting) : null,
    ]),
    h('section', { 'aria-labelledby': 'course' }, [
      h('h2', { id: 'course', tabIndex: -1 }, courseTitle(trialId, more.stage)),
      trialId === undefined
        ? noCourse(now)
        : shownOf(course, nowMs, `the course of ${trialId}`, (data) =>
            courseBody(data, { policy, nowMs, stage: stageOf(more.stage) }),
          ),
    ]),
    more.carriers ?? null,
    h('section', { 'aria-labelledby': 'ended' }, [
      h('h2', { id: 'ended' }, 'Ended'),
      shownOf(ended, nowMs, 'trials that ended', (data) => endedTrials(data, policy)),
    ]),
  ]);

/** Workflows do not tell; what the store tells is so all the same, and can be acted on. */
const standingFacts = ({ order, freeze }: StandingAnswer, policy: string, acting: Acting): ComponentChild => [
  facts([
    ['Robots that follow the current order', order === null ? 'none was given yet' : orderText(order)],
    ['Trials', freeze.kind === 'none' ? 'not frozen' : 'frozen, see above'],
  ]),
  actBar(freezeActs(policy, freeze, acting.viewer), acting.onAct),
];

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
          ['Candidate', versionLink(policy, textField(trial.status, 'candidateVersion'), 'none yet')],
          ['Waits behind it', textField(trial.status, 'waitingVersion') ?? 'none'],
          ['Step', stepText(fieldOf(trial.status, 'step'))],
          ['Result', stepText(fieldOf(trial.status, 'result'))],
        ]),
    // A step that ended may be one of the trial before.
    stepNow('A/B test', abTest, trial, abTestFacts),
    stepNow('Rollout', rollout, trial, rolloutFacts),
    rollout === null || !isOfNow(rollout, trial)
      ? null
      : stages(listField(rollout.status, 'rows'), policy, textField(rollout.status, 'trialId')),
  ]);
}

/** Steps have names that come again: what began before the trial that runs is of another one. */
const isOfNow = (step: Run, trial: TrialAnswer['trial']): boolean =>
  step.run === 'RUNNING' ||
  (trial?.run === 'RUNNING' && step.startedMs >= trial.startedMs && textField(trial.status, 'stage') === 'rollout');

const stepNow = (
  name: string,
  step: Run | null,
  trial: TrialAnswer['trial'],
  factsOf: (step: Run) => Facts,
): ComponentChild => (step === null || !isOfNow(step, trial) ? null : runBox(name, step, factsOf(step)));

type Facts = readonly (readonly [string, ComponentChildren])[];

const runBox = (name: string, { run, startedMs, endedMs, status }: Run, entries: Facts): ComponentChild =>
  h('div', { class: 'run' }, [
    h('h3', null, name),
    status !== null
      ? facts(entries)
      : endedMs === null
        ? stateBox('noData', 'No worker answers for it: how far it is, is not known now.')
        : h(
            'p',
            null,
            'It has ended, and its workflow says no more. The list of ended trials below says how, and leads to its course.',
          ),
    facts([
      ['Workflow', run.toLowerCase()],
      ['Started', moment(startedMs)],
      ...(endedMs === null ? [] : [['Ended', moment(endedMs)] as const]),
    ]),
  ]);

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
    ['State', textField(status, 'state', 'kind') ?? 'none yet'],
    // Of when it came into this state; the verdict below is newer.
    ['It came into it because', textField(status, 'state', 'reason') ?? 'not told'],
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
  return order === null ? 'who follows is not known' : orderText(order);
}
