import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { appendOnce, readLog } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';

const said = { labelId: z.string(), who: z.string(), reason: z.string(), atMs: z.int() };

/** A line of the log `labels/<seq>.json`. What was said once is never changed: it is taken back by a line of its own. */
const lineSchema = z.discriminatedUnion('kind', [
  /** What the robot should have done in the frames [start, end) of an episode. */
  z.strictObject({
    ...said,
    kind: z.literal('frames'),
    episodeId: z.string(),
    start: z.int().min(0),
    end: z.int().min(1),
    /** As in a frame: one place of the actions if they are discrete, else a value for each. */
    action: z.array(z.number()).min(1),
  }),
  /** Why an episode failed. */
  z.strictObject({ ...said, kind: z.literal('failureReason'), episodeId: z.string(), failureReason: z.string() }),
  z.strictObject({ ...said, kind: z.literal('removed') }),
]);
type Line = z.infer<typeof lineSchema>;
export type HandLabel = Exclude<Line, { readonly kind: 'removed' }>;
type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

const prefix = 'labels';

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** Keeps a label. Idempotent by its id: the first one stays, and another one under the same id is `Conflict`. */
export const addHandLabel = ({ store, clock }: Ports, label: WithoutTime<HandLabel>): Promise<Line> =>
  appendOnce(store, prefix, lineSchema, (earlier) => {
    const found = earlier.find(({ record }) => record.labelId === label.labelId)?.record;
    if (found === undefined) return { append: { ...label, atMs: clock() } };
    if (isSame(found, label)) return { found };
    throw failure('Conflict', `expected a new id for another label, got ${label.labelId}, which is taken`);
  });

const isSame = (line: Line, label: WithoutTime<HandLabel>): boolean => {
  const { atMs: _, ...told } = line;
  return canonicalJson(told) === canonicalJson(label);
};

/** Takes a label back; doing so again changes nothing. `NotFound` for one that nobody gave. */
export const removeHandLabel = (
  { store, clock }: Ports,
  word: { readonly labelId: string; readonly who: string; readonly reason: string },
): Promise<Line> =>
  appendOnce(store, prefix, lineSchema, (earlier) => {
    const own = earlier.filter(({ record }) => record.labelId === word.labelId).map(({ record }) => record);
    if (own.length === 0) throw failure('NotFound', `expected the id of a label, got ${word.labelId.slice(0, 64)}`);
    const found = own.find(({ kind }) => kind === 'removed');
    return found === undefined ? { append: { ...word, kind: 'removed', atMs: clock() } } : { found };
  });

export interface HandLabels {
  /** Last line of the log that was read; undefined for an empty log. A set that was made under it says so. */
  readonly seq: number | undefined;
  /** Those that nobody took back, in the order in which they were given. */
  readonly holding: readonly HandLabel[];
}

/** What holds now, or what held when line `upTo` was the last. */
export async function readHandLabels(store: ObjectStore, upTo = Number.POSITIVE_INFINITY): Promise<HandLabels> {
  const entries = (await readLog(store, prefix, lineSchema)).filter(({ seq }) => seq <= upTo);
  const removed = new Set(entries.flatMap(({ record }) => (record.kind === 'removed' ? [record.labelId] : [])));
  const holding = entries.flatMap(({ record }) =>
    record.kind === 'removed' || removed.has(record.labelId) ? [] : [record],
  );
  return { seq: entries.at(-1)?.seq, holding };
}

/** Episodes of which somebody labelled frames. */
export const labelledByHand = ({ holding }: HandLabels): readonly string[] => [
  ...new Set(holding.flatMap((label) => (label.kind === 'frames' ? [label.episodeId] : []))),
];

/**
 * Frames as if the robot had recorded what persons said since: a labelled frame has their action as that of an expert, and is a correction. Of labels that
 * overlap the later one holds. `frames`: a table expression with the columns of the lake.
 */
export function withHandLabels(frames: string, { holding }: HandLabels): string {
  const ranges = holding.flatMap((label, order) =>
    label.kind === 'frames'
      ? [
          `(${order}, ${sqlText(label.episodeId)}, ${label.start}, ${label.end}, [${label.action.map(Number).join(', ')}]::FLOAT[])`,
        ]
      : [],
  );
  if (ranges.length === 0) return frames;
  return `(SELECT f.* REPLACE (coalesce(h.action, f.expert_action) AS expert_action, f.is_correction OR h.action IS NOT NULL AS is_correction)
     FROM ${frames} AS f LEFT JOIN (
       SELECT episode_id, frame_index, arg_max("action", "order") AS action FROM (
         SELECT "order", episode_id, unnest(range(first_frame, end_frame))::INTEGER AS frame_index, "action"
         FROM (VALUES ${ranges.join(', ')}) AS l("order", episode_id, first_frame, end_frame, "action"))
       GROUP BY episode_id, frame_index
     ) AS h ON h.episode_id = f.episode_id AND h.frame_index = f.frame_index)`;
}
