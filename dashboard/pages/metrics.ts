import { h, type ComponentChild } from 'preact';

import type { MetricsAnswer } from '../../console/answers/metrics.ts';
import { intervalText, numberText, valueText, type Metric } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf, type PageName } from '../route.ts';
import { orderedTable, orderField, type OrderedColumn } from '../ordered-table.ts';
import { damagedNote, moment, shownOf, stateBox, table } from '../states.ts';

type Query = Readonly<Record<string, string>>;

/** What metrics can be told apart by, and its name for people. */
export const groupings = {
  task: 'task',
  robot: 'robot',
  site: 'site',
  version: 'model version',
  body: 'robot type',
  trial: 'trial',
} as const satisfies Readonly<Record<NonNullable<MetricsAnswer['by']>, string>>;

const names: Readonly<Record<string, string>> = {
  success: 'Success',
  uptime: 'Uptime',
  latency: 'Latency, p95',
  policyLatency: 'Latency without decoding images, p95',
  decodingLatency: 'Decoding images, p95',
  interventions: 'Interventions',
  tasksOperational: 'Tasks operational',
  throughput: 'Throughput',
  costPerItem: 'Cost an item',
  savings: 'Savings',
  failedRollouts: 'Failed rollouts',
  trainingYield: 'Training yield',
};

export const metricsPath = ({ policy, by, from, to }: Query): string =>
  apiPath('metrics', { policy, by: by !== undefined && Object.hasOwn(groupings, by) ? by : undefined, from, to });

interface MetricsPage {
  readonly reading: Reading<MetricsAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
  /** Success over time; stands below. */
  readonly course?: ComponentChild;
}

/** Each metric with its value, interval and number, told apart by one thing. */
export const metricsPage = ({ reading, query, nowMs, onFilter, course }: MetricsPage): ComponentChild =>
  h('div', null, [
    choices(reading.data, query, onFilter),
    shownOf(reading, nowMs, 'metrics', (data) => metricsBody(data, query, onFilter)),
    course,
  ]);

function choices(data: MetricsAnswer | null, query: Query, onFilter: MetricsPage['onFilter']): ComponentChild {
  const day = (name: 'from' | 'to', label: string): ComponentChild =>
    h('label', null, [
      label,
      h('input', {
        type: 'date',
        value: query[name] ?? data?.[name] ?? '',
        onChange: (event: { currentTarget: { value: string } }) => onFilter({ [name]: event.currentTarget.value }),
      }),
    ]);
  return h('form', { class: 'filters', onSubmit: (event: Event) => event.preventDefault() }, [
    h('label', null, [
      'Told apart by',
      h(
        'select',
        {
          value: query['by'] ?? '',
          onChange: (event: { currentTarget: { value: string } }) => onFilter({ by: event.currentTarget.value }),
        },
        [
          h('option', { value: '' }, 'nothing: the whole fleet'),
          Object.entries(groupings).map(([name, label]) =>
            h('option', { value: name, key: name, selected: name === query['by'] }, label),
          ),
        ],
      ),
    ]),
    day('from', 'From (UTC day)'),
    day('to', 'Up to, not with (UTC day)'),
    data === null || data.by === null ? null : orderField(columnsOf(data), query, onFilter),
  ]);
}

type Group = MetricsAnswer['groups'][number];

const toldOf = ({ groups }: MetricsAnswer, name: string): readonly Metric[] =>
  groups.flatMap(({ metrics }) => metrics.flatMap((one) => (one.name === name ? [one.metric] : [])));

/** Of the whole fleet every metric is a column; of many groups a column of nothing would push those with something out of sight. */
const isColumn = (data: MetricsAnswer, name: string): boolean =>
  toldOf(data, name).some(({ kind }) => kind === 'value' || (data.by === null && kind !== 'notDefined'));

/** Why nothing of a metric is told, where all groups say the same. */
function whyNone(data: MetricsAnswer, name: string): string {
  const reasons = new Set(toldOf(data, name).map((metric) => (metric.kind === 'value' ? '' : metric.why)));
  const [why] = reasons;
  return `${names[name] ?? name}${reasons.size === 1 && why !== undefined ? ` (${why})` : ''}`;
}

