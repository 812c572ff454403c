import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { splits } from '../../datasets/columns.ts';
import { readBodies } from './bodies.ts';
import { readExclusions } from './exclusions.ts';
import { readHandLabels } from './hand-labels.ts';
import { inScratch } from './in-scratch.ts';
import { findLabelledEpisodes } from './labelled-episodes.ts';
import type { SetPorts } from './ports.ts';
import { watched } from './watched.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';

export interface ListNeedsLabelInput {
  readonly robotType: RobotTypeReference;
  readonly datasetVersion: DatasetVersion;
  /** Most episodes to list. */
  readonly limit: number;
}

export interface NeedsLabelEpisode {
  readonly episodeId: string;
  readonly robotId: string;
  readonly task: string;
  readonly outcome: string;
  readonly split: string;
  readonly recordedOn: string;
  readonly frames: number;
  readonly unlabelledFrames: number;
}

export interface ListNeedsLabelResult {
  readonly totalEpisodes: number;
  readonly totalFrames: number;
  readonly episodes: readonly NeedsLabelEpisode[];
}

/** Episodes with frames that have no label, failures first, then the newest; with how many there are in all. It only reads. */
export const listNeedsLabel =
  (ports: SetPorts) =>
  async (input: ListNeedsLabelInput): Promise<ListNeedsLabelResult> => {
    const robotType = await readTaughtType(ports.store, input.robotType);
    return inScratch(ports, async (session) => {
      const exclusions = await readExclusions(ports.store);
      const bodies = await readBodies(ports.store, robotType);
      const handLabels = await readHandLabels(ports.store);
      const scope = { robotType, bodies, datasetVersion: input.datasetVersion, splits, exclusions, handLabels };
      await watched(session, ports.progress, 'finding episodes', () =>
        findLabelledEpisodes(session, ports.lake, scope),
      );
      const waiting = 'FROM labelled_episode WHERE labelled_count + left_out_count < frame_count';
      const [totals] = await session.rows(
        `SELECT count(*) AS episodes, coalesce(sum(frame_count - labelled_count - left_out_count), 0) AS frames ${waiting}`,
      );
      const rows = await session.rows(
        `SELECT * ${waiting} ORDER BY outcome <> 'failure', recorded_on DESC, episode_id DESC LIMIT ${input.limit}`,
      );
      return {
        totalEpisodes: Number(totals?.['episodes']),
        totalFrames: Number(totals?.['frames']),
        episodes: rows.map((row) => ({
          episodeId: row['episode_id'] as string,
          robotId: row['robot_id'] as string,
          task: row['task'] as string,
          outcome: row['outcome'] as string,
          split: row['split'] as string,
          recordedOn: row['recorded_on'] as string,
          frames: Number(row['frame_count']),
          unlabelledFrames: Number(row['frame_count']) - Number(row['labelled_count']) - Number(row['left_out_count']),
        })),
      };
    });
  };
