import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type {
  EndedTrialsAnswer,
  StandingAnswer,
  TaskArmsAnswer,
  TrialAnswer,
  TrialCourseAnswer,
} from '../../console/answers/trials.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs, trialActs, undoActs } from '../acts.ts';
import { fieldOf, textField } from '../fields.ts';
import { freezeActs, standingNote } from '../freeze.ts';
import { plainWord, rollbackWord, trialPartWord } from '../plain-words.ts';
import type { Reading } from '../reading.ts';
import { exactMoment, facts, moment, shownOf, stateBox } from '../states.ts';
import { taskArms } from './task-arms.ts';
import { endedByText } from './ended-by.ts';
import { courseBody, endedTrials } from './trial-body.ts';
import { orderText } from './runs-now.ts';
import { trialNow } from './trial-now.ts';
import { stepText } from './trial-stages.ts';
import { trialWords } from './trial-words.ts';

type EndedTrial = EndedTrialsAnswer['items'][number];

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
  /** Success by task in the trial that runs, and in the one whose course is shown. */
  readonly nowTasks?: Reading<TaskArmsAnswer>;
  readonly tasks?: Reading<TaskArmsAnswer>;
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
        runningTrial(data, {
          tasks: more.nowTasks?.data ?? null,
          last: ended.data?.items.at(-1),
          harmed: data.now?.trialId === trialId ? harmedTasks(course.data) : [],
        }),
        trialWords(),
        // What is done to a trial is done to what is so now, not to what was so when the viewer left; the fleet can be rolled back at any time.
        now.isFromBefore === true
          ? h('p', { class: 'hint' }, 'What can be done with the trial stands here when it is read anew.')
          : null,
        actBar(
          [
            ...(now.isFromBefore === true ? [] : trialActs(data, policy, acting.viewer)),
            ...undoActs(policy, acting.viewer, standing.data?.undo, nowMs),
            ...fleetActs(policy, acting.viewer, standing.data),
            ...(now.isFromBefore === true ? [] : freezeActs(policy, data.freeze, acting.viewer)),
          ],
          acting.onAct,
        ),
      ]),
      (now.data === null || (now.isFromBefore === true && now.problem !== null)) && standing.data !== null
        ? standingFacts(standing.data, policy, acting)
        : null,
    ]),
    h('section', { 'aria-labelledby': 'course' }, [
      h('h2', { id: 'course', tabIndex: -1 }, courseTitle(trialId, more.stage)),
      trialId === undefined
        ? noCourse(now)
        : [
            endOf(ended.data, trialId),
            shownOf(course, nowMs, `the course of ${trialId}`, (data) =>
              courseBody(data, { policy, stage: stageOf(more.stage) }),
            ),
          ],
    ]),
    trialId === undefined || more.tasks === undefined
      ? null
      : h('section', { 'aria-labelledby': 'better' }, [
          h('h2', { id: 'better' }, 'How much better, task by task'),
          taskArms(more.tasks, nowMs, `success by task in ${trialId}`),
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
  `Course${trialId === undefined ? '' : ` of ${trialId}`}${stageOf(stage) === undefined ? '' : `, stage ${(stageOf(stage) ?? 0) + 1}`}`;

/** How the trial that is looked at ended, where it has. */
function endOf(ended: EndedTrialsAnswer | null, trialId: string): ComponentChild | null {
  const end = ended?.items.find((one) => one.trialId === trialId);
  return end === undefined ? null : h('p', { class: 'headline' }, [h('strong', null, end.sentence), endedByText(end)]);
}

const stageOf = (stage: string | undefined): number | undefined =>
  stage !== undefined && /^\d{1,4}$/.test(stage) ? Number(stage) : undefined;

/** Where nobody said yet which trial runs, that there is none is not known. */
function noCourse({ data, problem }: Reading<TrialAnswer>): ComponentChild {
  if (data !== null) return stateBox('empty', 'No trial is chosen, and none that runs names itself.');
  if (problem === null) return stateBox('loading', 'Asking which trial runs …');
  return stateBox('noData', 'Which trial runs is not known. One that ended can be chosen below.');
}

type Run = NonNullable<TrialAnswer['trial']>;

/** What else is known of what runs. */
interface Beside {
  readonly tasks: TaskArmsAnswer | null;
  readonly last: EndedTrial | undefined;
  /** Tasks that its last verdict proves worse. */
  readonly harmed: readonly string[];
}

const harmedTasks = (course: TrialCourseAnswer | null): readonly string[] =>
  (course?.tasks?.items ?? []).filter(({ standing }) => standing === 'worse').map(({ task }) => task);

/** Only what runs: one that ended stands under Ended, with what came of it. */
function runningTrial(data: TrialAnswer, { tasks, last, harmed }: Beside): ComponentChild {
  const { trial, now, rollback, order } = data;
  const isBack = rollback?.run === 'RUNNING';
  const policy = textField(trial?.status, 'policy') ?? '';
  return h('div', null, [
    isBack ? runBox('Rollback', rollback, rollbackFacts(rollback, order)) : null,
    now === null ? null : trialNow(now, tasks, policy, harmed),
    trial === null || trial.run !== 'RUNNING'
      ? nothingRuns(trial, last, isBack)
      : now === null
        ? runBox(`Trial of ${textField(trial.status, 'candidateVersion') ?? 'a candidate'}`, trial, slotFacts(trial))
        : waitingVersion(trial),
  ]);
}

const slotFacts = ({ status }: Run): Facts => [
  ['Is at', trialPartWord(textField(status, 'stage'), 'not told')],
  ['State', stepText(fieldOf(status, 'step'))],
  ['Waits behind it', textField(status, 'waitingVersion') ?? 'no other candidate'],
];

const waitingVersion = ({ status }: Run): ComponentChild => {
  const version = textField(status, 'waitingVersion');
  return version === undefined ? null : h('p', null, `Candidate ${version} waits behind it.`);
};

function nothingRuns(trial: TrialAnswer['trial'], last: EndedTrial | undefined, isBack: boolean): ComponentChild {
  if (trial !== null && trial.run !== 'COMPLETED')
    return runBox('Trial', trial, [
      ['State', `its workflow is ${plainWord(trial.run)}`],
      ['Candidate', textField(trial.status, 'candidateVersion') ?? 'not told'],
    ]);
  if (isBack && last === undefined) return null;
  return stateBox('empty', [
    'No trial runs now.',
    last === undefined
      ? trial === null
        ? ' None of this policy ended lately.'
        : null
      : [' The last one: ', last.sentence, endedByText(last), ' Ended ', moment(last.atMs), '.'],
  ]);
}

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
      ['Workflow', plainWord(run)],
      ['Started', exactMoment(startedMs)],
      ...(endedMs === null ? [] : [['Ended', exactMoment(endedMs)] as const]),
    ]),
  ]);

function rollbackFacts({ status, run }: Run, order: TrialAnswer['order']): Facts {
  return [
    ...(run === 'RUNNING' ? [['Robots', followText(status, order)] as const] : []),
    ['Stage', rollbackWord(textField(status, 'stage'), 'not told')],
    ['To version', textField(status, 'version') ?? 'not told'],
    ['Why', textField(status, 'reason') ?? 'not told'],
  ];
}

/** How many robots follow the order that stands; a rollback is pending until all that can have confirmed. */
function followText(status: unknown, order: TrialAnswer['order']): string {
  if (textField(status, 'stage') !== 'returning') return 'nothing is ordered yet';
  return order === null ? 'who follows is not known' : orderText(order);
}
