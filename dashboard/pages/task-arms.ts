import { h, type ComponentChild } from 'preact';

import type { TaskArmsAnswer } from '../../console/answers/trials.ts';
import { numberText, percentText, pointsText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath } from '../route.ts';
import { readEffect } from '../../domain/words/effect-words.ts';
import { damagedNote, exactMoment, shownOf, stateBox, table } from '../states.ts';

export const trialTasksPath = (policy: string, trialId: string): string =>
  apiPath(`trials/${encodeURIComponent(trialId)}/tasks`, { policy });
export const versionTasksPath = (policy: string, version: string, other: string): string =>
  apiPath(`models/${encodeURIComponent(version)}/tasks`, { policy, other });

type Arms = TaskArmsAnswer['all'];
type Metric = Arms['difference'];

const successText = ({ success, robots }: Arms['champion']): string =>
  success.kind === 'value'
    ? `${percentText(success.value)}, n ${numberText(success.n, 0)} of ${numberText(robots, 0)} robots`
    : 'no episode';

const points = (of: number): string => pointsText(of).replace(' pp', '');

/** A difference with its interval: `+66.5 points [+56.2 to +76.7]`. */
function differenceText(difference: Metric): string {
  if (difference.kind !== 'value') return 'not known';
  const { value, low, high } = difference;
  const interval = low === null || high === null ? '' : ` [${points(low)} to ${points(high)}]`;
  return `${points(value)} points${interval}`;
}

/** Higher, lower or neither, by the interval: said in words and by a sign. What was seen is no verdict, so it is not called better or worse. */
function verdictText(difference: Metric): string {
  if (difference.kind !== 'value') return '? too little data';
  const { value: delta, low, high } = difference;
  switch (readEffect({ delta, low, high })) {
    case 'better':
      return '▲ higher';
    case 'worse':
      return '▼ lower';
    case 'undecided':
      return '= no clear difference';
    case 'unknown':
      return '? too little data';
  }
}

/** Success of both in one sentence: `success 33 % → 99 %: +66.5 points [+56.2 to +76.7], n 300 and 290 episodes`. */
export function armsSentence({ all }: TaskArmsAnswer): string | null {
  const { champion, candidate, difference } = all;
  if (champion.success.kind !== 'value' || candidate.success.kind !== 'value') return null;
  const n = `n ${numberText(champion.success.n, 0)} and ${numberText(candidate.success.n, 0)} episodes`;
  return `Success ${percentText(champion.success.value)} → ${percentText(candidate.success.value)}: ${differenceText(difference)}, ${n}`;
}

/** How much better one version is than another, task by task. */
export const taskArms = (reading: Reading<TaskArmsAnswer>, nowMs: number, what: string): ComponentChild =>
  shownOf(reading, nowMs, what, body);

function body(data: TaskArmsAnswer): ComponentChild {
  const { championVersion, candidateVersion, trialId, state, asOfMs, tasks, total, all, damaged, from, to } = data;
  if (state === 'noFacts')
    return stateBox('noData', 'Nobody makes facts from telemetry yet: how well they do is not known.');
  const sentence = armsSentence(data);
  const ofWhat =
    trialId === null
      ? `By all episodes of both from ${from} until before ${to} (UTC). They may have run at different times and on different robots.`
      : 'By episodes that robots of both arms ran at the same time, in the trial.';
  const rows = [{ task: 'All tasks', ...all }, ...tasks];
  return h('div', null, [
    damagedNote(damaged),
    sentence === null
      ? stateBox('noData', `There are no episodes of both ${championVersion} and ${candidateVersion} to compare yet.`)
      : h('p', { class: 'headline' }, h('strong', null, `${sentence}.`)),
    h('p', null, [
      ofWhat,
      asOfMs === null ? null : [' Facts as of ', exactMoment(asOfMs), ': episodes that ended since are not in it yet.'],
    ]),
    state === 'empty'
      ? null
      : table(
          tasks.length < total
            ? `Success by task, the ${tasks.length} of ${total} tasks with the most episodes; 95 % intervals`
            : 'Success by task; 95 % intervals',
          [
            { head: 'Task', cell: ({ task }) => task },
            { head: `${championVersion} (before)`, isNumber: true, cell: ({ champion }) => successText(champion) },
            { head: `${candidateVersion} (new)`, isNumber: true, cell: ({ candidate }) => successText(candidate) },
            { head: 'Difference', isNumber: true, cell: ({ difference }) => differenceText(difference) },
            { head: 'Success of the new one was', cell: ({ difference }) => verdictText(difference) },
          ],
          rows,
          ({ task }, index) => `${index} ${task}`,
        ),
    h(
      'p',
      { class: 'hint' },
      'These are plain success fractions, and no verdict. A verdict is newer, compares at the same time, and takes each robot’s own past into account, so its figures differ a little.',
    ),
  ]);
}
