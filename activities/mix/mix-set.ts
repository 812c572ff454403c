import { join } from 'node:path';
import { rowWeights, type RowWeights } from '../../datasets/mix/row-weights.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { trainingSetFile, type TrainingSetReference } from '../../datasets/training-set.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlSession } from '../ports/sql.ts';
import { writeArrowFile } from './arrow-file.ts';
import { ownBody, readBodies } from './bodies.ts';
import { readExclusions } from './exclusions.ts';
import { doubtfulFrames, type DoubtBy } from './doubtful-episodes.ts';
import { countFavoured } from './favoured-labels.ts';
import { readHandLabels, withHandLabels } from './hand-labels.ts';
import { countLabelGaps } from './label-gaps.ts';
import { daysOf, findLabelledEpisodes } from './labelled-episodes.ts';
import { learnedTasks } from './learned-tasks.ts';
import { mixManifest } from './mix-manifest.ts';
import { chooseEpisodes, firstValidationCell, planCells } from './mixed-episodes.ts';
import type { SetPorts } from './ports.ts';
import { publishSet } from './publish-set.ts';
import type { Source } from './source-schema.ts';
import { resolveSources, sourceName } from './sources.ts';
import {
  countBodies,
  countSample,
  imageRowsSql,
  keepSampledWithImages,
  sampleFrames,
  sampleSql,
  windowRowsSql,
  type CellCount,
} from './sample-frames.ts';
import { setCameras } from './set-cameras.ts';
import { withSetImages, type OpenSetImages } from './set-images.ts';
import { labelledColumns } from './set-columns.ts';
import { hasWindows, makeWindows, windowColumns, windowNames, type SetWindows } from './set-windows.ts';
import { watched } from './watched.ts';

export interface MixOptions {
  readonly datasetVersion: DatasetVersion;
  readonly newSince: DatasetVersion;
  readonly seed: number;
  readonly targetFrames: number;
  readonly newFraction: number;
  readonly historyEpisodesPerRobot: number;
  readonly correctionWeight: number;
  readonly correctionShareCap: number;
  /** Several data sets by weight; without it all of the robot type. */
  readonly sources?: readonly Source[] | undefined;
  /** The only tasks to learn, the others being replayed; without it every active task. */
  readonly learnedTasks?: readonly string[] | undefined;
  /** Cameras whose images the rows have; none: numbers only. */
  readonly cameras?: readonly string[] | undefined;
  /** Actions whose frames enter first; without it all alike. */
  readonly favouredLabels?: readonly string[] | undefined;
  /** Measures in which episodes that lie far out weigh less; without it all weigh alike. */
  readonly doubtBy?: DoubtBy | undefined;
  /** Frames that a row has, the present included; without it the present alone. */
  readonly history?: number | undefined;
  /** Actions that a row has, the present one included; without it that alone. */
  readonly horizon?: number | undefined;
  /** Images of each camera that a row has, that of its own frame included; without it that alone. */
  readonly imageHistory?: number | undefined;
}

/** To make a set again that was swept. */
export interface MadeBefore {
  /** What the exclusions were when line `exclusionsSeq` of their log was the last; −1: before the first. */
  readonly exclusionsSeq: number;
  /** The same of the log of labels by hand. */
  readonly labelsSeq: number;
  /** Names of the bodies whose rows entered; undefined: the set's own alone. */
  readonly bodies: readonly string[] | undefined;
  readonly leftOut: readonly string[];
  /** Fails with `Conflict`, and publishes nothing, when it comes out otherwise. */
  readonly digest: string;
}

/** Validation is a tenth of the target, at most this: enough to tell two losses apart, read once an epoch. */
const maxValidationFrames = 200_000;
const validationFraction = 0.1;

const trainFile = 'train.arrow';
const validationFile = 'validation.arrow';

