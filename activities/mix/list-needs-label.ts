import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { splits } from '../../datasets/columns.ts';
import { readBodies } from './bodies.ts';
import { readExclusions } from './exclusions.ts';
import { readHandLabels } from './hand-labels.ts';
import { inScratch } from './in-scratch.ts';
import { rankWaiting, type LabelQueue, type WaitingEpisode } from './label-queue.ts';
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

/** Episodes with frames that have no label, the most valuable first, then the newest; with how many there are in all. It only reads. */
export const listNeedsLabel =
  (ports: SetPorts) =>
  async (input: ListNeedsLabelInput): Promise<LabelQueue<WaitingEpisode>> => {
    const robotType = await readTaughtType(ports.store, input.robotType);
    return inScratch(ports, async (session) => {
      const exclusions = await readExclusions(ports.store);
      const bodies = await readBodies(ports.store, robotType);
      const handLabels = await readHandLabels(ports.store);
      const scope = { robotType, bodies, datasetVersion: input.datasetVersion, splits, exclusions, handLabels };
      await watched(session, ports.progress, 'finding episodes', () =>
        findLabelledEpisodes(session, ports.lake, scope),
      );
      const recorded = await ports.lake.scan('episodes', input.datasetVersion.episodes);
      return rankWaiting(session, { recorded, handLabels, limit: input.limit });
    });
  };