/** A column for the name of each group, and one for each metric that any group tells. */
function columnsOf(data: MetricsAnswer): readonly OrderedColumn<Group>[] {
  const { by, definitions, currency } = data;
  const metricOf = ({ metrics }: Group, name: string): Metric | undefined =>
    metrics.find((one) => one.name === name)?.metric;
  return [
    {
      id: 'name',
      head: by === null ? 'Fleet' : groupings[by],
      cell: ({ name }) => groupName(name, data),
      valueOf: ({ name }) => name,
    },
    ...definitions
      .filter(({ name }) => isColumn(data, name))
      .map(({ name, unit }) => ({
        id: name,
        head: names[name] ?? name,
        isNumber: true,
        cell: (group: Group) => metricCell(metricOf(group, name), unit, currency),
        valueOf: (group: Group) => {
          const metric = metricOf(group, name);
          return metric?.kind === 'value' ? metric.value : null;
        },
      })),
  ];
}

function metricsBody(data: MetricsAnswer, query: Query, onFilter: MetricsPage['onFilter']): ComponentChild {
  const { state, groups, definitions, by, from, to, asOfMs } = data;
  if (state === 'noFacts')
    return stateBox(
      'noData',
      'Nobody makes facts from telemetry yet: there is nothing to count. Nothing follows from this.',
    );
  const left = definitions.filter(({ name }) => groups.length > 0 && !isColumn(data, name));
  return h('div', null, [
    damagedNote(data.damaged),
    h('p', null, [
      `UTC days from ${from} up to ${to}.`,
      asOfMs === null ? null : [' Facts as of ', moment(asOfMs), '.'],
    ]),
    state === 'empty' && groups.length > 0
      ? h('p', { role: 'status' }, 'No robot told anything in this time. Who was in service counts as not online.')
      : null,
    groups.length === 0
      ? stateBox('empty', 'Nothing was told in this time.')
      : by === null
        ? table('The whole fleet', columnsOf(data), groups, ({ name }) => name)
        : orderedTable(`By ${groupings[by]}`, columnsOf(data), groups, ({ name }) => name, { query, onFilter }),
    left.length === 0 || by === null
      ? null
      : h(
          'p',
          { class: 'not-defined' },
          `Nothing told by ${groupings[by]}: ${left.map(({ name }) => whyNone(data, name)).join('; ')}. Perhaps of the whole fleet.`,
        ),
    h('details', null, [
      h('summary', null, 'What the metrics mean'),
      h(
        'dl',
        null,
        definitions.flatMap(({ name, sentence }) => [h('dt', null, names[name] ?? name), h('dd', null, sentence)]),
      ),
      h('p', null, 'In brackets: 95 % interval. n: how many it is counted over.'),
    ]),
  ]);
}

/** A group by its name, with the way to its page where it has one. */
function groupName(name: string, { by, policy }: MetricsAnswer): ComponentChild {
  const link = (page: PageName, query: Readonly<Record<string, string>>): ComponentChild =>
    h('a', { href: hrefOf(page, { policy, ...query }) }, name);
  if (by === 'robot') return link('robot', { id: name });
  if (by === 'task') return link('tasks', { search: name });
  if (by === 'version') return link('models', { version: name });
  if (by === 'trial') return link('trial', { id: name });
  if (by === 'site') return link('fleet', { site: name });
  return name;
}

export function metricCell(metric: Metric | undefined, unit: string, currency: string | null): ComponentChild {
  if (metric === undefined) return h('span', { class: 'no-data' }, 'not told');
  if (metric.kind === 'notDefined') return h('span', { class: 'not-defined' }, `– (${metric.why})`);
  if (metric.kind === 'noData') return h('span', { class: 'no-data' }, `no data: ${metric.why}`);
  const interval = intervalText(metric, unit, currency);
  return h('span', null, [
    h('strong', null, valueText(metric.value, unit, currency)),
    interval === null ? null : h('span', { class: 'interval' }, ` [${interval}]`),
    h('span', { class: 'count' }, ` n ${numberText(metric.n, 0)}`),
  ]);
}
