import type { RobotType } from '../../datasets/robot-type.ts';
import type { EpisodeFacts, EpisodeValues } from '../../datasets/validation/episode-facts.ts';
import { frameFactsCollector } from '../../datasets/validation/frame-facts-collector.ts';
import { actionSizeOf, missingInt, type FrameColumns, type FrameFacts } from '../../datasets/validation/frame-facts.ts';
import { violationsOf, type Violation } from '../../datasets/validation/rule.ts';
import { ownEpisodeRules } from '../../datasets/validation/rules.ts';
import { recordedEpisodeColumns } from '../../datasets/columns.ts';
import { sqlName } from '../../datasets/sql-types.ts';
import { failure, isFailure } from '../failures.ts';
import type { Progress, SqlChunk, SqlRow, SqlSession } from '../ports.ts';

/** An episode of a segment, as `loadSegments` found it. */
export interface Head {
  readonly segment: number;
  readonly firstRow: number;
  readonly lastRow: number;
  readonly rows: number;
  readonly isContradictory: boolean;
  readonly episode: EpisodeValues;
}

export interface JudgedEpisode {
  readonly head: Head;
  readonly violations: readonly Violation[];
}

/** What the rules want to know of a segment. */
export type SegmentContext = Pick<EpisodeFacts, 'landingRobotId' | 'clockSkewMs' | 'receivedMs'>;

/**
 * Applies every rule that needs no lake to every loaded episode, in one pass over the frames in the order they were
 * recorded. Memory: one object an episode of the batch.
 */
export async function judgeEpisodes(
  session: SqlSession,
  type: RobotType,
  contexts: ReadonlyMap<number, SegmentContext>,
  progress: Progress,
): Promise<readonly JudgedEpisode[]> {
  const heads = (await session.rows(headsSql)).map(headOf);
  const judge = (head: Head, frames: FrameFacts): JudgedEpisode => {
    const context = contexts.get(head.segment);
    if (context === undefined) throw new Error(`expected the segment of every episode, got none for ${head.segment}`);
    const spannedRows = head.lastRow - head.firstRow + 1;
    const facts = { ...head, ...context, spannedRows, frames };
    return { head, violations: violationsOf(ownEpisodeRules, facts, type) };
  };
  try {
    return await judged(session, type, heads, judge, progress, 'fast');
  } catch (error) {
    // A NULL inside a list is rare and cannot be read as a number; the careful way makes NaN of it.
    if (!isFailure(error, 'EngineFailed')) throw error;
    return await judged(session, type, heads, judge, progress, 'careful');
  }
}

type Way = 'fast' | 'careful';

async function judged(
  session: SqlSession,
  type: RobotType,
  heads: readonly Head[],
  judge: (head: Head, frames: FrameFacts) => JudgedEpisode,
  progress: Progress,
  way: Way,
): Promise<readonly JudgedEpisode[]> {
  const collector = frameFactsCollector(type);
  const episodes: JudgedEpisode[] = [];
  let next = 0;
  let missing = 0;
  let frames = 0;
  for await (const chunk of session.chunks(framesSql(type, way))) {
    const columns = frameColumns(chunk);
    const segments = chunk.numbers(0);
    const rows = chunk.numbers(1);
    for (let at = 0; at < chunk.rowCount;) {
      const head = heads[next];
      const starts = head !== undefined && segments[at] === head.segment && rows[at] === head.firstRow;
      if (missing === 0 && head !== undefined && starts && head.lastRow - head.firstRow + 1 === head.rows) {
        missing = head.rows;
      }
      if (missing > 0 && head !== undefined) {
        const end = Math.min(chunk.rowCount, at + missing);
        collector.add(columns, at, end);
        missing -= end - at;
        at = end;
        if (missing === 0) episodes.push(judge(head, collector.take()));
        if (missing === 0) next++;
        continue;
      }
      // Rows of an episode whose frames do not stand together: its head alone says so.
      if (head !== undefined && starts) {
        episodes.push(judge(head, collector.take()));
        next++;
      }
      at++;
    }
    frames += chunk.rowCount;
    progress({ stage: 'validating', frames, episodes: episodes.length });
  }
  if (next === heads.length) return episodes;
  throw failure('EngineFailed', `expected ${heads.length} episodes in the order of their rows, got ${next}`);
}

const headsSql =
  `SELECT segment, first_row, last_row, row_count, contradictory, ` +
  `${recordedEpisodeColumns.map(({ name }) => sqlName(name)).join(', ')} FROM heads ORDER BY load_order, first_row`;

function headOf({ segment, first_row, last_row, row_count, contradictory, ...episode }: SqlRow): Head {
  return {
    segment: Number(segment),
    firstRow: Number(first_row),
    lastRow: Number(last_row),
    rows: Number(row_count),
    isContradictory: contradictory === true,
    episode: episode as unknown as EpisodeValues,
  };
}

/** The columns of `frameColumns`, in its order, in the order the rows were loaded. */
function framesSql(type: RobotType, way: Way): string {
  const actions = actionSizeOf(type);
  return `SELECT segment, row_number, coalesce(frame_index, ${missingInt}) AS frame_index,
    coalesce(timestamp::DOUBLE, 'nan'::DOUBLE) AS timestamp, coalesce(is_correction::INTEGER, -1) AS is_correction,
    ${sizeSql('observation')}, ${listSql('observation', type.observations.length, way)},
    ${sizeSql('action')}, ${listSql('action', actions, way)},
    ${sizeSql('expert_action')}, ${listSql('expert_action', actions, way)}
    FROM recorded_frames`;
}

const sizeSql = (name: string): string => `coalesce(len(${name}), -1)::INTEGER AS ${name}_size`;

function listSql(name: string, size: number, way: Way): string {
  const width = Math.max(1, size);
  const nothing = `[${Array.from({ length: width }, () => "'nan'::FLOAT").join(', ')}]`;
  const values = way === 'fast' ? name : `list_transform(${name}, lambda x: coalesce(x, 'nan'::FLOAT))`;
  return `(CASE WHEN len(${name}) = ${width} THEN ${values} ELSE ${nothing} END)::FLOAT[${width}] AS ${name}`;
}

const frameColumns = (chunk: SqlChunk): FrameColumns => ({
  frameIndex: chunk.numbers(2),
  timestampUs: chunk.numbers(3),
  isCorrection: chunk.numbers(4),
  observationSize: chunk.numbers(5),
  observation: chunk.numbers(6),
  actionSize: chunk.numbers(7),
  action: chunk.numbers(8),
  expertActionSize: chunk.numbers(9),
  expertAction: chunk.numbers(10),
});
