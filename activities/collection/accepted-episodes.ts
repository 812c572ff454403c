import { correctedInstantSql, recordedOnSql } from '../../datasets/clock.ts';
import { lakeEpisodeColumns, recordedEpisodeColumns, recordedFrameColumns } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { splitSql } from '../../datasets/split.ts';
import { sqlName } from '../../datasets/sql-types.ts';
import type { SqlSession } from '../ports.ts';

/** An episode of a segment. */
export interface EpisodePlace {
  readonly segment: number;
  readonly firstRow: number;
}

const mediaSql =
  `list_transform(from_json(media, '[{"sha256":"VARCHAR","kind":"VARCHAR","startedAt":"BIGINT","durationMs":"BIGINT","key":"VARCHAR"}]'), ` +
  `lambda m: {'sha256': m.sha256, 'kind': m.kind, 'startedAt': ${correctedInstantSql('m."startedAt"', 'skew_us')}, ` +
  `'durationMs': m."durationMs", 'key': m."key"})`;

/**
 * Makes table `accepted`: the loaded episodes but `excluded`, as the lake has them (corrected clock, day, split), with
 * `segment`. Its frames are `acceptedFrames`.
 */
export async function acceptEpisodes(
  session: SqlSession,
  type: RobotType,
  excluded: readonly EpisodePlace[],
): Promise<void> {
  await session.run('CREATE OR REPLACE TEMP TABLE excluded (segment INTEGER, first_row INTEGER)');
  const rows = excluded.map(({ segment, firstRow }) => `(${segment}, ${firstRow})`);
  if (rows.length > 0) await session.run(`INSERT INTO excluded VALUES ${rows.join(', ')}`);
  const recorded = recordedEpisodeColumns
    .filter(({ name }) => name !== 'started_at' && name !== 'media')
    .map(({ name }) => sqlName(name))
    .join(', ');
  const split = splitSql(
    { robotId: 'robot_id', recordedOn: 'recorded_on', startedAtUs: '(started_us - skew_us)' },
    type.split,
  );
  await session.run(
    `CREATE OR REPLACE TEMP TABLE accepted AS SELECT *, ${split} AS split FROM (
      SELECT *, ${recordedOnSql('started_at')} AS recorded_on FROM (
        SELECT segment, skew_us, started_at AS started_us, ${recorded}, ${mediaSql} AS media,
          ${correctedInstantSql('started_at', 'skew_us')} AS started_at, make_timestamptz(received_us) AS received_at
        FROM heads JOIN segments USING (segment) ANTI JOIN excluded USING (segment, first_row)))`,
  );
}

/** Rows for the lake's table of episodes. */
export const acceptedEpisodes = `(SELECT ${lakeEpisodeColumns.map(({ name }) => sqlName(name)).join(', ')} FROM accepted)`;

const otherFrameColumns = recordedFrameColumns
  .filter(({ name }) => name !== 'timestamp')
  .map(({ name }) => `f.${name}`);

/** Rows for the lake's table of frames, with `segment`. */
export const acceptedFrames =
  `(SELECT a.segment, a.episode_id, a.recorded_on, ${correctedInstantSql('f."timestamp"', 'a.skew_us')} AS timestamp, ` +
  `${otherFrameColumns.join(', ')} FROM recorded_frames f JOIN accepted a ` +
  `ON f.segment = a.segment AND f.episode_id = a.episode_id)`;
