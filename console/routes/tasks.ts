import { z } from 'zod';

import { startOf } from '../../activities/metrics/read-metrics.ts';
import { readTaskWeeks, type TaskRow } from '../../activities/metrics/task-weeks.ts';
import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { operationalTask, taskStandings } from '../../domain/metrics/index.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { taskOrders, tasksSchema, taskWeeksSchema } from '../answers/tasks.ts';
import { day, described, policyQuery, type Routes } from './shared.ts';

/** What robots may be asked to do, and how well they do it. */
export const taskRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/tasks',
    schema: { querystring: policyQuery, ...described('What robots may be asked to do, by index', tasksSchema) },
    handler: async ({ query: { policy } }) => {
      const { robotType } = await readPolicyDocument(context.store, policy);
      const type = await readRobotType(context.store, robotType.id, robotType.version);
      const { seq, tasks } = await readTaskCatalogue(context.store, policy, type);
      return {
        readAtMs: context.clock(),
        seq,
        tasks: tasks.map(({ id, index, instruction, status }) => ({ id, index, instruction, status })),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/tasks/weeks',
    schema: {
      querystring: policyQuery.extend({
        weeks: z.coerce.number().int().min(1).max(26).default(12),
        until: day.optional(),
        standing: z.enum([...taskStandings, 'new']).optional(),
        search: z.string().max(100).optional(),
        sort: z.enum(taskOrders).default('index'),
        offset: z.coerce.number().int().min(0).max(10_000).default(0),
        limit: z.coerce.number().int().min(1).max(100).default(50),
      }),
      ...described('Success of every task by week, with intervals; `until`: a day of the last week', taskWeeksSchema),
    },
    handler: async ({ query: { policy, weeks, until, offset, limit, sort, ...filter } }) => {
      const untilMs = until === undefined ? context.clock() : startOf(until, 'until');
      const { tasks, ...answer } = await context.questions.ask((engine) =>
        readTaskWeeks({ ...context, engine }, { policy, weeks, untilMs }),
      );
      const found = tasks.filter((task) => fits(task, filter));
      const ordered = sort === 'worst' ? found.toSorted(worstFirst) : found;
      const end = offset + limit;
      return {
        ...answer,
        readAtMs: context.clock(),
        weeks: [...answer.weeks],
        target: { ...operationalTask },
        standings: taskStandings.map((name) => ({
          name,
          tasks: tasks.filter(({ standing }) => standing === name).length,
        })),
        newTasks: tasks.filter(({ isNew }) => isNew).length,
        items: ordered.slice(offset, end).map((task) => ({ ...task, said: task.said ?? null, weeks: [...task.weeks] })),
        total: ordered.length,
        next: end < ordered.length ? end : null,
        unknown: { ...answer.unknown, first: [...answer.unknown.first] },
      };
    },
  });
};

interface TaskFilter {
  readonly standing?: string | undefined;
  readonly search?: string | undefined;
}

function fits({ id, instruction, standing, isNew }: TaskRow, wanted: TaskFilter): boolean {
  const search = wanted.search?.trim().toLowerCase() ?? '';
  const isOfStanding =
    wanted.standing === undefined || (wanted.standing === 'new' ? isNew : standing === wanted.standing);
  return isOfStanding && (id.includes(search) || instruction.toLowerCase().includes(search));
}

/** Below its target first, then what is not proven, then the others; among them the lowest success, and what nobody tried before what was. */
function worstFirst(a: TaskRow, b: TaskRow): number {
  return placeOf(a) - placeOf(b) || successOf(a) - successOf(b) || a.index - b.index;
}

const placeOf = ({ standing }: TaskRow): number => taskStandings.indexOf(standing);
const successOf = ({ total: { metric } }: TaskRow): number => (metric.kind === 'value' ? metric.value : -1);
