import { h, type ComponentChild } from 'preact';

import type { RunningCycleAnswer } from '../../console/answers/cycles.ts';
import type { FleetAnswer, FleetSuccessAnswer } from '../../console/answers/fleet.ts';
import type { EndedTrialsAnswer, StandingAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs, undoActs, withRunning } from '../acts.ts';
import type { Attention } from '../attention.ts';
import { spanText } from '../format.ts';
import { freezeActs, standingNote } from '../freeze.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { damagedNote, facts, shownOf, stateBox, tableOf } from '../states.ts';
import { fleetSuccess } from './fleet-success.ts';
import { robotHeads, RobotItems, robotStates } from './robot-rows.ts';
import { runsNow } from './runs-now.ts';

export type FleetQuery = Readonly<Record<string, string>>;

const pageSize = '500';

/** What to ask for what a viewer filters by. */
export function fleetPath({ policy, state, site, version, search, after }: FleetQuery): string {
  const isQuarantined = state === 'quarantined';
  return apiPath('fleet', {
    policy,
    limit: pageSize,
    contact: isQuarantined ? undefined : state,
    quarantined: isQuarantined ? 'true' : undefined,
    site,
    version,
    search: search?.trim().slice(0, 63),
    after,
  });
}

interface FleetPage {
  readonly reading: Reading<FleetAnswer>;
  readonly attention: Attention;
  readonly standing: Reading<StandingAnswer>;
  /** What is tried now, and what was tried lately. */
  readonly trial: Reading<TrialAnswer>;
  readonly ended: Reading<EndedTrialsAnswer>;
  readonly cycle: Reading<RunningCycleAnswer>;
  readonly success: Reading<FleetSuccessAnswer>;
  readonly query: FleetQuery;
  readonly nowMs: number;
  readonly onFilter: (change: FleetQuery) => void;
  readonly acting: Acting;
}

/** Robots by state, model and site, and above them what needs a person now. */
export const fleetPage = ({
  reading,
  attention,
  standing,
  trial,
  ended,
  cycle,
  success,
  query,
  nowMs,
  onFilter,
  acting,
}: FleetPage): ComponentChild =>
  h('div', null, [
    attentionBox(attention, query['policy'] ?? '', nowMs),
    standingNote(standing, nowMs),
    runsNow(
      {
        trial: trial.data,
        ended: ended.data,
        order: standing.data?.order ?? null,
        cycle: cycle.data,
        unread: [
          ...(trial.problem === null ? [] : ['what is on trial']),
          ...(ended.problem === null ? [] : ['how the last trial ended']),
          ...(standing.problem === null ? [] : ['who follows the last order']),
          ...(cycle.problem === null ? [] : ['whether a cycle runs']),
        ],
      },
      { policy: query['policy'] ?? '', nowMs },
    ),
    // Not for a fleet that is not there, or not the viewer's.
    reading.data === null
      ? null
      : actBar(
          [
            ...undoActs(query['policy'] ?? '', acting.viewer, standing.data?.undo, nowMs),
            ...fleetActs(query['policy'] ?? '', acting.viewer, standing.data).map((act) =>
              withRunning(act, cycle.data),
            ),
            ...freezeActs(query['policy'] ?? '', standing.data?.freeze ?? null, acting.viewer),
          ],
          acting.onAct,
        ),
    reading.data === null ? null : fleetSuccess(success, query['policy'] ?? '', nowMs),
    h('section', { 'aria-labelledby': 'robots' }, [
      h('h2', { id: 'robots' }, 'Robots'),
      filters(reading.data, query, onFilter),
      shownOf(reading, nowMs, 'the fleet', (data) => fleetBody(data, query, nowMs)),
    ]),
  ]);

