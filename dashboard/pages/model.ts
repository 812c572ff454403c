import { h, type ComponentChild } from 'preact';

import type { ModelAnswer } from '../../console/answers/models.ts';
import { digestText, numberText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, facts, moment, stateBox, table } from '../states.ts';
import { gatesTable, outcomeText } from './gates.ts';
import { trialLink } from './version-links.ts';

const count = (value: number): string => numberText(value, 0);
const fraction = (value: number | null): string => (value === null ? 'not measured' : numberText(value, 6));

const notKept = ({ training }: ModelAnswer): string => (training === null ? 'not trained here' : 'not kept any more');

/** On what it was trained, in one sentence; null: it was not trained here. */
function trainedOn({ training, set, learned, collected }: ModelAnswer): string | null {
  if (training === null) return null;
  const days =
    learned?.firstDay == null
      ? ''
      : learned.firstDay === learned.lastDay
        ? `, recorded on ${learned.firstDay}`
        : `, recorded from ${learned.firstDay} to ${learned.lastDay ?? ''}`;
  const fresh =
    learned !== null
      ? `${count(learned.episodes)} new episodes of ${count(learned.robots)} robots${days} (UTC)`
      : collected !== null
        ? `what its cycle collected, ${count(collected.episodes)} new episodes of ${count(collected.robotsTotal)} robots, without those held out for measuring`
        : 'new episodes that cannot be counted any more';
  const tasks = new Set(set?.strata.map(({ task }) => task)).size;
  const frames =
    set === null
      ? ''
      : `: ${count(set.newFrames)} frames of them, and ${count(set.historyFrames)} frames of earlier cycles, in ${count(tasks)} task${tasks === 1 ? '' : 's'}`;
  return `${fresh}${frames}.`;
}

/** Names with what they are, for one version and for two. */
function factsOf(model: ModelAnswer): readonly (readonly [name: string, text: string])[] {
  const { training, set, collected } = model;
  return [
    ['Robot type', model.robotType],
    ['Contract', model.contract === 1 ? '1, readings alone' : '2, it sees'],
    ['Cameras', model.cameras.join('; ') || 'none'],
    ['Made from', model.parents.join(', ') || 'nothing before it'],
    ['Code build', model.codeBuild],
    ['Model, sha256', model.modelSha256 === null ? 'not told' : digestText(model.modelSha256)],
    ...(model.submitted === null ? [] : [['Handed in', `${model.submitted.who}: ${model.submitted.why}`] as const]),
    ['Cycle', training?.cycleId ?? 'not trained here'],
    [
      'Dataset version',
      training === null
        ? 'none'
        : `episodes ${training.datasetVersion.episodes}, frames ${training.datasetVersion.frames}`,
    ],
    ['Training set', training === null ? 'none' : digestText(training.trainingSetDigest)],
    ['Learned tasks', training === null ? 'none' : (training.tasks?.join(', ') ?? 'all')],
    [
      'Frames in the set',
      set === null ? notKept(model) : `${count(set.newFrames)} new, ${count(set.historyFrames)} from history`,
    ],
    [
      'Failures of its cycle',
      set === null
        ? notKept(model)
        : `${count(set.failures.added)} of ${count(set.failures.valid)} added, ${count(set.failures.waiting)} wait for a label`,
    ],
    [
      'New episodes',
      collected === null ? notKept(model) : `${count(collected.episodes)} of ${count(collected.robotsTotal)} robots`,
    ],
    ['Seed', training === null ? 'none' : String(training.seed)],
    ...model.metrics.map(({ name, value }) => [`Metric ${name}`, fraction(value)] as const),
    ...(training?.hyperparameters ?? []).map(({ name, value }) => [`Parameter ${name}`, value] as const),
  ];
}

