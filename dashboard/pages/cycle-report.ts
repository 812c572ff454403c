import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { CycleReportAnswer } from '../../console/answers/cycles.ts';
import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { numberText, percentText } from '../format.ts';
import { lineChart } from '../line-chart.ts';
import { facts, moment, stateBox, table } from '../states.ts';
import { cameOfIt, cycleOutcome } from './cycle-outcome.ts';
import { sinceSection } from './cycle-since.ts';
import { gatesTable } from './gates.ts';
import { trialLink, versionLink } from './version-links.ts';

const count = (value: number | null): string => (value === null ? 'not told' : numberText(value, 0));

/** What a cycle that ended collected, mixed, trained and was judged by. */
export function reportBody(report: CycleReportAnswer, trials: EndedTrialsAnswer['items'] = []): ComponentChild {
  const { policy, candidateVersion: candidate } = report;
  return h('div', null, [
    facts([
      ['Outcome', cycleOutcome(report.outcome)],
      ['What came of it', [cameOfIt(report, trials, policy), heldBy(report)]],
      ['Cause', report.cause],
      ['Ended', moment(report.writtenAtMs)],
      ['Champion at the start', versionLink(policy, report.championVersion, 'none')],
      ['Candidate', versionLink(policy, candidate, 'none')],
    ]),
    candidate === null ? null : h('p', null, trialLink(policy, candidate)),
    sinceSection(report),
    part('Data quality', report.collection, qualityBody),
    part('Mix', report.mix, mixBody),
    part('Training', report.training, trainingBody),
    part('Gates', report.evaluation, judgedBody),
  ]);
}

/** Gates that held the model back, each with value, limit and sample size. */
function heldBy({ evaluation }: CycleReportAnswer): ComponentChild | null {
  const failed = (evaluation?.gates ?? []).filter(({ outcome }) => outcome === 'fail');
  if (failed.length === 0) return null;
  return h(
    'ul',
    null,
    failed.map(({ id, sentence, value, limit, unit, sampleSize }) =>
      h(
        'li',
        { key: id },
        `${id}: ${sentence ?? 'failed'} (${[
          `value ${value === null ? 'not measured' : numberText(value, 4)}`,
          `limit ${limit === null ? 'none' : numberText(limit, 4)}${unit === null ? '' : ` ${unit}`}`,
          `n ${count(sampleSize)}`,
        ].join(', ')})`,
      ),
    ),
  );
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
              // It is measured now and then: the line leads from one to the next.
              points: curve.flatMap(({ step, validationLoss }) =>
                validationLoss === null ? [] : [{ x: step, y: validationLoss }],
              ),
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
  data.tasks.length === 0
    ? null
    : table(
        `Agreement by task, the worst first: ${data.tasks.length} of ${data.tasksTotal}`,
        [
          { head: 'Task', cell: ({ task }) => task },
          { head: 'Agreement', isNumber: true, cell: ({ agreementFraction }) => fraction(agreementFraction) },
          { head: 'Episodes', isNumber: true, cell: ({ episodes }) => count(episodes) },
          { head: 'Frames', isNumber: true, cell: ({ frames }) => count(frames) },
        ],
        data.tasks,
        ({ task }, index) => `${task} ${index}`,
      ),
];
