import { join } from 'node:path';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { heldoutSetFile, type HeldoutSetReference } from '../../datasets/training-set.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { RobotTypeReference } from '../../store/records/robot-types.ts';
import { writeArrowFile } from './arrow-file.ts';
import { bodiesOf, readBodies } from './bodies.ts';
import { askedPlacesSql, imagesOfRow, imageWindowsOf, type ImageAsking } from './image-windows.ts';
import { readExclusions } from './exclusions.ts';
import {
  chooseHeldoutEpisodes,
  heldoutEpisodeIds,
  heldoutImageRowsSql,
  heldoutWindowRowsSql,
  heldoutSql,
} from './heldout-episodes.ts';
import { inScratch, readTrainableRobotType } from './in-scratch.ts';
import { findLabelledEpisodes } from './labelled-episodes.ts';
import type { SetPorts } from './ports.ts';
import { pinnedCatalogue } from './mix-manifest.ts';
import { publishSet } from './publish-set.ts';
import { setCameras } from './set-cameras.ts';
import { labelledColumns } from './set-columns.ts';
import { hasWindows, makeWindows, windowColumns, windowNames } from './set-windows.ts';
import { withSetImages, type OpenSetImages } from './set-images.ts';
import { watched } from './watched.ts';

export interface ExportHeldoutSetInput {
  readonly robotType: RobotTypeReference;
  readonly datasetVersion: DatasetVersion;
  /** More held-out episodes than this are thinned out, task by task, by hash. Default 20,000; with images 2,000, whose rows take a hundred times the room. */
  readonly maxEpisodes?: number;
  /** Cameras whose images the rows have; default: none, numbers only. */
  readonly cameras?: readonly string[];
  /** Frames that a row has, the present included; default 1: the present alone. */
  readonly history?: number;
  /** Whether rows say where they lie in their run, for policies that answer chunks; default: they do not. */
  readonly runs?: boolean;
  /** Policies that see other images than that of a row's own frame; those that answer chunks need `runs`. Default: none does. */
  readonly imageWindows?: readonly ImageAsking[];
  /** Rows say which frame of which episode they are; sets of earlier versions do not. */
  readonly identified?: boolean;
}

const heldoutFile = 'heldout.arrow';
const mostEpisodes = { numbers: 20_000, images: 2_000 };

/**
 * Writes the labelled frames of the held-out episodes at a lake version, for the gates. Idempotent by content: the same
 * version and robot type give the same bytes under the same digest. A lake without any gives a set of 0 rows.
 */
export const exportHeldoutSet =
  (ports: SetPorts) =>
  async (input: ExportHeldoutSetInput): Promise<HeldoutSetReference> => {
    const robotType = await readTrainableRobotType(ports, input.robotType);
    const cameras = setCameras(robotType, input.cameras);
    const imageWindows = imageWindowsOf(input.imageWindows ?? []);
    return inScratch(ports, (session, directory) =>
      withSetImages(ports, session, { cameras, directory, images: imagesOfRow(imageWindows) }, (images) =>
        exportWith({ ...ports, images }, session, robotType, { ...input, imageWindows }, directory),
      ),
    );
  };

async function exportWith(
  { images, ...ports }: SetPorts & { readonly images: OpenSetImages },
  session: SqlSession,
  robotType: RobotType,
  input: ExportHeldoutSetInput & { readonly imageWindows: readonly ImageAsking[] },
  directory: string,
): Promise<HeldoutSetReference> {
  const { datasetVersion, cameras = [], identified = true, history = 1, runs = false, imageWindows, ...given } = input;
  const { maxEpisodes = cameras.length === 0 ? mostEpisodes.numbers : mostEpisodes.images } = given;
  const exclusions = await readExclusions(ports.store);
  const bodies = await readBodies(ports.store, robotType);
  const scope = { robotType, bodies, datasetVersion, splits: ['heldout'] as const, exclusions };
  const step = <T>(stage: string, work: () => Promise<T>): Promise<T> => watched(session, ports.progress, stage, work);
  const found = await step('finding held-out episodes', () => findLabelledEpisodes(session, ports.lake, scope));
  await step('finding clips', () => images.keepEpisodes('labelled_episode', datasetVersion.episodes));
  const { episodes, days, robots } = await step('choosing held-out episodes', () =>
    chooseHeldoutEpisodes(session, maxEpisodes),
  );
  const frames = await ports.lake.scan('frames', datasetVersion.frames, { recordedOn: days });
  const around = { frames, robotType, bodies: found.present };
  await step('finding images', () => images.find({ rows: heldoutImageRowsSql(frames), ...around }));
  const windows = { history, runs, rows: heldoutWindowRowsSql(frames), ...around };
  if (hasWindows(windows)) await step('finding frames around', () => makeWindows(session, windows, windows));
  const saysBody = bodiesOf(found).bodies !== undefined;
  const columns = [
    ...labelledColumns(robotType),
    { name: 'episode', kind: 'int32' } as const,
    { name: 'robot', kind: 'int32' } as const,
    ...(saysBody ? [{ name: 'body', kind: 'int32' } as const] : []),
    ...(identified ? [{ name: 'frame', kind: 'int32' } as const] : []),
    ...windowColumns(robotType, windows),
  ];
  const file = await step('writing held-out frames', () =>
    writeArrowFile(
      join(directory, heldoutFile),
      columns,
      session.chunks(
        heldoutSql(robotType, frames, found.present, {
          saysBody,
          saysFrame: identified,
          ...windowNames(windows),
          places: askedPlacesSql(images.places, imageWindows),
        }),
      ),
      ports.progress,
      images.columns(),
    ),
  );
  const imagesSaid = images.facts();
  const manifest = {
    datasetVersion,
    robotType: robotTypeName(robotType),
    robotTypeDigest: robotTypeDigest(robotType),
    tasks: robotType.tasks,
    ...pinnedCatalogue(robotType),
    ...bodiesOf(found),
    episodes,
    robots,
    ...(identified ? { episodeIds: await heldoutEpisodeIds(session) } : {}),
    maxEpisodes,
    ...(exclusions.seq === undefined ? {} : { exclusionsSeq: exclusions.seq }),
    ...(history === 1 ? {} : { history }),
    ...(runs ? { runs } : {}),
    ...(imageWindows.length === 0 ? {} : { imageWindows }),
    ...(imagesSaid === undefined ? {} : { images: imagesSaid }),
    files: { [heldoutFile]: file },
  };
  const digest = await publishSet(ports.store, directory, heldoutSetFile, [heldoutFile], manifest);
  return { digest, rows: file.rows, episodes };
}
