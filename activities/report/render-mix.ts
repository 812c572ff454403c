import { barChart } from './charts.ts';
import type { MixSection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { imagesText } from './render-cameras.ts';
import { count, facts, percent, table } from './report-parts.ts';

function learnedText({ learnedTasks, strata }: MixSection): string {
  if (learnedTasks === null) return 'all';
  const left = strata
    .filter(({ source, task }) => source === 'new' && !learnedTasks.includes(task))
    .reduce((sum, { availableFrames }) => sum + availableFrames, 0);
  return `only ${learnedTasks.join(', ')}; the others were replayed, ${count(left)} new frames of theirs left out`;
}

const favouredText = ({ labels, takenFrames, allFrames }: NonNullable<MixSection['favoured']>): string =>
  `${labels.join(', ')}: ${count(takenFrames)} of ${count(allFrames)} frames of the set`;

/** What the training set was mixed from, and what of it really entered. */
export const mixBody = (mix: MixSection): Html =>
  html`${facts([
    ['Frames', `${count(mix.newFrames)} new + ${count(mix.historyFrames)} history (target ${count(mix.targetFrames)})`],
    ['Learned tasks', learnedText(mix)],
    ['Effective size (Kish)', count(mix.effectiveFrames)],
    [
      'Corrections',
      `${percent(mix.correctionShareBeforeCap)} of the weight before the cap, ${percent(mix.correctionShareAfterCap)} after`,
    ],
    ...(mix.images === undefined ? [] : [['Images', imagesText(mix.images)] as const]),
    ...(mix.favoured === undefined
      ? []
      : [['Actions first that the champion missed most', favouredText(mix.favoured)] as const]),
    ...(mix.doubtful === undefined
      ? []
      : [
          [
            'Doubtful episodes',
            `${count(mix.doubtful.takenFrames)} frames weigh ${Number(mix.doubtful.weight.toPrecision(3))} of others, by ${mix.doubtful.by.join(', ')}`,
          ] as const,
        ]),
    ['Frames that need a label', count(mix.needsLabelFrames)],
    [
      'Failures added',
      mix.failuresValid === 0
        ? 'no failure episodes this cycle'
        : `${count(mix.failuresAdded)} of ${count(mix.failuresValid)} (${percent(mix.failuresAdded / mix.failuresValid)}); ` +
          `${count(mix.failuresWaiting)} wait for a label`,
    ],
  ])}
  ${mix.sources.length > 0 && sourcesBody(mix)} ${mix.bodies.length + mix.bodiesLeftOut.length > 0 && bodiesBody(mix)}
  ${barChart(
    mix.strata.map((stratum) => ({
      label: `${stratum.source} · ${stratum.task}`,
      value: stratum.takenFrames,
      note: `${count(stratum.takenFrames)} of ${count(stratum.availableFrames)} available`,
    })),
    (value) => `${count(value)} frames`,
  )}`;

const bodiesBody = ({ bodies, bodiesLeftOut }: MixSection): Html =>
  html`<h3>Bodies</h3>
    ${table(
      [
        'Body',
        'Episodes',
        'Frames taken',
        'Frames left out: an action that the policy’s body does not have',
        'Left out whole, because',
      ],
      [
        ...bodies.map(({ robotType, episodes, takenFrames, leftOutFrames }) => [
          robotType,
          count(episodes),
          count(takenFrames),
          count(leftOutFrames),
          '',
        ]),
        ...bodiesLeftOut.map(({ robotType, episodes, reason }) => [robotType, count(episodes), '', '', reason]),
      ],
    )}`;

function sourcesBody({ sources }: MixSection): Html {
  const sumOf = (value: (source: MixSection['sources'][number]) => number): number =>
    sources.reduce((sum, source) => sum + value(source), 0);
  const [weights, taken] = [sumOf(({ weight }) => weight), sumOf(({ takenFrames }) => takenFrames)];
  return html`<h3>Sources, by weight</h3>
    ${table(
      ['Source', 'Share asked for', 'Share taken', 'Frames', 'There are'],
      sources.map(({ name, weight, takenFrames, availableFrames }) => [
        name,
        percent(weight / weights),
        percent(taken === 0 ? null : takenFrames / taken),
        count(takenFrames),
        count(availableFrames),
      ]),
    )}`;
}