/** One version: how it was made, its gates, its data, and the robots that brought it. */
export function modelBody(model: ModelAnswer): ComponentChild {
  const { policy, training, set } = model;
  return h('div', null, [
    damagedNote(model.damaged),
    training === null
      ? h('p', null, 'It was not trained here: it was handed in, or something to start from.')
      : h('p', null, [
          h('strong', null, 'Trained on '),
          `${trainedOn(model) ?? ''} `,
          h('a', { href: hrefOf('cycle', { policy, id: training.cycleId }) }, 'The cycle that made it'),
        ]),
    learnedRobots(model),
    facts([['Registered', moment(model.registeredAtMs)]]),
    h('p', null, trialLink(policy, model.version)),
    h('h3', null, 'Data it learned from'),
    set === null
      ? stateBox(
          'noData',
          training === null
            ? 'It was not trained here, so there is no training set.'
            : 'Its training set is not kept any more. Nothing follows from this.',
        )
      : table(
          set.strata.length < set.strataTotal
            ? `The first ${set.strata.length} of ${set.strataTotal}`
            : 'By source and task',
          [
            { head: 'Task', cell: ({ task }) => task },
            { head: 'From', cell: ({ source }) => source },
            { head: 'Frames taken', isNumber: true, cell: ({ takenFrames }) => count(takenFrames) },
            { head: 'Frames there were', isNumber: true, cell: ({ availableFrames }) => count(availableFrames) },
          ],
          set.strata,
          ({ source, task }) => `${source} ${task}`,
        ),
    h('h3', null, 'Robots whose new episodes its cycle collected'),
    h(
      'p',
      { class: 'hint' },
      'More than it learned from: episodes of some robots and days are held out for measuring.',
    ),
    collectedBody(model),
    h('h3', null, 'Gates'),
    gatesTable(model.gates),
    h('details', null, [h('summary', null, 'Digests, parameters and all other facts'), facts(factsOf(model))]),
  ]);
}

/** Which robots they were, for who asks. */
function learnedRobots({ learned, policy }: ModelAnswer): ComponentChild {
  if (learned === null || learned.robotIds.length === 0) return null;
  const { robotIds, robots } = learned;
  const left = robots - robotIds.length;
  return h('details', null, [
    h('summary', null, `Which ${count(robots)} robots these new episodes are of`),
    h('p', null, [
      robotIds.flatMap((id, index) => [
        index === 0 ? '' : ', ',
        h('a', { key: id, href: hrefOf('robot', { policy, id }) }, id),
      ]),
      left > 0 ? ` and ${count(left)} more` : '',
    ]),
  ]);
}

function collectedBody({ collected, training, policy }: ModelAnswer): ComponentChild {
  return collected === null
    ? stateBox(
        'noData',
        training === null
          ? 'It was not trained here, so no cycle collected for it.'
          : 'What its cycle collected is not kept any more, or it was trained outside of a cycle. Nothing follows from this.',
      )
    : collected.robots.length === 0
      ? stateBox('empty', 'Its cycle collected from no robot.')
      : table(
          collected.robots.length < collected.robotsTotal
            ? `The first ${collected.robots.length} of ${collected.robotsTotal}, the most episodes first`
            : 'The most episodes first',
          [
            {
              head: 'Robot',
              cell: ({ robotId }) => h('a', { href: hrefOf('robot', { policy, id: robotId }) }, robotId),
            },
            { head: 'Episodes', isNumber: true, cell: ({ episodes }) => count(episodes) },
            { head: 'Frames', isNumber: true, cell: ({ frames }) => count(frames) },
            { head: 'Failures', isNumber: true, cell: ({ failures }) => count(failures) },
            { head: 'Refused episodes', isNumber: true, cell: ({ refused }) => count(refused) },
          ],
          collected.robots,
          ({ robotId }) => robotId,
        );
}

const gatesText = ({ gates }: ModelAnswer): readonly (readonly [string, string])[] =>
  gates.map(({ id, outcome, value, limit, sampleSize }) => [
    `Gate ${id}`,
    `${outcomeText(outcome)}, value ${fraction(value)}, limit ${limit === null ? 'none' : fraction(limit)}, n ${sampleSize === null ? 'not told' : count(sampleSize)}`,
  ]);

/** Facts and gates of two versions side by side; what differs is marked by a sign and a word. */
export function comparison(one: ModelAnswer, two: ModelAnswer): ComponentChild {
  const [left, right] = [one, two].map((model) => new Map([...factsOf(model), ...gatesText(model)]));
  const names = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])];
  const rows = names.map((name) => ({ name, a: left?.get(name) ?? 'none', b: right?.get(name) ?? 'none' }));
  return h('details', null, [
    h('summary', null, 'How they were made: data, gates, digests and parameters'),
    damagedNote([...one.damaged, ...two.damaged]),
    table(
      `${rows.filter(({ a, b }) => a !== b).length} of ${rows.length} facts differ`,
      [
        { head: 'Fact', cell: ({ name }) => name },
        { head: one.version, cell: ({ a }) => a },
        { head: two.version === one.version ? `${two.version}, again` : two.version, cell: ({ b }) => b },
        { head: 'Differs', cell: ({ a, b }) => (a === b ? 'same' : '≠ differs') },
      ],
      rows,
      ({ name }) => name,
    ),
  ]);
}
