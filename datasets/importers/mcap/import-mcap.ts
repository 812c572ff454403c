import type { RobotType } from '../../robot-type.ts';
import type { ClipToLand } from '../episode-clip.ts';
import type { ImportMap } from '../import-map.ts';
import { ImportError, type ImportInput, type ImportSummary } from '../import-summary.ts';
import { importTables } from '../import-tables.ts';
import type { SourceEpisode } from '../source-episode.ts';
import { refusePointer } from '../source-files.ts';
import type { SourceFile } from '../table.ts';
import { Tally } from '../tally.ts';
import { bagFiles } from './bag-folder.ts';
import { EpisodeImages } from './episode-images.ts';
import type { FrameRule } from './frames-of-messages.ts';
import { McapTable } from './mcap-table.ts';

export interface McapInput extends ImportInput {
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly isAgain: boolean;
  /** Puts a clip into the store, before the episode that names it. */
  readonly landClip: (clip: ClipToLand) => Promise<void>;
}

/** Frames that one message may be shown in: more are no recording, but a rate and an age that do not fit each other. */
const mostFramesOfMessage = 1_000;

/** Imports MCAP files, or the folder of a rosbag2 recording, by a map whose columns are `/topic.field`. */
export async function importMcap(input: McapInput): Promise<ImportSummary> {
  const tally = new Tally();
  const { files, reader, images } = await openMcap(input, tally);
  const { map, landClip, isRegistered } = input;
  const site = typeof map.site === 'string' ? map.site : 'recording';
  const judged = async function* (episodes: AsyncIterable<SourceEpisode>): AsyncGenerator<SourceEpisode> {
    // An episode of a registered robot is refused where it is landed, and leaves no clip behind.
    for await (const episode of episodes)
      yield (await isRegistered(episode.robotId)) ? episode : await images.withClips(episode, site, landClip);
    reader.end();
  };
  return importTables({ ...input, reader, format: 'mcap', files, tally, judged });
}

/** The files of a path and how they are read by a map. `ImportError` for a map that is none for MCAP. */
export async function openMcap(
  { path, map, type }: Pick<McapInput, 'path' | 'map' | 'type'>,
  tally: Tally,
): Promise<{ readonly files: readonly SourceFile[]; readonly reader: McapTable; readonly images: EpisodeImages }> {
  const rule = frameRule(map, type);
  const files = await bagFiles(path, tally);
  for (const file of files) await refusePointer(file.path);
  const images = new EpisodeImages(map, type, tally);
  const isFileAlone = map.episodes.by.kind === 'file';
  const reader = new McapTable({ files, rule, unreadable: map.rows.unreadable, isFileAlone, images, tally });
  return { files, reader, images };
}

function frameRule({ mcap, time }: ImportMap, { rateHz }: RobotType): FrameRule {
  if (mcap === undefined)
    throw new ImportError('map, mcap: expected how frames are made, e.g. {"maxAgeS": 0.5}, got none');
  if (time.kind !== 'log') throw new ImportError(`map, time.kind: expected "log" for MCAP, got "${time.kind}"`);
  const every = mcap.frames === 'rate' ? { periodUs: 1e6 / rateHz } : mcap.frames;
  const most = mostFramesOfMessage / rateHz;
  if (mcap.frames === 'rate' && mcap.maxAgeS > most)
    throw new ImportError(`map, mcap.maxAgeS: expected at most ${most} s at ${rateHz} Hz, got ${mcap.maxAgeS}`);
  return { every, maxAgeUs: mcap.maxAgeS * 1e6 };
}
