import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { appendOnce, readLog, type LogEntry } from '../../store/append-log.ts';
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

/**
 * Keeps a label. Idempotent by its id: the first one stays, and another one under the same id is `Conflict`. `isOnce`: nothing is added either where the same
 * is said already, under whatever id and by whomever; gives the line that says it.
 */
export const addHandLabel = (
  { store, clock }: Ports,
  label: WithoutTime<HandLabel>,
  { isOnce = false }: { readonly isOnce?: boolean } = {},
): Promise<Line> =>
  appendOnce(store, prefix, lineSchema, (earlier) => {
    const found = earlier.find(({ record }) => record.labelId === label.labelId)?.record;
    if (found !== undefined) {
      if (isSame(found, label)) return { found };
      throw failure('Conflict', `expected a new id for another label, got ${label.labelId}, which is taken`);
    }
    const said = isOnce ? sameInForce(holdingOf(earlier), label) : undefined;
    return said === undefined ? { append: { ...label, atMs: clock() } } : { found: said };
  });

/** The label that says the same, unless a later one says otherwise of one of its frames. */
function sameInForce(holding: readonly HandLabel[], label: WithoutTime<HandLabel>): HandLabel | undefined {
  const last = holding.findLast((one) => one.episodeId === label.episodeId && concernsSame(one, label));
  if (last === undefined || last.kind !== label.kind) return undefined;
  if (last.kind === 'failureReason')
    return label.kind === 'failureReason' && last.failureReason === label.failureReason ? last : undefined;
  if (label.kind !== 'frames') return undefined;
  const isAsWide = last.start <= label.start && last.end >= label.end;
  return isAsWide && canonicalJson(last.action) === canonicalJson(label.action) ? last : undefined;
}

const concernsSame = (one: HandLabel, other: WithoutTime<HandLabel>): boolean =>
  one.kind === 'frames' && other.kind === 'frames'
    ? one.start < other.end && other.start < one.end
    : one.kind === other.kind;

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
  return { seq: entries.at(-1)?.seq, holding: holdingOf(entries) };
}

function holdingOf(entries: readonly LogEntry<Line>[]): readonly HandLabel[] {
  const removed = new Set(entries.flatMap(({ record }) => (record.kind === 'removed' ? [record.labelId] : [])));
  return entries.flatMap(({ record }) => (record.kind === 'removed' || removed.has(record.labelId) ? [] : [record]));
}

/** What was erased in the log is forgotten after so long at the latest. */
const forgetAfterMs = 900_000;

/** What holds, for who asks again and again: each line is read once in a quarter of an hour. One read at a time. */
export function handLabelReader({ store, clock }: Ports): () => Promise<HandLabels> {
  let known: LogEntry<Line>[] = [];
  let sinceMs = clock();
  let reading: Promise<unknown> = Promise.resolve();
  const read = async (): Promise<HandLabels> => {
    if (Math.abs(clock() - sinceMs) > forgetAfterMs) [known, sinceMs] = [[], clock()];
    known.push(...(await readLog(store, prefix, lineSchema, known.at(-1)?.seq)));
    return { seq: known.at(-1)?.seq, holding: holdingOf(known) };
  };
  return () => {
    // Who asks while one reads may have written since that began.
    const mine = reading.catch(() => undefined).then(read);
    reading = mine;
    return mine;
  };
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