/** The whole of a mix in one session, from the episodes of the lake to the published set; files pass through `directory`. */
export async function mixSet(
  ports: SetPorts,
  session: SqlSession,
  robotType: RobotType,
  given: MixOptions,
  directory: string,
  madeBefore?: MadeBefore,
): Promise<TrainingSetReference> {
  const cameras = setCameras(robotType, given.cameras);
  return withSetImages(ports, session, { cameras, directory, images: given.imageHistory }, (images) =>
    mixWith({ ...ports, images }, session, robotType, given, directory, madeBefore),
  );
}

async function mixWith(
  { images, ...ports }: SetPorts & { readonly images: OpenSetImages },
  session: SqlSession,
  robotType: RobotType,
  given: MixOptions,
  directory: string,
  madeBefore?: MadeBefore,
): Promise<TrainingSetReference> {
  const step = <T>(stage: string, work: () => Promise<T>): Promise<T> => watched(session, ports.progress, stage, work);
  const splits = ['train', 'validation'] as const;
  const options = { ...given, learnedTasks: learnedTasks(robotType, given.learnedTasks) };
  const { datasetVersion, newSince } = options;
  const { exclusions, handLabels, logs } = await saidByPersons(ports.store, madeBefore);
  const bodies = await bodiesFor(ports.store, robotType, madeBefore);
  const { sources, sets } = await sourcesAndSets(ports.store, robotType, options.sources, bodies.read);
  const scope = { robotType, bodies, datasetVersion, newSince, splits, exclusions, handLabels, sources };
  const found = await step('finding episodes', () => findLabelledEpisodes(session, ports.lake, scope));
  await step('choosing episodes', () => chooseEpisodes(session, robotType, { ...options, sets: sets.length }));
  await step('finding clips', () => images.keepEpisodes('mixed_episode', datasetVersion.episodes));
  const validationFrames = Math.min(maxValidationFrames, Math.ceil(options.targetFrames * validationFraction));
  const cells = await planCells(session, robotType, { ...options, validationFrames, sources: sets });
  const boundary = firstValidationCell(robotType.tasks, sets.length);
  const favoured = favouredIn(robotType, options.favouredLabels, boundary);
  const recordedOn = await daysOf(session, 'mixed_episode');
  const frames = withHandLabels(await ports.lake.scan('frames', datasetVersion.frames, { recordedOn }), handLabels);
  const shapes = { robotType, bodies: found.present, hasImages: images.places.length > 0 };
  await step('sampling frames', () =>
    sampleFrames(session, frames, { ...shapes, hasWindows: hasWindows(options), favoured }, options.seed, cells),
  );
  const around = { frames, robotType, bodies: found.present };
  await step('finding images', () => images.find({ rows: imageRowsSql, ...around }, keepSampledWithImages));
  const windowRows = { rows: windowRowsSql, ...around };
  if (hasWindows(options)) await step('finding frames around', () => makeWindows(session, windowRows, options));
  const counts = await step('counting frames', () => countSample(session, cells));
  const gaps = await step('counting labels', () => countLabelGaps(session, handLabels, options.learnedTasks));

  const train = counts.filter(({ cell }) => cell.source !== 'validation');
  const doubtful = await step('measuring quality', () =>
    doubtfulFrames(ports, session, robotType, { ...options, endCell: boundary }),
  );
  const weights = weightsOf(robotType, train, { ...options, doubtful });
  const takenFrames = found.present.length > 1 ? await countBodies(session, boundary) : undefined;
  const files = await step('writing files', () =>
    writeFiles({ ...ports, images }, session, { robotType, boundary, weights, directory, windows: options }),
  );
  const manifest = mixManifest({
    robotType,
    options,
    found: { ...found, takenFrames },
    sources,
    train,
    weights,
    gaps,
    files,
    images: images.facts(),
    ...logs,
    favoured: favoured && (await countFavoured(session, favoured.labels, boundary)),
    doubtful,
  });
  const digest = await publishSet(
    ports.store,
    directory,
    trainingSetFile,
    [trainFile, validationFile],
    manifest,
    madeBefore?.digest,
  );
  return { digest, trainRows: files[trainFile].rows, validationRows: files[validationFile].rows };
}

