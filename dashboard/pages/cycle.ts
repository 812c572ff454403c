import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { CycleReportAnswer, EndedCyclesAnswer, RunningCycleAnswer } from '../../console/answers/cycles.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs } from '../acts.ts';
import { fieldOf, numberField, textField } from '../fields.ts';
import { numberText, percentText } from '../format.ts';
import { lineChart } from '../line-chart.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { gatesTable } from './gates.ts';

interface CyclePage {
  readonly policy: string;
  /** The cycle whose report is shown; undefined: none. */
  readonly cycleId: string | undefined;
  readonly now: Reading<RunningCycleAnswer>;
  readonly report: Reading<CycleReportAnswer>;
  readonly ended: Reading<EndedCyclesAnswer>;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** The cycle that runs, step by step; what one that ended collected, mixed, trained and was judged by; and the list of them. */
export const cyclePage = ({ policy, cycleId, now, report, ended, nowMs, acting }: CyclePage): ComponentChild =>
  h('div', null, [
    h('section', { 'aria-labelledby': 'now' }, [
      h('h2', { id: 'now' }, 'Now'),
      shownOf(now, nowMs, 'the cycle that runs', (data) => [
        data.cycle === null ? stateBox('empty', 'No cycle of this policy runs.') : runningCycle(data, data.cycle),
        actBar(
          fleetActs(policy, acting.viewer).filter(({ path }) => path === '/api/v1/cycles'),
          acting.onAct,
        ),
      ]),
    ]),
    h('section', { 'aria-labelledby': 'report' }, [
      h('h2', { id: 'report' }, cycleId === undefined ? 'Report' : `Report of ${cycleId}`),
      cycleId === undefined ? noReport(ended) : shownOf(report, nowMs, `the report of ${cycleId}`, reportBody),
    ]),
    h('section', { 'aria-labelledby': 'ended' }, [
      h('h2', { id: 'ended' }, 'Ended'),
      shownOf(ended, nowMs, 'cycles that ended', (data) => endedCycles(data, policy)),
    ]),
  ]);

/** The cycle to show: the one that was asked for, or the last that ended. */
export const cycleIdOf = (ended: EndedCyclesAnswer | null, asked: string | undefined): string | undefined =>
  asked ?? ended?.items.at(-1)?.cycleId;

function noReport({ data, problem }: Reading<EndedCyclesAnswer>): ComponentChild {
  if (data !== null) return stateBox('empty', 'No cycle has ended yet, so there is no report.');
  if (problem === null) return stateBox('loading', 'Asking which cycle ended last …');
  return stateBox('noData', 'Which cycle ended last is not known now.');
}

const stages = ['collecting', 'training', 'offering', 'reporting'] as const;
const stepNames: Readonly<Record<(typeof stages)[number], string>> = {
  collecting: 'Collect and check data',
  training: 'Mix, train and judge',
  offering: 'Offer the candidate',
  reporting: 'Write the report',
};

const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not told' : numberText(value, 0);

function runningCycle(
  { collection, training }: RunningCycleAnswer,
  { run, startedMs, status, workflowId }: NonNullable<RunningCycleAnswer['cycle']>,
): ComponentChild {
  const stage = textField(status, 'stage') ?? '';
  const at = stages.findIndex((name) => name === stage);
  const stateOf = (index: number): string => {
    if (stage === 'ended' || index < at) return '✓ done';
    return index === at ? '▶ runs now' : '◌ to come';
  };
  return h('div', null, [
    status === null ? stateBox('noData', 'No worker answers for it: how far it is, is not known now.') : null,
    facts([
      ['Workflow', `${workflowId}, ${run.toLowerCase()}`],
      ['Started', moment(startedMs)],
      ['Cause', textField(status, 'cause') ?? 'not told'],
      ['Champion at the start', textField(status, 'championVersion') ?? 'none'],
    ]),
    status === null
      ? null
      : table(
          'Steps',
          [
            { head: 'Step', cell: ({ name }) => stepNames[name] },
            { head: 'State', cell: ({ index }) => stateOf(index) },
            { head: 'How far', cell: ({ name }) => howFar(name, status, { collection, training }) },
          ],
          stages.map((name, index) => ({ name, index })),
          ({ name }) => name,
        ),
  ]);
}

function howFar(
  name: (typeof stages)[number],
  status: unknown,
  { collection, training }: Pick<RunningCycleAnswer, 'collection' | 'training'>,
): string {
  if (name === 'collecting') {
    const told = fieldOf(status, 'collection') ?? collection?.status;
    if (told === undefined || told === null) return '';
    const batches = numberField(told, 'batches');
    const done = batches === undefined ? '' : `batch ${count(numberField(told, 'batchesDone'))} of ${count(batches)}; `;
    return `${done}${count(numberField(told, 'episodesStored'))} episodes stored, ${count(numberField(told, 'quarantinedEpisodes'))} refused. ${textField(told, 'reason') ?? ''}`;
  }
  if (name === 'training') {
    const result = fieldOf(status, 'training');
    if (result !== undefined)
      return `${textField(result, 'outcome') ?? 'done'}, ${count(numberField(result, 'trainRows'))} rows`;
    const told = training?.status;
    if (told === undefined || told === null) return '';
    const loss = numberField(told, 'validationLoss');
    return [
      textField(told, 'stage') ?? 'not told',
      `${count(numberField(told, 'trainRows'))} rows`,
      ...(loss === undefined ? [] : [`validation loss ${numberText(loss, 4)}`]),
    ].join(', ');
  }
  return name === 'offering'
    ? (textField(status, 'training', 'candidateVersion') ?? '')
    : (textField(status, 'outcome') ?? '');
}

function reportBody(report: CycleReportAnswer): ComponentChild {
  const { policy, candidateVersion: candidate } = report;
  return h('div', null, [
    facts([
      ['Outcome', `${report.outcome}: ${report.reason}`],
      ['Cause', report.cause],
      ['Ended', moment(report.writtenAtMs)],
      ['Champion at the start', report.championVersion ?? 'none'],
      [
        'Candidate',
        candidate === null ? 'none' : h('a', { href: hrefOf('models', { policy, version: candidate }) }, candidate),
      ],
    ]),
    part('Data quality', report.collection, qualityBody),
    part('Mix', report.mix, mixBody),
    part('Training', report.training, trainingBody),
    part('Gates', report.evaluation, judgedBody),
  ]);
}

const part = <T>(title: string, content: T | null, body: (content: T) => ComponentChildren): ComponentChild =>
  h('section', { key: title }, [
    h('h3', null, title),
    content === null ? stateBox('empty', 'The cycle ended before this step.') : body(content),
  ]);

type Part<Name extends 'collection' | 'mix' | 'training' | 'evaluation'> = NonNullable<CycleReportAnswer[Name]>;

const qualityBody = (data: Part<'collection'>): ComponentChildren => {
  const refusing = data.rules.filter(({ refused }) => refused > 0).toSorted((a, b) => b.refused - a.refused);
  const left = data.robotsLeftOut.join(', ');
  return [
    facts([
      ['Verdict', data.verdict],
      ['Stored', `${count(data.episodesStored)} episodes, ${count(data.framesStored)} frames`],
      ['Failures among them', count(data.failuresStored)],
      ['Already stored', count(data.alreadyStored)],
      ['Quarantined', `${count(data.quarantinedEpisodes)} episodes, ${count(data.quarantinedSegments)} whole segments`],
      ['Robots left out', data.robotsLeftOutTotal === 0 ? 'none' : `${data.robotsLeftOutTotal}: ${left}`],
    ]),
    refusing.length === 0
      ? h('p', null, `None of ${data.rules.length} rules refused anything.`)
      : table(
          `${refusing.length} of ${data.rules.length} rules refused something, the most first`,
          [
            { head: 'Rule', cell: ({ id }) => id },
            { head: 'What it asks', cell: ({ doc }) => doc },
            { head: 'Refused', isNumber: true, cell: ({ refused }) => count(refused) },
          ],
          refusing,
          ({ id }) => id,
        ),
  ];
};

const mixBody = (mix: Part<'mix'>): ComponentChildren => [
  facts([
    [
      'Frames',
      `${count(mix.newFrames)} new, ${count(mix.historyFrames)} from history; target ${count(mix.targetFrames)}`,
    ],
    ['Effective size (Kish)', count(mix.effectiveFrames)],
    ['Frames that need a label', count(mix.needsLabelFrames)],
    [
      'Failures added',
      `${count(mix.failuresAdded)} of ${count(mix.failuresValid)}; ${count(mix.failuresWaiting)} wait for a label`,
    ],
  ]),
  table(
    mix.strata.length < mix.strataTotal ? `The first ${mix.strata.length} of ${mix.strataTotal}` : 'By source and task',
    [
      { head: 'Task', cell: ({ task }) => task },
      { head: 'From', cell: ({ source }) => source },
      { head: 'Frames taken', isNumber: true, cell: ({ takenFrames }) => count(takenFrames) },
      { head: 'Frames there were', isNumber: true, cell: ({ availableFrames }) => count(availableFrames) },
    ],
    mix.strata,
    ({ source, task }, index) => `${source} ${task} ${index}`,
  ),
];

const loss = (value: number | null): string => (value === null ? 'none' : numberText(value, 5));

const trainingBody = ({ curve, curveTotal, seed, steps, warmStart }: Part<'training'>): ComponentChildren => [
  facts([
    ['Steps', count(steps)],
    ['Start', warmStart ?? 'fresh'],
    ['Seed', seed === null ? 'not told' : String(seed)],
    [
      'Points of the curve',
      curve.length === curveTotal ? count(curveTotal) : `${count(curveTotal)}, of which ${curve.length} are shown`,
    ],
  ]),
  curve.length === 0
    ? stateBox('noData', 'The trainer told no losses. Nothing follows from this.')
    : h('div', null, [
        lineChart(
          [
            { name: 'training loss', points: curve.map(({ step, trainLoss }) => ({ x: step, y: trainLoss })) },
            {
              name: 'validation loss',
              points: curve.map(({ step, validationLoss }) => ({ x: step, y: validationLoss })),
            },
          ],
          {
            label: `Losses over ${curve.length} points; the last validation loss is ${loss(curve.at(-1)?.validationLoss ?? null)}`,
            xText: (step) => `step ${numberText(step, 0)}`,
          },
        ),
        h('details', null, [
          h('summary', null, 'The same as a table'),
          table(
            'Last step first',
            [
              { head: 'Step', cell: ({ step }) => count(step) },
              { head: 'Training loss', isNumber: true, cell: ({ trainLoss }) => loss(trainLoss) },
              { head: 'Validation loss', isNumber: true, cell: ({ validationLoss }) => loss(validationLoss) },
            ],
            curve.toReversed(),
            ({ step }, index) => `${step} ${index}`,
          ),
        ]),
      ]),
];

const fraction = (value: number | null): string => (value === null ? 'not measured' : percentText(value));

const judgedBody = (data: Part<'evaluation'>): ComponentChildren => [
  facts([
    ['Agreement on held-out frames', fraction(data.accuracyFraction)],
    ['The champion’s', fraction(data.championFraction)],
    ['Always the commonest label', fraction(data.majorityFraction)],
    ['A linear model', fraction(data.linearFraction)],
    ['Judged on', `${count(data.frames)} frames of ${count(data.episodes)} episodes`],
  ]),
  gatesTable(data.gates),
];

const endedCycles = ({ items, damaged }: EndedCyclesAnswer, policy: string): ComponentChild =>
  h('div', null, [
    damagedNote(damaged),
    items.length > 0
      ? table(
          'Newest first',
          [
            {
              head: 'Cycle',
              cell: ({ cycleId }) => h('a', { href: hrefOf('cycle', { policy, id: cycleId }) }, cycleId),
            },
            { head: 'Outcome', cell: ({ outcome }) => outcome },
            { head: 'Candidate', cell: ({ candidateVersion }) => candidateVersion ?? 'none' },
            { head: 'Reason', cell: ({ reason }) => reason },
            { head: 'Ended', cell: ({ writtenAtMs }) => moment(writtenAtMs) },
          ],
          items.toReversed(),
          ({ cycleId }) => cycleId,
        )
      : damaged.length === 0
        ? stateBox('empty', 'No cycle has ended yet.')
        : stateBox('noData', 'The reports cannot be read. Nothing follows from this.'),
  ]);
