import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { TaskArmsAnswer, TrialNow } from '../../console/answers/trials.ts';
import { numberText, spanText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { effectWords, measuredWords } from '../../domain/words/effect-words.ts';
import { exactMoment, facts, moment, table } from '../states.ts';
import { armsSentence } from './task-arms.ts';
import { hoursText, needsTable, pointsOf, realDayMs } from './trial-needs.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';

const count = (value: number): string => numberText(value, 0);

type Standing = TrialNow['standing'] | TrialNow['stages'][number]['standing'];
/** A sign and a word for each; none is told by colour. */
const standings: Readonly<Record<Standing, string>> = {
  starting: '… starting',
  running: '▶ running',
  held: '‖ on hold',
  paused: '‖ paused by a person',
  waitsForApproval: '◇ waits for an approval',
  returning: '← robots go back to the champion',
  passed: '✓ passed',
  coming: '○ to come',
};

/** The trial that runs, with the tasks that its last verdict proves worse (`harmed`): one state and why, how much better it is, what it waits for and until when, and its stages. */
export const trialNow = (
  now: TrialNow,
  tasks: TaskArmsAnswer | null,
  policy: string,
  harmed: readonly string[] = [],
): ComponentChild => {
  const { kind, candidateVersion, championVersion, standing, reason, atMs, dayMs } = now;
  return h('div', { class: 'run' }, [
    h(
      'h3',
      null,
      `${kind === 'abTest' ? 'A/B test' : 'Rollout'} of candidate ${candidateVersion} against champion ${championVersion}`,
    ),
    h('p', { class: 'headline' }, [
      h(
        'strong',
        null,
        `${standing === 'returning' && kind === 'abTest' ? '← over; its robots go back to the champion' : standings[standing]}${stagePlace(now)}. `,
      ),
      endedSentence(plainReason(reason)),
      atMs === null ? null : h('span', { class: 'hint' }, [' Said at ', exactMoment(atMs), '.']),
    ]),
    goesOn(now),
    facts([
      [
        'How much better',
        [
          measuredText(now),
          h(
            'a',
            { href: hrefOf('trial', { policy, id: now.trialId, stage: undefined }) },
            'By task and over time, below',
          ),
        ],
      ],
      ...looksFacts(now),
      ['Started', moment(now.startedMs)],
    ]),
    figuresBeside(tasks),
    dayMs === realDayMs
      ? null
      : h(
          'p',
          { class: 'hint' },
          `This installation runs compressed time: one fleet day lasts ${spanText(dayMs)} here. Fleet hours of stages and verdicts are counted on that clock; times of day are real.`,
        ),
    needsTable(now),
    stagesTable(now, policy),
    evidenceTable(now, harmed),
  ]);
};

/** A reason that is no sentence of its own becomes one. */
const endedSentence = (reason: string): string => (reason.endsWith('.') ? reason : `${reason}.`);

function stagePlace({ kind, stages }: TrialNow): string {
  const at = stages.findIndex((stage) => stage.standing !== 'passed');
  const stage = stages[at];
  return kind === 'abTest' || stage === undefined
    ? ''
    : `: stage ${at + 1} of ${stages.length}, ${count(stage.robots)} robots on the candidate`;
}

/** When it goes on at the present rate, or why nobody can say. */
function goesOn({ needs, readyAtMs, looks, standing }: TrialNow): ComponentChild {
  if (looks !== null) {
    if (looks.nextAtMs === null) return null;
    return h('p', null, [
      `It may decide at look ${looks.done + 1} of ${looks.planned}, due at about `,
      moment(looks.nextAtMs),
      '.',
    ]);
  }
  if (needs.length === 0) return null;
  const open = needs.filter(({ isMet }) => !isMet);
  if (open.length === 0)
    return h(
      'p',
      null,
      standing === 'held'
        ? 'Episodes, time and proof are there: it goes on when the reason above is gone.'
        : 'Episodes, time and proof are there: the next verdict may let it go on.',
    );
  return h('p', null, [
    h('strong', null, 'Goes on: '),
    readyAtMs === null
      ? 'at the present rate nobody can say when; the table says what is missing.'
      : ['at about ', moment(readyAtMs), ' at the present rate, if no alarm comes before.'],
  ]);
}

/** By the last verdict: the same figures as in its sentence and its course. */
function measuredText({ measured, candidateVersion: candidate, championVersion: champion }: TrialNow): ComponentChild {
  if (measured === null) return 'no verdict has compared them yet. ';
  return [
    'By the last verdict, as of ',
    exactMoment(measured.atMs),
    `: ${measuredWords(measured, { candidate, champion })}. `,
  ];
}

/** Facts are counted some time after an episode ended: whoever reads both is told which is of when. */
function figuresBeside(tasks: TaskArmsAnswer | null): ComponentChild {
  if (tasks === null || tasks.asOfMs === null || armsSentence(tasks) === null) return null;
  return h('p', { class: 'hint' }, [
    'Plain success by task stands below, as of ',
    exactMoment(tasks.asOfMs),
    ': counted later than verdicts are made, it may differ from them.',
  ]);
}

function looksFacts({ looks }: TrialNow): readonly (readonly [string, ComponentChildren])[] {
  if (looks === null) return [];
  const { last, done, planned } = looks;
  return [
    ['Looks', `${done} of ${planned}`],
    ...(last === null
      ? []
      : ([
          [
            'Last look',
            [
              `${effectWords(last)} with each robot against its own past, n ${count(last.candidateEpisodes)} and ${count(last.controlEpisodes)} episodes; ${numberText(last.information * 100, 0)} % of the planned evidence is there`,
              last.atMs === null ? null : [', as of ', exactMoment(last.atMs)],
            ],
          ],
        ] as const)),
  ];
}

function stagesTable({ stages, trialId, dayMs }: TrialNow, policy: string): ComponentChild {
  if (stages.length === 0) return null;
  const rows = stages.map((stage, index) => ({ ...stage, index }));
  return table(
    'Stages',
    [
      {
        head: 'Stage, and its course',
        cell: ({ index }) =>
          h(
            'a',
            { href: hrefOf('trial', { policy, id: trialId, stage: String(index) }) },
            `Stage ${index + 1} of ${stages.length}`,
          ),
      },
      { head: 'Is', cell: ({ standing }) => standings[standing] },
      { head: 'Robots on the candidate', isNumber: true, cell: ({ robots }) => count(robots) },
      {
        head: 'To pass',
        cell: ({ minimumHours, marginFraction, needsApproval }) =>
          [
            `${hoursText(minimumHours, dayMs)} without an alarm`,
            ...(marginFraction === null ? [] : [`least effect above ${pointsOf(-marginFraction)}`]),
            ...(needsApproval ? ['a person lets it begin'] : []),
          ].join('; '),
      },
      {
        head: 'Last verdict',
        cell: ({ verdict, marginFraction }) =>
          verdict === null
            ? 'none yet'
            : `least effect ${verdict.lowerBound > -1 ? pointsOf(verdict.lowerBound) : 'not known'}${marginFraction === null ? ' (no limit in this stage)' : ''}, n ${count(verdict.episodes)} episodes of ${count(verdict.robots)} robots`,
      },
    ],
    rows,
    ({ index }) => String(index),
  );
}

const metricNames = new Map([
  ['success', 'Success'],
  ['latency', 'Latency'],
  ['throughput', 'Episodes an hour'],
]);

const mostNamed = 5;

/** What the evidence comes to, in one line: harm in one task is enough, whatever all of them together say. */
function evidenceText({ evidence }: TrialNow, harmed: readonly string[]): string {
  const isAlarm = evidence.some(({ logEvidence, threshold }) => logEvidence >= threshold);
  const together = `over all tasks together: ${isAlarm ? 'an alarm' : 'no alarm'}`;
  if (harmed.length === 0) return `Evidence of harm ${together}`;
  const names = `${harmed.slice(0, mostNamed).join(', ')}${harmed.length > mostNamed ? ', …' : ''}`;
  return `Harm is proven in ${harmed.length === 1 ? 'a task' : `${harmed.length} tasks`} (${names}), which is enough to stop it. Evidence ${together}`;
}

function evidenceTable(now: TrialNow, harmed: readonly string[]): ComponentChild {
  const { evidence } = now;
  if (evidence.length === 0 && harmed.length === 0) return null;
  return h('details', null, [
    h('summary', null, evidenceText(now, harmed)),
    h(
      'p',
      { class: 'hint' },
      'This is of all tasks together. Each task is judged by itself, too, below: harm that is proven in one of them stops the trial, whatever stands here.',
    ),
    table(
      'By the last verdict; logarithms of how much likelier harm is than none. At the alarm limit all robots go back',
      [
        { head: 'In', cell: ({ metric }) => metricNames.get(metric) ?? metric },
        { head: 'Evidence of harm', isNumber: true, cell: ({ logEvidence }) => numberText(logEvidence, 2) },
        { head: 'Alarm at', isNumber: true, cell: ({ threshold }) => numberText(threshold, 2) },
        {
          head: 'Is',
          cell: ({ logEvidence, threshold }) => (logEvidence >= threshold ? '✗ alarm' : '✓ below'),
        },
      ],
      evidence,
      ({ metric }) => metric,
    ),
  ]);
}
