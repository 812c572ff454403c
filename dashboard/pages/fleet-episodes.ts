import { h, type ComponentChild } from 'preact';

import type { EpisodesAnswer } from '../../console/answers/episodes.ts';
import { filterForm, typedField } from '../form-fields.ts';
import { numberText, percentText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { shownOf, table } from '../states.ts';
import { episodesTable, outcomeField } from './episodes.ts';
import { versionLink } from './version-links.ts';

type Query = Readonly<Record<string, string>>;
type Groups = NonNullable<EpisodesAnswer['groups']>;

/** Episodes of all robots, by reason, outcome, robot and days. */
export const fleetEpisodesPath = ({ policy, reason, outcome, robot, from, to }: Query): string =>
  apiPath('episodes', { policy, reason, outcome, robot, from, to, limit: '100' });

interface FleetEpisodes {
  readonly reading: Reading<EpisodesAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** Episodes of a fleet with the way to their frames; of those that did not succeed for one reason also which robots and versions have most. */
export const fleetEpisodes = ({ reading, query, nowMs, onFilter }: FleetEpisodes): ComponentChild =>
  h('div', null, [
    filterForm([
      typedField({ name: 'reason', label: 'Why it did not succeed, exactly', type: 'search' }, query, onFilter),
      outcomeField(query, onFilter),
      typedField({ name: 'robot', label: 'Robot', type: 'search', maxLength: 63 }, query, onFilter),
      typedField({ name: 'from', label: 'From (UTC day)', type: 'date' }, query, onFilter),
      typedField({ name: 'to', label: 'Before (UTC day)', type: 'date' }, query, onFilter),
    ]),
    shownOf(reading, nowMs, 'episodes', (data) => [
      data.groups === null || data.state !== 'read' ? null : concerned(data.groups, query),
      h('section', { 'aria-labelledby': 'episodes' }, [
        h('h2', { id: 'episodes' }, 'The newest'),
        episodesTable(data, query['policy'], true),
      ]),
    ]),
  ]);

/** Whom it concerns. How many of its own episodes it is says more than how many: who runs most has most of everything. */
const concerned = ({ robots, robotsTotal, versions, versionsTotal }: Groups, query: Query): ComponentChild => {
  const { policy } = query;
  return h('section', { 'aria-labelledby': 'concerned' }, [
    h('h2', { id: 'concerned' }, `Who did not succeed because of: ${query['reason'] ?? ''}`),
    h('div', { class: 'side-by-side' }, [
      groupTable('Robot', robots, robotsTotal, (name) =>
        h('a', { href: hrefOf('episodes', { ...query, robot: name ?? '' }) }, name),
      ),
      groupTable('Version', versions, versionsTotal, (name) => versionLink(policy ?? '', name, 'none told')),
    ]),
  ]);
};

const groupTable = (
  head: string,
  groups: Groups['robots'],
  total: number,
  nameOf: (name: string | null) => ComponentChild,
): ComponentChild =>
  table(
    `${groups.length} of ${numberText(total, 0)} ${head.toLowerCase()}s, those with the most first`,
    [
      { head, cell: ({ name }) => nameOf(name) },
      { head: 'Such episodes', isNumber: true, cell: ({ episodes }) => numberText(episodes, 0) },
      {
        head: 'Of all that it ran',
        isNumber: true,
        cell: ({ episodes, of }) => `${percentText(episodes / of)} of ${numberText(of, 0)}`,
      },
    ],
    groups,
    ({ name }) => name ?? '',
  );
