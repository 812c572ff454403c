import { z } from 'zod';

import { taskStandings } from '../../domain/metrics/index.ts';
import { metricSchema } from './metrics.ts';
import { read } from './read.ts';

const cell = z.strictObject({ robots: z.int(), metric: metricSchema });
const task = {
  id: z.string(),
  index: z.int(),
  instruction: z.string(),
  status: z.enum(['active', 'retired']),
};

export const tasksSchema = z.strictObject({ ...read, seq: z.int(), tasks: z.array(z.strictObject(task)) });

/** Sorted by index, or with what needs somebody first. */
export const taskOrders = ['index', 'worst'] as const;

export const taskWeeksSchema = z.strictObject({
  ...read,
  policy: z.string(),
  seq: z.int(),
  /** `noFacts`: nobody makes facts yet; `empty`: no counted episode in these weeks. */
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  /** What makes a task operational in these weeks. */
  target: z.strictObject({ successFraction: z.number(), episodes: z.int() }),
  /** Monday to Monday, UTC days, oldest first. */
  weeks: z.array(z.strictObject({ from: z.string(), to: z.string() })),
  /** Of all tasks, whatever is searched for. */
  standings: z.array(z.strictObject({ name: z.enum(taskStandings), tasks: z.int() })),
  newTasks: z.int(),
  items: z.array(
    z.strictObject({
      ...task,
      /** Who said last what it is, when and why; null: it came with the robot type. */
      said: z.strictObject({ atMs: z.number(), who: z.string(), why: z.string() }).nullable(),
      standing: z.enum(taskStandings),
      /** Added or taken back within these weeks. */
      isNew: z.boolean(),
      total: cell,
      /** As many as `weeks`. */
      weeks: z.array(cell),
    }),
  ),
  /** Of all that match. */
  total: z.int(),
  /** What `offset` is for the next page; null: this is the last. */
  next: z.int().nullable(),
  /** Tasks that robots told of and the catalogue does not have; `first`: the most frequent ones. */
  unknown: z.strictObject({
    tasks: z.int(),
    episodes: z.int(),
    first: z.array(z.strictObject({ task: z.string(), episodes: z.int(), robots: z.int() })),
  }),
});
export type TaskWeeksAnswer = z.infer<typeof taskWeeksSchema>;
