import { z } from 'zod';

import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { qualityMeasures } from '../../domain/quality/measure-episode.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable } from '../temp-table.ts';
import { measuredEpisodes } from './measure-quality.ts';
import type { SetPorts } from './ports.ts';
import { measuredOf } from './quality-document.ts';
import { countDoubtful } from './sample-frames.ts';
import { doubtfulEpisodeTable } from './tables.ts';

/** Measures of training episodes by which rows may weigh less; how far the champion is from labels is known of held-out ones only. */
export const doubtBySchema = z
  .array(z.enum(qualityMeasures).exclude(['championDisagreement']))
  .min(1)
  .max(qualityMeasures.length);
export type DoubtBy = z.infer<typeof doubtBySchema>;

/** Episodes that are measured at most, those with the smallest digests; the others are not doubted. */
const mostDoubted = 20_000;

interface Doubt {
  /** Undefined: nothing is doubted. */
  readonly doubtBy?: DoubtBy | undefined;
  /** The first cell of validation. */
  readonly endCell: number;
  readonly datasetVersion: DatasetVersion;
}

/**
 * Makes the temporary table `doubtful_episode`: the episodes of the training cells that lie far out among them in one of the measures. Gives how many frames of
 * the sample are theirs; undefined where nothing is doubted. A function of the lake's version and the episodes alone.
 */
export async function doubtfulFrames(
  ports: Pick<SetPorts, 'lake'>,
  session: SqlSession,
  robotType: RobotType,
  { doubtBy, endCell, datasetVersion }: Doubt,
): Promise<number | undefined> {
  if (doubtBy === undefined) return undefined;
  const relation = `(SELECT m.episode_id, l.robot_id, m.recorded_on FROM mixed_episode AS m JOIN labelled_episode AS l USING (episode_id)
     WHERE m.cell < ${endCell} AND m.body_index = 0)`;
  const episodes = await measuredEpisodes(ports, session, robotType, {
    relation,
    datasetVersion,
    mostEpisodes: mostDoubted,
  });
  const doubtful = new Set(
    doubtBy.flatMap((measure) => measuredOf(measure, episodes).outside.map(({ episodeId }) => episodeId)),
  );
  await session.run(createTable(doubtfulEpisodeTable));
  const ids = [...doubtful].toSorted();
  for (let first = 0; first < ids.length; first += idsAtOnce)
    await session.run(
      `INSERT INTO doubtful_episode SELECT rowid FROM mixed_episode WHERE episode_id IN (${ids
        .slice(first, first + idsAtOnce)
        .map(sqlText)
        .join(', ')})`,
    );
  return countDoubtful(session, endCell);
}

const idsAtOnce = 1_000;