function attentionBox(
  { needs, unknown, acknowledged, isLoading }: Attention,
  policy: string,
  nowMs: number,
): ComponentChild {
  const list = h(
    'ul',
    { class: 'needs' },
    needs.map(({ text, detail, sinceMs, isUrgent, page, query }) =>
      h('li', { key: `${text} ${query?.['id'] ?? ''}`, class: isUrgent === true ? 'is-urgent' : undefined }, [
        isUrgent === true ? h('strong', null, '‼ urgent: ') : null,
        h('a', { href: hrefOf(page, { policy, ...query }) }, text),
        sinceMs === undefined ? null : `, for ${spanText(nowMs - sinceMs)}`,
        detail === undefined ? null : h('div', { class: 'detail' }, detail),
      ]),
    ),
  );
  const nothing = isLoading
    ? stateBox('loading', 'Asking what needs a person …')
    : unknown.length === 0
      ? stateBox('empty', 'Nothing needs a person now.')
      : null;
  return h('section', { 'aria-labelledby': 'needs', class: 'attention' }, [
    h('h2', { id: 'needs' }, `Needs a person now${needs.length === 0 ? '' : ` (${needs.length})`}`),
    needs.length > 0 ? list : nothing,
    acknowledged === 0
      ? null
      : h('p', null, [
          'Besides, ',
          h(
            'a',
            { href: hrefOf('incidents', { policy }) },
            `${acknowledged} open incident${acknowledged === 1 ? '' : 's'}`,
          ),
          ' that somebody has acknowledged.',
        ]),
    unknown.length === 0
      ? null
      : stateBox('noData', [
          'Not known now, so this list may lack something: ',
          h(
            'ul',
            null,
            unknown.map((text) => h('li', { key: text }, text)),
          ),
        ]),
  ]);
}

function filters(data: FleetAnswer | null, query: FleetQuery, onFilter: FleetPage['onFilter']): ComponentChild {
  const select = (name: string, label: string, names: readonly string[]): ComponentChild =>
    h('label', { key: name }, [
      label,
      h(
        'select',
        {
          value: query[name] ?? '',
          onChange: (event: { currentTarget: { value: string } }) => onFilter({ [name]: event.currentTarget.value }),
        },
        [
          h('option', { value: '' }, 'all'),
          // What is filtered by stays to be seen, also where no robot has it any more.
          [...new Set([...names, ...(query[name] === undefined ? [] : [query[name]])])].map((value) =>
            h('option', { value, key: value, selected: value === query[name] }, value),
          ),
        ],
      ),
    ]);
  return h('form', { class: 'filters', role: 'search', onSubmit: (event: Event) => event.preventDefault() }, [
    h('label', null, [
      'Search by id or site',
      h('input', {
        type: 'search',
        maxLength: 63,
        value: query['search'] ?? '',
        onInput: (event: { currentTarget: { value: string } }) => onFilter({ search: event.currentTarget.value }),
      }),
    ]),
    select('state', 'State', robotStates),
    select('version', 'Model', data?.versions.map(({ name }) => name) ?? []),
    select('site', 'Site', data?.sites.map(({ name }) => name) ?? []),
  ]);
}

function fleetBody(data: FleetAnswer, query: FleetQuery, nowMs: number): ComponentChild {
  const all = data.contacts.reduce((sum, { robots }) => sum + robots, 0);
  return h('div', null, [
    summary(data, all),
    data.presence === 'unknown'
      ? stateBox('noData', 'No gateway says which robots are there. Nothing follows from a robot that was not seen.')
      : null,
    damagedNote(data.damaged),
    all === 0
      ? stateBox('empty', 'This policy has no robots. `flywheel robots add` registers one.')
      : data.items.length === 0
        ? stateBox('empty', 'No robot fits what you filter by.')
        : robotTable(data, query, nowMs),
  ]);
}

const summary = (data: FleetAnswer, all: number): ComponentChild =>
  h('div', { class: 'counts' }, [
    facts([
      ['Robots', String(all)],
      ...data.contacts.map(({ name, robots }) => [name, String(robots)] as const),
      ['quarantined', String(data.quarantined)],
      ['retired', String(data.retired)],
    ]),
    facts(data.versions.slice(0, 6).map(({ name, robots }) => [`model ${name}`, String(robots)] as const)),
  ]);

function robotTable(data: FleetAnswer, query: FleetQuery, nowMs: number): ComponentChild {
  const { policy, after, ...rest } = query;
  return h('div', null, [
    tableOf(
      `${data.items.length} of ${data.total} robots that fit`,
      robotHeads,
      h(RobotItems, { items: data.items, policy, nowMs }),
      'is-even is-cards',
    ),
    h('p', { class: 'pages' }, [
      after === undefined ? null : h('a', { href: hrefOf('fleet', { policy, ...rest }) }, 'First robots'),
      data.next === null
        ? null
        : h('a', { href: hrefOf('fleet', { policy, ...rest, after: data.next }) }, 'Next robots'),
    ]),
  ]);
}