/** All that is said now of episodes and frames; for a set that is made again, what was said then. */
async function saidByPersons(store: ObjectStore, madeBefore: MadeBefore | undefined) {
  const exclusions = await readExclusions(store, madeBefore?.exclusionsSeq);
  const handLabels = await readHandLabels(store, madeBefore?.labelsSeq);
  return { exclusions, handLabels, logs: { exclusionsSeq: exclusions.seq, labelsSeq: handLabels.seq } };
}

/** What a set is made of, with the weight of each part; without sources all of the robot type's own. */
async function sourcesAndSets(
  store: ObjectStore,
  robotType: RobotType,
  asked: MixOptions['sources'],
  read: Parameters<typeof resolveSources>[3],
) {
  const sources = asked && (await resolveSources(store, robotType, asked, read));
  const sets = sources?.map((source) => ({ weight: source.weight, name: sourceName(source) })) ?? [
    { weight: 1, name: robotTypeName(robotType) },
  ];
  return { sources, sets };
}

/** The favoured labels by their place, in training cells alone. */
function favouredIn({ actions }: RobotType, labels: readonly string[] | undefined, endCell: number) {
  if (labels === undefined || actions.kind !== 'discrete') return undefined;
  const { names } = actions;
  return { labels: labels.map((label) => names.indexOf(label)), endCell };
}

/** Training rows are those of the cells before `boundary`; validation rows all weigh the same. */
async function writeFiles(
  { images, progress }: SetPorts & { readonly images: OpenSetImages },
  session: SqlSession,
  set: {
    readonly robotType: RobotType;
    readonly boundary: number;
    readonly weights: RowWeights;
    readonly directory: string;
    readonly windows: SetWindows;
  },
) {
  const columns = [
    ...labelledColumns(set.robotType),
    { name: 'weight', kind: 'float32' } as const,
    ...windowColumns(set.robotType, set.windows),
  ];
  const behind = { ...windowNames(set.windows), places: images.places };
  const write = (file: string, cells: string, weights: Parameters<typeof sampleSql>[1]) =>
    writeArrowFile(
      join(set.directory, file),
      columns,
      session.chunks(sampleSql(cells, weights, behind)),
      progress,
      images.columns(),
    );
  return {
    [trainFile]: await write(trainFile, `cell < ${set.boundary}`, set.weights),
    [validationFile]: await write(validationFile, `cell >= ${set.boundary}`, { correction: 1, other: 1 }),
  };
}

/** All that is known now; for a set that is made again, what it was made of. */
async function bodiesFor(store: ObjectStore, robotType: RobotType, madeBefore: MadeBefore | undefined) {
  if (madeBefore === undefined) return readBodies(store, robotType);
  const { bodies = [], leftOut } = madeBefore;
  return bodies.length + leftOut.length === 0
    ? ownBody(robotType)
    : readBodies(store, robotType, [...bodies, ...leftOut]);
}

function weightsOf(
  robotType: RobotType,
  train: readonly CellCount[],
  options: MixOptions & { readonly doubtful: number | undefined },
) {
  const frames = train.reduce((sum, count) => sum + count.frames, 0);
  if (frames === 0) {
    const seen = (options.cameras ?? []).join(' and ');
    const what = seen === '' ? 'labelled frames' : `labelled frames with images of ${seen}`;
    throw failure('TrainingImpossible', `expected ${what} to learn from, got none: collect or label some`, {
      coordinates: { robotType: robotTypeName(robotType), ...options.datasetVersion },
    });
  }
  return rowWeights({
    frames,
    corrections: train.reduce((sum, count) => sum + count.corrections, 0),
    correctionWeight: options.correctionWeight,
    shareCap: options.correctionShareCap,
    doubtful: options.doubtful,
  });
}
