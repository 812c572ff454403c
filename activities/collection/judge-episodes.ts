import type { RobotType } from '../../datasets/robot-type.ts';
import { recordedFrameColumns } from '../../datasets/columns.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import type { EpisodeFacts } from '../../datasets/validation/episode-facts.ts';
import { frameFactsCollector } from '../../datasets/validation/frame-facts-collector.ts';
import { actionSizeOf, missingInt, type FrameColumns, type FrameFacts } from '../../datasets/validation/frame-facts.ts';
import { violationsOf, type Violation } from '../../datasets/validation/rule.ts';
import { ownEpisodeRules } from '../../datasets/validation/rules.ts';
import { failure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlChunk, SqlEngine } from '../ports/sql.ts';
import type { Head } from './index-episodes.ts';
import { filesSql, type SegmentGroup } from './segment-files.ts';

/** An episode that broke rules. */
export interface RefusedEpisode {
  readonly segment: number;
  readonly firstRow: number;
  readonly episodeId: string | null;
  readonly violations: readonly Violation[];
}

/** What the rules want to know of a segment. */
export type SegmentContext = Pick<EpisodeFacts, 'landingRobotId' | 'clockSkewMs' | 'receivedMs' | 'registeredMs'>;

/** `careful` reads lists that hold a NULL, which the fast way cannot, and goes by copies of the segments, which no foreign file can spoil later. */
export type ReadingWay = 'fast' | 'careful';

/**
 * Applies every rule that needs no lake to the episodes of a group, in one pass over its frames in the order they were
 * recorded, on one thread. Memory: one object an episode.
 */
export async function judgeEpisodes(
  engine: SqlEngine,
  type: RobotType,
  group: SegmentGroup,
  heads: readonly Head[],
  contextOf: (segment: number) => SegmentContext,
  way: ReadingWay,
  progress: Progress,
): Promise<readonly RefusedEpisode[]> {
  const refused: RefusedEpisode[] = [];
  const judge = (head: Head, frames: FrameFacts): void => {
    const context = contextOf(head.segment);
    const facts: EpisodeFacts = {
      episode: head.episode,
      frames,
      rows: head.rows,
      spannedRows: head.lastRow - head.firstRow + 1,
      isContradictory: head.isContradictory,
      ...context,
    };
    const violations = violationsOf(ownEpisodeRules, facts, type);
    if (violations.length === 0) return;
    refused.push({ segment: head.segment, firstRow: head.firstRow, episodeId: head.episode.episode_id, violations });
  };
  const segments = group.segments.map(({ segment }) => segment);
  const walk = frameWalk(heads, segments, frameFactsCollector(type), judge);
  let frames = 0;
  const session = await engine.open({ threads: 1 });
  try {
    await session.run('SET preserve_insertion_order = true');
    for await (const chunk of session.chunks(framesSql(type, group, way))) {
      walk.take(chunk);
      frames += chunk.rowCount;
      progress({ stage: 'validating', frames, refusedEpisodes: refused.length });
    }
  } finally {
    await session.close();
  }
  walk.end();
  return refused;
}

/** Goes through frames in file order and hands each episode's facts to `judge` when its last frame has come. */
function frameWalk(
  heads: readonly Head[],
  segments: readonly number[],
  collector: ReturnType<typeof frameFactsCollector>,
  judge: (head: Head, frames: FrameFacts) => void,
) {
  let next = 0;
  let missing = 0;
  const startsAt = (segment: number | undefined, row: number | undefined): Head | undefined => {
    const head = heads[next];
    return head?.segment === segment && head?.firstRow === row ? head : undefined;
  };
  const finish = (head: Head): void => {
    judge(head, collector.take());
    next++;
  };
  return {
    take: (chunk: SqlChunk): void => {
      const columns = frameColumns(chunk);
      const files = chunk.numbers(0);
      const rows = chunk.numbers(1);
      let at = 0;
      while (at < chunk.rowCount) {
        const begun = missing > 0 ? heads[next] : undefined;
        const head = begun ?? startsAt(segments[files[at] ?? -1], rows[at]);
        const isTogether = head !== undefined && head.lastRow - head.firstRow + 1 === head.rows;
        if (head !== undefined && isTogether) {
          if (begun === undefined) missing = head.rows;
          const end = Math.min(chunk.rowCount, at + missing);
          collector.add(columns, at, end);
          missing -= end - at;
          at = end;
          if (missing === 0) finish(head);
        } else {
          // Rows of an episode whose frames do not stand together: its head alone says so.
          if (head !== undefined) finish(head);
          at++;
        }
      }
    },
    end: (): void => {
      if (next === heads.length && missing === 0) return;
      throw failure('EngineFailed', `expected ${heads.length} episodes in the order of their rows, got ${next}`);
    },
  };
}

/** The columns of `frameColumns`, in its order, in the order of the files. */
function framesSql(type: RobotType, { segments, absent }: SegmentGroup, way: ReadingWay): string {
  const actions = actionSizeOf(type);
  return `SELECT file_index::INTEGER, file_row_number::INTEGER, coalesce(frame_index, ${missingInt}),
    coalesce(timestamp::DOUBLE, 'nan'::DOUBLE), coalesce(is_correction::INTEGER, -1),
    ${sizeSql('observation')}, ${listSql('observation', type.observations.length, way)},
    ${sizeSql('action')}, ${listSql('action', actions, way)},
    ${sizeSql('expert_action')}, ${listSql('expert_action', actions, way)}
    FROM (SELECT file_index, file_row_number, ${segmentSelect(recordedFrameColumns, absent)} FROM ${filesSql(segments)})`;
}

const sizeSql = (name: string): string => `coalesce(len(${name}), -1)::INTEGER`;

function listSql(name: string, size: number, way: ReadingWay): string {
  const width = Math.max(1, size);
  const nothing = `[${Array.from({ length: width }, () => "'nan'::FLOAT").join(', ')}]`;
  const values = way === 'fast' ? name : `list_transform(${name}, lambda x: coalesce(x, 'nan'::FLOAT))`;
  return `(CASE WHEN len(${name}) = ${width} THEN ${values} ELSE ${nothing} END)::FLOAT[${width}]`;
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
