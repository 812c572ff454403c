import { h, type ComponentChild } from 'preact';

import type { ModelAnswer, ModelRobotsAnswer, ModelsAnswer } from '../../console/answers/models.ts';
import type { EndedTrialsAnswer, TaskArmsAnswer } from '../../console/answers/trials.ts';
import { choiceField, filterForm } from '../form-fields.ts';
import { digestText, numberText, percentText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { damagedNote, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { championHistory, championTimes } from './champion-history.ts';
import { outcomeText } from './gates.ts';
import { metricCell } from './metrics.ts';
import { comparison, modelBody } from './model.ts';
import { taskArms } from './task-arms.ts';

type Query = Readonly<Record<string, string>>;

export const modelsPath = ({ policy, before }: Query): string => apiPath('models', { policy, before });
export const modelPath = (policy: string, version: string): string =>
  apiPath(`models/${encodeURIComponent(version)}`, { policy });
export const modelRobotsPath = (policy: string, version: string): string =>
  apiPath(`models/${encodeURIComponent(version)}/robots`, { policy });

interface ModelsPage {
  readonly query: Query;
  readonly list: Reading<ModelsAnswer>;
  /** Of `query.version`. */
  readonly model: Reading<ModelAnswer>;
  readonly robots: Reading<ModelRobotsAnswer>;
  /** Of `query.other`. */
  readonly other: Reading<ModelAnswer>;
  /** Those that ended: what became of versions that were tried. */
  readonly trials: Reading<EndedTrialsAnswer>;
  /** Success by task of `query.version` beside `query.other`. */
  readonly tasks?: Reading<TaskArmsAnswer>;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** Versions and their gates; one of them with its data and robots, beside another one; who was champion when. */
export function modelsPage(page: ModelsPage): ComponentChild {
  const { query, list, model, robots, other, trials, tasks, nowMs, onFilter } = page;
  const { version, other: otherVersion } = query;
  const names = [...(list.data?.versions ?? [])].toReversed().map((one) => [one.version, one.version] as const);
  const choice = (name: string, label: string): ComponentChild =>
    choiceField({ name, label, options: [['', 'none'], ...names] }, query, onFilter);
  return h('div', null, [
    filterForm([choice('version', 'Version'), version === undefined ? null : choice('other', 'Compared with')]),
    version === undefined
      ? null
      : h('section', { 'aria-labelledby': 'version' }, [
          h('h2', { id: 'version' }, otherVersion === undefined ? version : `${version} and ${otherVersion}`),
          [version, otherVersion].map((one) =>
            one === undefined
              ? null
              : h('div', { key: one }, cameOfIt(list.data, trials.data, query['policy'] ?? '', one)),
          ),
          shownOf(model, nowMs, `version ${version}`, (data) =>
            otherVersion === undefined
              ? modelBody(data)
              : [
                  h('h3', null, `How much better is ${version} than ${otherVersion}, task by task`),
                  tasks === undefined ? null : taskArms(tasks, nowMs, 'success by task'),
                  shownOf(other, nowMs, `version ${otherVersion}`, (second) => comparison(data, second)),
                ],
          ),
          h('h3', null, `Robots that ran ${version}`),
          shownOf(robots, nowMs, `who ran ${version}`, (data) => robotsBody(data, query)),
        ]),
    h('section', { 'aria-labelledby': 'versions' }, [
      h('h2', { id: 'versions' }, 'Versions'),
      shownOf(list, nowMs, 'the versions', (data) => [versionsBody(data, query, trials.data), championHistory(data)]),
    ]),
  ]);
}

/** What came of a version: when it was champion and who put it there or took it back, and how its trial ended. */
const cameOfIt = (
  list: ModelsAnswer | null,
  trials: EndedTrialsAnswer | null,
  policy: string,
  version: string,
): ComponentChild => [list === null ? null : championTimes(list, version), trialOutcome(trials, policy, version)];

/** How the last trial of a version ended and why, with the way to the trial that said so. */
function trialOutcome(trials: EndedTrialsAnswer | null, policy: string, version: string): ComponentChild {
  if (trials === null) return 'not known now';
  const last = trials.items.findLast(({ candidateVersion }) => candidateVersion === version);
  if (last === undefined) return 'no trial of it has ended lately';
  const stage = last.stage === null ? undefined : String(last.stage);
  return [last.sentence, ' ', h('a', { href: hrefOf('trial', { policy, id: last.trialId, stage }) }, 'Its trial')];
}

function versionsBody(data: ModelsAnswer, query: Query, trials: EndedTrialsAnswer | null): ComponentChild {
  const { versions, aliases, total, next, damaged } = data;
  const names = (version: string): string =>
    Object.entries(aliases)
      .filter(([, of]) => of === version)
      .map(([name]) => name)
      .join(', ');
  const { policy, before } = query;
  return h('div', null, [
    damagedNote(damaged),
    total === 0
      ? stateBox('empty', 'No version is registered yet. Registering a baseline model makes the first one.')
      : versions.length === 0
        ? stateBox('noData', 'None of these versions can be read. Nothing follows from this.')
        : table(
            `${versions.length} of ${total} versions, newest first`,
            [
              {
                head: 'Version',
                cell: ({ version }) => h('a', { href: hrefOf('models', { policy, version }) }, version),
              },
              { head: 'Is now', cell: ({ version }) => names(version) || 'no alias' },
              {
                head: 'What came of it, and why',
                cell: ({ version }) => cameOfIt(data, trials, policy ?? '', version),
              },
              { head: 'Registered', cell: ({ registeredAtMs }) => moment(registeredAtMs) },
              { head: 'Made from', cell: ({ parents }) => parents.join(', ') || 'nothing before it' },
              { head: 'Gates', cell: ({ gates }) => gateCounts(gates) },
              {
                head: 'Trained',
                cell: ({ trainingSetDigest }) =>
                  trainingSetDigest === null ? 'not here' : digestText(trainingSetDigest),
              },
            ],
            versions.toReversed(),
            ({ version }) => version,
          ),
    h('p', { class: 'pages' }, [
      before === undefined ? null : h('a', { href: hrefOf('models', { ...query, before: undefined }) }, 'Newest'),
      next === null ? null : h('a', { href: hrefOf('models', { ...query, before: next }) }, 'Older versions'),
    ]),
  ]);
}

function gateCounts(gates: readonly { readonly outcome: string }[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of gates) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${count} ${outcomeText(outcome)}`).join(', ') || 'none';
}

const count = (value: number): string => numberText(value, 0);

function robotsBody(data: ModelRobotsAnswer, { policy }: Query): ComponentChild {
  const { state, robots, total, from, to, asOfMs, success } = data;
  const days = h('p', null, [
    `By counted episodes of the UTC days from ${from} up to ${to}.`,
    asOfMs === null ? null : [' Facts as of ', moment(asOfMs), '.'],
  ]);
  if (state === 'noFacts')
    return stateBox(
      'noData',
      'Nobody makes facts from telemetry yet: who ran it is not known. Nothing follows from this.',
    );
  if (robots.length === 0)
    return h('div', null, [days, stateBox('empty', 'No robot reported a counted episode with it in this time.')]);
  return h('div', null, [
    days,
    facts([
      ['Robots', count(total)],
      ['Success', metricCell(success, 'fraction', null)],
    ]),
    table(
      robots.length < total
        ? `${robots.length} of ${total} robots, the most episodes first`
        : 'The most episodes first',
      [
        { head: 'Robot', cell: ({ robotId }) => h('a', { href: hrefOf('robot', { policy, id: robotId }) }, robotId) },
        { head: 'First day', cell: ({ firstDay }) => firstDay },
        { head: 'Last day', cell: ({ lastDay }) => lastDay },
        { head: 'Episodes', isNumber: true, cell: ({ episodes }) => count(episodes) },
        {
          head: 'Succeeded',
          isNumber: true,
          cell: ({ successes, episodes }) => `${count(successes)}, ${percentText(successes / Math.max(1, episodes))}`,
        },
      ],
      robots,
      ({ robotId }) => robotId,
    ),
  ]);
}
