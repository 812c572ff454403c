import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { RobotAnswer } from '../../console/answers/fleet.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { robotActs } from '../acts.ts';
import { wordsOf } from '../cause-words.ts';
import { numberText } from '../format.ts';
import { plainWord, whoText } from '../plain-words.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, exactMoment, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { versionLink } from './version-links.ts';

type Robot = RobotAnswer['robot'];

interface RobotPageProps {
  readonly reading: Reading<RobotAnswer>;
  readonly robotId: string;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** All about one robot. */
export const robotPage = ({ reading, robotId, nowMs, acting }: RobotPageProps): ComponentChild =>
  h(
    'div',
    null,
    shownOf(reading, nowMs, `robot ${robotId}`, ({ robot }) => body(robot, acting)),
  );

const body = (robot: Robot, { viewer, onAct }: Acting): ComponentChild =>
  h('div', null, [
    standing(robot),
    actBar(robotActs(robot, viewer), onAct),
    damagedNote(robot.damaged),
    section('Versions that it ran', robot.versions, 'It has not said yet what it runs.', () =>
      table(
        'What it ran from when until when, newest first; a version leads to what it was trained on',
        [
          { head: 'Version', cell: ({ version }) => ranVersion(robot.policy, version) },
          { head: 'From', cell: ({ atMs }) => exactMoment(atMs) },
          { head: 'Until', cell: ({ untilMs }) => (untilMs === null ? 'now' : exactMoment(untilMs)) },
          { head: 'How it came', cell: ({ outcome }) => toldOutcomes.get(outcome) ?? plainWord(outcome) },
        ],
        runsOf(robot.versions).toReversed(),
        ({ atMs, version }, index) => `${atMs} ${version} ${index}`,
      ),
    ),
    section('Incidents', robot.incidents, 'No incident of this robot is on record.', () =>
      table(
        'Incidents, newest first',
        [
          { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
          { head: 'State', cell: ({ state }) => state },
          { head: 'Cause', cell: ({ cause }) => wordsOf(cause).title },
          { head: 'Reason', cell: ({ reason }) => reason },
        ],
        robot.incidents.toReversed(),
        ({ atMs, cause }, index) => `${atMs} ${cause} ${index}`,
      ),
    ),
    section('Trials', robot.trials, 'It was in no trial.', () =>
      table(
        'Trials, newest first',
        [
          {
            head: 'Trial',
            cell: ({ trialId }) => h('a', { href: hrefOf('trial', { policy: robot.policy, id: trialId }) }, trialId),
          },
          { head: 'Version', cell: ({ version }) => version },
          { head: 'Since', cell: ({ sinceMs }) => moment(sinceMs) },
        ],
        robot.trials.toReversed(),
        ({ trialId, sinceMs }, index) => `${trialId} ${sinceMs} ${index}`,
      ),
    ),
    uploads(robot),
    section('Acts', robot.acts, 'Nobody has done anything to it.', () =>
      table(
        'Acts, newest first',
        [
          { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
          { head: 'Act', cell: ({ act }) => plainWord(act) },
          { head: 'Who', cell: ({ who }) => whoText(who) },
          { head: 'Why', cell: ({ why }) => why },
        ],
        robot.acts.toReversed(),
        ({ atMs, act }, index) => `${atMs} ${act} ${index}`,
      ),
    ),
  ]);

/** Each report says what the robot runs from then on. */
const runsOf = (versions: Robot['versions']) =>
  versions.map((one, index) => ({ ...one, untilMs: versions[index + 1]?.atMs ?? null }));

/** What reports say, in words. */
const toldOutcomes: ReadonlyMap<string, string> = new Map([
  ['installed', 'installed'],
  ['refused', 'it refused another one and kept this'],
  ['fellBack', 'it left another one by itself and fell back to this'],
]);

/** What an incident is about; its id begins with its cause. */
const titleOf = (incidentId: string): string => wordsOf(incidentId.split('.')[0] ?? incidentId).title;

const ranVersion = (policy: string, version: string): ComponentChild =>
  /^\d+\.\d+\.\d+$/.test(version) ? versionLink(policy, version, 'none') : version;

function section(title: string, list: readonly unknown[], empty: string, show: () => ComponentChild): ComponentChild {
  return h('section', null, [h('h2', null, title), list.length === 0 ? stateBox('empty', empty) : show()]);
}

type Images = NonNullable<NonNullable<Robot['now']>['images']>;

function standing(robot: Robot): ComponentChild {
  const { quarantine, now, clock, latency } = robot;
  const entries: (readonly [string, ComponentChildren])[] = [
    ['Standing', robot.standing],
    ['Contact', now === null ? 'none' : now.contact],
    ['Last seen', now?.lastSeenMs == null ? 'never' : moment(now.lastSeenMs)],
    ['Model', versionLink(robot.policy, now?.version, 'never said')],
    ['Site', robot.site],
    ['Stratum', robot.stratum],
    ['Policy', robot.policy],
    ['Robot type', robot.robotType],
    ['Tokens', robot.tokens],
    ['Clock', clock === null ? 'nothing heard in the last hour' : clockText(clock)],
    ['Latency', latency === null ? 'no episode in the last hour told one' : latencyText(latency)],
    ...(now?.images === undefined ? [] : [['Images', imagesText(now.images)] as const]),
    [
      'Open incidents',
      robot.openIncidents.length === 0
        ? 'none'
        : robot.openIncidents.map((id) => [
            h('a', { href: hrefOf('incidents', { policy: robot.policy, id }), key: id }, titleOf(id)),
            ' ',
          ]),
    ],
  ];
  return h('section', null, [
    h('h2', null, 'Now'),
    quarantine === null
      ? null
      : h('p', { class: 'quarantine' }, [
          h('strong', null, 'In quarantine '),
          'since ',
          moment(quarantine.sinceMs),
          ` by ${quarantine.who}: ${quarantine.why}`,
        ]),
    facts(entries),
  ]);
}

const clockText = ({ heardMs, skewMs, isTimeUnknown }: NonNullable<Robot['clock']>): ComponentChildren => [
  isTimeUnknown ? 'it does not know the time; heard ' : `${numberText(skewMs / 1_000)} s off; heard `,
  moment(heardMs),
];

const latencyText = ({ p50Ms, parts }: NonNullable<Robot['latency']>): string =>
  `${numberText(p50Ms)} ms a decision${parts === null ? '' : `: decoding ${numberText(parts.decodingP50Ms)} ms, policy ${numberText(parts.policyP50Ms)} ms`}`;

const imagesText = ({ waitingBytes, waitingClips, lost }: Images): string =>
  `${numberText(waitingBytes / 1e6)} MB and ${waitingClips} clips wait on the robot, ${lost} lost`;

const uploads = ({ uploads: of, drops }: Robot): ComponentChild =>
  h('section', null, [
    h('h2', null, 'Uploads and drops'),
    facts([
      ['Segments waiting', of.waiting],
      ['Collections looked at', of.collections],
      ['Episodes stored', of.episodesStored],
      ['Episodes refused', of.episodesRefused],
      ['Segments refused', of.segmentsRefused],
      ['Clips stored', of.clips],
      ['Clips unfinished', of.unfinishedClips],
    ]),
    drops === null
      ? stateBox('noData', 'No monitor watches what robots drop. Nothing follows from this.')
      : drops.length === 0
        ? stateBox('empty', 'It dropped nothing in the last seven fleet days.')
        : facts(drops.map(({ reason, count }) => [`Dropped: ${plainWord(reason)}`, count] as const)),
  ]);
