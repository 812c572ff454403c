import { rename, stat } from 'node:fs/promises';
import path from 'node:path';

import { fileSha256 } from '../../../datasets/landing.ts';
import { writeSegment } from '../../../datasets/recorder.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../../datasets/robot-type.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { syncDirectory, syncFile } from '../local/durable-files.ts';
import type { AtPoint } from '../local/kill-points.ts';
import { segmentRows, shiftUs, skewOf } from './segment-rows.ts';
import { segmentName, type ShelvedSegment } from './segment-shelf.ts';
import type { RecordOf } from './spool-record.ts';
import { worthOf, worths, type SpoolContent, type SpooledEpisode } from './spooled-episodes.ts';

export interface MakeSegmentsPorts {
  readonly robotId: string;
  readonly robotType: RobotType;
  readonly directory: string;
  readonly at: AtPoint;
}

/**
 * Turns a sealed spool into segments, one for each worth that it holds, so that a full disk can give up whole files. The
 * same spool gives the same files: doing it again after a crash changes nothing.
 */
export async function makeSegments(
  { robotId, robotType, directory, at }: MakeSegmentsPorts,
  spoolNumber: string,
  { episodes, seal, clips }: SpoolContent,
): Promise<readonly ShelvedSegment[]> {
  if (seal === undefined) throw new Error(`expected a sealed spool, got an open one [spool=${spoolNumber}]`);
  // A process records by one body, and begins a spool of its own.
  const { id, version, digest } = episodes[0]?.begin.robotType ?? {
    ...robotType,
    digest: robotTypeDigest(robotType),
  };
  const by = { robotId, site: seal.site, robotType: { id, version } };
  const footer = {
    robotId,
    robotType: robotTypeName({ id, version }),
    robotTypeDigest: digest,
    agentVersion: seal.agentVersion,
    clockSkewMs: skewOf(seal),
  };
  const latestMs = latestMsOf(episodes);
  const made: ShelvedSegment[] = [];
  for (const worth of worths) {
    const chosen = episodes.filter((episode) => worthOf(episode) === worth);
    if (chosen.length === 0) continue;
    const temporary = path.join(directory, `${spoolNumber}.${worth}.tmp`);
    await writeSegment(rowsOf({ episodes: chosen, clips }, by, seal, latestMs), footer, temporary);
    at('segment.written');
    await syncFile(temporary);
    const sha256 = await fileSha256(temporary);
    const name = segmentName(spoolNumber, worth, chosen.length, sha256);
    const { size: sizeBytes } = await stat(temporary);
    await rename(temporary, path.join(directory, name));
    at('segment.named');
    made.push({ name, worth, episodes: chosen.length, sha256, sizeBytes });
  }
  await syncDirectory(directory);
  return made;
}

/** A spool's last instant, by the robot's clock. */
export const latestMsOf = (episodes: readonly SpooledEpisode[]): number =>
  Math.max(0, ...episodes.map(({ end }) => end.endedAtUs / 1000));

function* rowsOf(
  { episodes, clips }: Pick<SpoolContent, 'episodes' | 'clips'>,
  by: Parameters<typeof segmentRows>[1],
  seal: RecordOf<'seal'>,
  latestMs: number,
): Generator<SegmentRow> {
  for (const episode of episodes) {
    const { begin } = episode;
    yield* segmentRows(episode, by, shiftUs(begin, seal, latestMs), clips.get(begin.episodeId));
  }
}
