import { h, type ComponentChild } from 'preact';

import type { TaskWeeksAnswer } from '../../console/answers/tasks.ts';
import { choiceField, filterForm, typedField } from '../form-fields.ts';
import { numberText, percentText } from '../format.ts';
import { intervalLine } from '../interval-line.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { facts, moment, shownOf, stateBox, table } from '../states.ts';
import { metricCell } from './metrics.ts';

type Query = Readonly<Record<string, string>>;
type Row = TaskWeeksAnswer['items'][number];
type Standing = Row['standing'];

/** A sign, and words: no standing is told by colour alone. */
const standings: Readonly<Record<Standing, string>> = {
  belowTarget: '▼ below target',
  unproven: '◌ unproven',
  operational: '✓ operational',
  retired: '■ retired',
};

export const taskWeeksPath = ({ policy, weeks, until, standing, search, sort, offset }: Query): string =>
  apiPath('tasks/weeks', { policy, weeks, until, standing, search: search?.trim().slice(0, 100), sort, offset });

interface TasksPage {
  readonly reading: Reading<TaskWeeksAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** Success of every task by week, and which tasks are new, not proven or retired. */
export const tasksPage = ({ reading, query, nowMs, onFilter }: TasksPage): ComponentChild =>
  h('div', null, [
    filterForm([
      typedField({ name: 'search', label: 'Search by id or instruction', type: 'search' }, query, onFilter),
      choiceField(
        {
          name: 'standing',
          label: 'Standing',
          options: [
            ['', 'all'],
            ['belowTarget', 'below target'],
            ['unproven', 'unproven'],
            ['operational', 'operational'],
            ['new', 'new in these weeks'],
            ['retired', 'retired'],
          ],
        },
        query,
        onFilter,
      ),
      choiceField(
        {
          name: 'sort',
          label: 'Order',
          options: [
            ['', 'by index'],
            ['worst', 'worst first'],
          ],
        },
        query,
        onFilter,
      ),
      choiceField(
        {
          name: 'weeks',
          label: 'Weeks',
          options: [
            ['', '12'],
            ['4', '4'],
            ['26', '26'],
          ],
        },
        query,
        onFilter,
      ),
      typedField({ name: 'until', label: 'Up to the week of (UTC day)', type: 'date' }, query, onFilter),
    ]),
    shownOf(reading, nowMs, 'the tasks', (data) => tasksBody(data, query)),
  ]);

function tasksBody(data: TaskWeeksAnswer, query: Query): ComponentChild {
  const { state, standings: counts, newTasks, items, target, asOfMs, unknown } = data;
  const all = counts.reduce((sum, { tasks }) => sum + tasks, 0);
  return h('div', null, [
    facts([
      ['Tasks', String(all)],
      ...counts.map(({ name, tasks }) => [standings[name], String(tasks)] as const),
      ['new in these weeks', String(newTasks)],
    ]),
    h('p', { class: 'legend' }, [
      `Operational: over ${percentText(target.successFraction)} success in at least ${target.episodes} counted episodes of these weeks. ` +
        'Fewer episodes prove nothing: unproven. In brackets: 95 % interval. n: counted episodes.',
      asOfMs === null ? null : [' Facts as of ', moment(asOfMs), '.'],
    ]),
    state === 'noFacts'
      ? stateBox(
          'noData',
          'Nobody makes facts from telemetry yet: no success can be counted. Nothing follows from this.',
        )
      : state === 'empty'
        ? h('p', { role: 'status' }, 'No counted episode in these weeks: nothing is proven or refuted.')
        : null,
    all === 0
      ? stateBox('empty', 'The task catalogue is empty. `flywheel tasks add` adds a task.')
      : items.length === 0
        ? stateBox('empty', 'No task fits what you filter by.')
        : matrix(data, query),
    unknownTasks(unknown),
  ]);
}

function matrix(data: TaskWeeksAnswer, query: Query): ComponentChild {
  const { items, weeks, total, next, target, asOfMs } = data;
  // A week in which none of these tasks has an episode would be a column of nothing.
  const isTold = (index: number): boolean => items.some((task) => task.weeks[index]?.metric.kind === 'value');
  const newestFirst = weeks
    .map((week, index) => ({ ...week, index }))
    .filter(({ index }) => isTold(index))
    .toReversed();
  const left = weeks.length - newestFirst.length;
  // One week alone is what stands under all of them.
  const columns = newestFirst.length === 1 ? [] : newestFirst;
  const today = asOfMs === null ? '' : new Date(asOfMs).toISOString().slice(0, 10);
  return h('div', null, [
    table(
      `${items.length} of ${total} tasks that fit, by UTC week from Monday, the newest week first${left === 0 ? '' : `; ${left} of ${weeks.length} weeks have no counted episode and are left out${columns.length === 0 && newestFirst[0] !== undefined ? `, all are of the week of ${newestFirst[0].from}` : ''}`}`,
      [
        { head: 'Task', cell: nameCell },
        {
          head: 'Standing',
          cell: ({ standing, isNew }) => h('span', { class: 'mark' }, `${standings[standing]}${isNew ? ', new' : ''}`),
        },
        {
          head: `These ${weeks.length} weeks`,
          isNumber: true,
          cell: (task) => [
            intervalLine(
              task.weeks.map(({ metric }) => (metric.kind === 'value' ? metric : null)),
              target.successFraction,
            ),
            successCell(task.total),
          ],
        },
        ...columns.map(({ from, to, index }) => ({
          head: from <= today && today < to ? `${from}, so far` : from,
          isNumber: true,
          cell: (task: Row) => successCell(task.weeks[index]),
        })),
      ],
      items,
      ({ id }) => id,
    ),
    h('p', { class: 'pages' }, [
      query['offset'] === undefined
        ? null
        : h('a', { href: hrefOf('tasks', { ...query, offset: undefined }) }, 'First'),
      next === null ? null : h('a', { href: hrefOf('tasks', { ...query, offset: String(next) }) }, 'Next tasks'),
    ]),
  ]);
}

const nameCell = ({ id, index, instruction, said }: Row): ComponentChild =>
  h('span', null, [
    h('strong', null, id),
    h('span', { class: 'count' }, [
      `index ${index}`,
      instruction === id ? '' : `: ${instruction}`,
      said === null ? null : [`; ${said.who}, `, moment(said.atMs), `: ${said.why}`],
    ]),
  ]);

const successCell = (cell: Row['total'] | undefined): ComponentChild =>
  cell === undefined || cell.metric.kind !== 'value'
    ? h('span', { class: 'no-data' }, 'none')
    : h('span', null, [
        metricCell(cell.metric, 'fraction', null),
        h('span', { class: 'count' }, `${numberText(cell.robots, 0)} robot${cell.robots === 1 ? '' : 's'}`),
      ]);

const unknownTasks = ({ tasks, episodes, first }: TaskWeeksAnswer['unknown']): ComponentChild | null =>
  tasks === 0
    ? null
    : h('section', { 'aria-labelledby': 'unknown' }, [
        h('h2', { id: 'unknown' }, `Not in the catalogue (${tasks})`),
        h(
          'p',
          null,
          `Robots reported ${numberText(episodes, 0)} counted episodes of tasks that the catalogue does not have; they count for no task.`,
        ),
        table(
          first.length < tasks ? `The ${first.length} most frequent of ${tasks}` : 'Most frequent first',
          [
            { head: 'Task, as robots name it', cell: ({ task }) => task },
            { head: 'Episodes', isNumber: true, cell: ({ episodes: count }) => numberText(count, 0) },
            { head: 'Robots', isNumber: true, cell: ({ robots }) => numberText(robots, 0) },
          ],
          first,
          ({ task }, index) => `${task} ${index}`,
        ),
      ]);
