import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { RowWeights } from '../../datasets/mix/row-weights.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import type { SetImages, SourceCount, StratumCount, TrainingSetManifest } from '../../datasets/training-set.ts';
import { referenceOf } from '../../store/records/robot-types.ts';
import { failure } from '../../store/failures.ts';
import { bodiesOf, type FoundBodies } from './bodies.ts';
import type { LabelGaps } from './label-gaps.ts';
import type { Source } from './source-schema.ts';
import { sourceName, type ResolvedSource } from './sources.ts';
import type { CellCount } from './sample-frames.ts';

export interface MixFacts {
  readonly robotType: RobotType;
  readonly options: {
    readonly datasetVersion: DatasetVersion;
    readonly seed: number;
    readonly targetFrames: number;
    readonly newFraction: number;
    readonly newSince: DatasetVersion;
    readonly historyEpisodesPerRobot: number;
    readonly correctionWeight: number;
    readonly correctionShareCap: number;
    readonly sources?: readonly Source[] | undefined;
    readonly learnedTasks?: readonly string[] | undefined;
    readonly cameras?: readonly string[] | undefined;
    readonly favouredLabels?: readonly string[] | undefined;
    readonly doubtBy?: readonly string[] | undefined;
    readonly history?: number | undefined;
    readonly horizon?: number | undefined;
    readonly imageHistory?: number | undefined;
  };
  readonly found: FoundBodies;
  readonly sources: readonly ResolvedSource[] | undefined;
  /** Training cells, without validation. */
  readonly train: readonly CellCount[];
  readonly weights: RowWeights;
  readonly gaps: LabelGaps;
  readonly files: TrainingSetManifest['files'];
  /** Undefined for a set without cameras. */
  readonly images: SetImages | undefined;
  readonly exclusionsSeq: number | undefined;
  readonly labelsSeq: number | undefined;
  readonly favoured: TrainingSetManifest['favoured'] | undefined;
  /** Frames of doubtful episodes; undefined where none is doubted. */
  readonly doubtful: number | undefined;
}

/** Everything the set was made from and what went into it; the same facts give the same manifest. */
export function mixManifest(facts: MixFacts): TrainingSetManifest {
  const { robotType, options, train, weights } = facts;
  const framesOf = (source: string): number =>
    train.reduce((sum, { cell, frames }) => (cell.source === source ? sum + frames : sum), 0);
  return {
    datasetVersion: options.datasetVersion,
    robotType: robotTypeName(robotType),
    robotTypeDigest: robotTypeDigest(robotType),
    tasks: robotType.tasks,
    ...pinnedCatalogue(robotType),
    actions: actionsOf(robotType),
    observationNames: robotType.observations.map(({ name }) => name),
    seed: options.seed,
    targetFrames: options.targetFrames,
    newFraction: options.newFraction,
    strata: strataOf(train),
    newFrames: framesOf('new'),
    historyFrames: framesOf('history'),
    effectiveFrames: weights.effectiveFrames,
    correctionShareBeforeCap: weights.correctionShareBeforeCap,
    correctionShareAfterCap: weights.correctionShareAfterCap,
    ...facts.gaps,
    ...(facts.exclusionsSeq === undefined ? {} : { exclusionsSeq: facts.exclusionsSeq }),
    ...(facts.labelsSeq === undefined ? {} : { labelsSeq: facts.labelsSeq }),
    recipe: recipeOf(options),
    ...bodiesOf(facts.found),
    ...(facts.sources === undefined ? {} : { sources: sourcesOf(facts.sources, train) }),
    ...(facts.images === undefined ? {} : { images: facts.images }),
    ...(facts.favoured === undefined ? {} : { favoured: facts.favoured }),
    ...doubtfulPart(facts),
    files: facts.files,
  };
}

const doubtfulPart = ({ doubtful: takenFrames, weights }: MixFacts): Pick<TrainingSetManifest, 'doubtful'> =>
  takenFrames === undefined || weights.doubtful === undefined
    ? {}
    : { doubtful: { takenFrames, weight: weights.doubtful / weights.other } };

/** Which state of the policy's task catalogue a set was made with; nothing where the robot type's tasks are all. */
export function pinnedCatalogue(robotType: RobotType): Pick<TrainingSetManifest, 'catalogue'> {
  const { catalogue } = referenceOf(robotType);
  return catalogue === undefined ? {} : { catalogue };
}

/** What else it takes to make the set again. */
const recipeOf = (options: MixFacts['options']): NonNullable<TrainingSetManifest['recipe']> => ({
  newSince: options.newSince,
  historyEpisodesPerRobot: options.historyEpisodesPerRobot,
  correctionWeight: options.correctionWeight,
  correctionShareCap: options.correctionShareCap,
  ...(options.sources === undefined ? {} : { sources: options.sources }),
  ...(options.learnedTasks === undefined ? {} : { learnedTasks: options.learnedTasks }),
  ...(options.cameras === undefined || options.cameras.length === 0 ? {} : { cameras: options.cameras }),
  ...(options.favouredLabels === undefined ? {} : { favouredLabels: options.favouredLabels }),
  ...(options.doubtBy === undefined ? {} : { doubtBy: options.doubtBy }),
  ...(options.history === undefined ? {} : { history: options.history }),
  ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
  ...(options.imageHistory === undefined ? {} : { imageHistory: options.imageHistory }),
});

const sourcesOf = (sources: readonly ResolvedSource[], train: readonly CellCount[]): readonly SourceCount[] =>
  sources.map((source, set) => {
    const own = train.filter(({ cell }) => cell.set === set);
    return {
      name: sourceName(source),
      weight: source.weight,
      availableFrames: own.reduce((sum, { cell }) => sum + cell.availableFrames, 0),
      takenFrames: own.reduce((sum, { frames }) => sum + frames, 0),
    };
  });

/** Kinds of a task taken together, in the order of source and task. */
function strataOf(train: readonly CellCount[]): readonly StratumCount[] {
  const strata = new Map<string, StratumCount>();
  for (const { cell, frames } of train.toSorted((a, b) => a.cell.number - b.cell.number)) {
    const { source, task } = cell;
    if (source === 'validation') continue;
    const known = strata.get(`${source}/${task}`);
    strata.set(`${source}/${task}`, {
      source,
      task,
      availableFrames: (known?.availableFrames ?? 0) + cell.availableFrames,
      takenFrames: (known?.takenFrames ?? 0) + frames,
    });
  }
  return [...strata.values()];
}

function actionsOf({ id, actions }: RobotType): TrainingSetManifest['actions'] {
  if (actions.kind === 'discrete') return { kind: 'discrete', names: actions.names };
  if (actions.kind === 'continuous') return { kind: 'continuous', size: actions.ranges.length };
  throw failure('InvalidInput', 'expected a robot type with actions to learn, got one whose recordings have none', {
    coordinates: { robotType: id },
  });
}
