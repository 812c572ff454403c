import type { RobotType } from '../../datasets/robot-type.ts';
import { heldoutSetFile, trainingSetFile } from '../../datasets/training-set.ts';
import { copiedState } from '../../policies/evaluation/copied-state.ts';
import type { ErrorOutcome } from '../../policies/evaluation/error-tally.ts';
import type { Disagreement } from '../../policies/evaluation/disagreements.ts';
import { CandidateFailed, evaluateHeldout, type HeldoutAnswers } from '../../policies/evaluation/evaluate-heldout.ts';
import type { HeldoutOutcome } from '../../policies/evaluation/heldout-tally.ts';
import type { TaskOutcome } from '../../policies/evaluation/task-tally.ts';
import type { Miss } from '../../policies/evaluation/misses.ts';
import type { ForeignBody } from '../../policies/evaluation/mapped-session.ts';
import { goldenAnswers } from '../../policies/evaluation/golden.ts';
import type { GoldenAnswers } from '../../policies/golden-answers.ts';
import type { ErrorFacts, HeldoutFacts, Partner, TaskFacts } from '../../policies/gates/index.ts';
import { activeTasks } from '../../datasets/taught-type.ts';
import { policySizes, type PolicySizes } from '../../policies/policy-io.ts';
import type { GraphRuntime, GraphSession } from '../../policies/runtime.ts';
import { seenBy, type SeenCamera } from '../../policies/seen-images.ts';
import { horizonOf } from '../../policies/chunks.ts';
import { imageHistoryOf } from '../../policies/image-windows.ts';
import { framesReadBy, imagesReadBy } from '../../policies/evaluation/executed.ts';
import { historyOf } from '../../policies/windows.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import { setFilePath, type StoredHeldoutSet, type StoredTrainingSet } from '../mix/read-sets.ts';
import type { OpenRows } from '../ports/rows.ts';
import type { Trainers } from '../ports/trainer.ts';
import { noTraining, trainLinear, type LinearBaseline, type Training } from './linear-baseline.ts';
import { modelOpener, type OpenModel } from './model-opener.ts';
import { camerasOfAll, shownMisses, unseenBy, withImages, type Shown, type ShownInSet } from './seen-rows.ts';
import { commonestLabel } from './commonest-label.ts';
import { heldoutTraffic, taskTraffic } from './task-traffic.ts';

export interface ComparisonPorts {
  readonly store: ObjectStore;
  /** Runs the models that are judged; what they do must not harm the worker. */
  readonly runtime: GraphRuntime;
  readonly openRows: OpenRows;
  readonly trainers: Trainers;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

export interface VersionKey {
  readonly version: string;
  readonly key: string;
  /** So many of the first indexes of the tasks; what else is asked of robots, nobody asks it. */
  readonly knownTasks: number;
  /** Where it was made for another body; a text: why its answers cannot be read for this one. */
  readonly body?: ForeignBody | string | undefined;
}

export interface ComparisonInput {
  readonly type: RobotType;
  /** What the candidate was trained on; undefined for a model that was not trained here. */
  readonly training: { readonly set: StoredTrainingSet; readonly digest: string } | undefined;
  readonly heldoutSet: StoredHeldoutSet;
  readonly heldoutDigest: string;
  readonly candidate: string;
  readonly champion: VersionKey | undefined;
  readonly anchor: VersionKey | undefined;
}

export interface HeldoutComparison {
  readonly facts: HeldoutFacts;
  readonly outcome: HeldoutOutcome;
  /** Names of the robots whose numbers the outcome has. */
  readonly robotIds: readonly string[];
  /** Those whose numbers the outcome has; empty for a set of one body. */
  readonly bodies: StoredHeldoutSet['bodies'];
  readonly golden: GoldenAnswers;
  /** Cameras that the candidate sees, at their learned sizes; empty for one of readings alone. */
  readonly cameras: readonly SeenCamera[];
  /** Frames that the candidate reads at once; 1 for the present alone. */
  readonly history: number;
  /** Actions that the candidate answers at once; 1 for the present one alone. */
  readonly horizon: number;
  /** Images of a camera that the candidate sees at once; 1 for the present ones alone. */
  readonly imageHistory: number;
  /** Where candidate and champion differ most, with what the cameras showed; empty where neither sees. */
  readonly disagreements: readonly (Disagreement & Shown)[];
  /** Where the candidate is surest and wrong; of the first, what the cameras showed. */
  readonly misses: readonly (Miss & Partial<Shown>)[];
  /** Ids of the episodes by number; undefined where the set does not say. */
  readonly episodeIds: readonly string[] | undefined;
  /** What a person should know, e.g. why a baseline is missing. */
  readonly notes: readonly string[];
}

/** Runs the candidate, the versions it must not fall behind and two plain baselines over the held-out rows, once. */
export async function compareOnHeldout(ports: ComparisonPorts, input: ComparisonInput): Promise<HeldoutComparison> {
  const { type } = input;
  const sizes = policySizes(type);
  if (sizes === undefined) throw failure('InvalidInput', `expected a robot type with actions, got ${type.id}`);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(resource: T): T => {
    opened.push(resource);
    return resource;
  };
  const heldoutPath = await setFilePath(
    ports.store,
    heldoutSetFile(input.heldoutDigest, 'heldout.arrow'),
    input.heldoutSet,
  );
  const openModel = modelOpener(ports, type, sizes, keep);
  try {
    const training = await openTraining(ports, input, sizes);
    if (training !== undefined) keep(training.rows);
    const readings = keep(await ports.openRows(heldoutPath, sizes));
    const candidate = await openModel(input.candidate, sizes.taskCount);
    const shown = shownIn(readings, input.heldoutSet);
    const blind = unseenBy(candidate, shown);
    if (blind !== undefined) throw new CandidateFailed(blind);
    const champion = await tryPartner(input.champion, openModel, shown);
    const anchor = await tryPartner(input.anchor, openModel, shown);
    const linear: LinearBaseline = training === undefined ? noTraining : await trainLinear(ports, input.type, training);
    if (linear.session !== undefined) keep(linear.session);
    const others = othersOf({ champion, anchor, linear }, type);
    const { cameras, history, imageHistory } = readByAll([candidate, ...Object.values(others)], sizes);
    const isPlain = cameras.length === 0 && history === 1;
    const source = isPlain ? readings : keep(await ports.openRows(heldoutPath, sizes, cameras, history, imageHistory));
    const judged = await evaluateHeldout({
      type,
      sizes,
      source,
      cameras,
      imageHistory,
      candidate,
      others,
      ...(champion.session === undefined ? {} : { reference: 'champion' }),
      knownTasks: { champion: input.champion?.knownTasks, anchor: input.anchor?.knownTasks },
      majorityLabel:
        sizes.head === 'discrete' && training !== undefined
          ? await commonestLabel(training.rows, sizes.actionSize)
          : undefined,
      progress: ports.progress,
      monotonicMs: () => performance.now(),
    });
    const active = new Set(activeTasks(type));
    const outcome = { ...judged, tasks: judged.tasks.filter(({ task }) => active.has(task)) };
    const traffic = trafficOf(input, outcome.tasks);
    return {
      facts: heldoutFacts(outcome, traffic, { champion, anchor }),
      outcome,
      robotIds: input.heldoutSet.robots,
      bodies: input.heldoutSet.bodies,
      golden: await goldenAnswers(candidate, type, sizes),
      cameras: seenBy(candidate, sizes.cameras),
      history: historyOf(candidate),
      horizon: horizonOf(candidate),
      imageHistory: imageHistoryOf(candidate),
      disagreements: await withImages(judged.disagreements, source, cameras),
      misses: await shownMisses(judged.misses, source, seenBy(candidate, sizes.cameras)),
      episodeIds: input.heldoutSet.episodeIds,
      notes: linear.notes,
    };
  } finally {
    for (const resource of opened.toReversed()) await resource.close();
  }
}

const shownIn = (
  { hasRuns = false, history = 1, imageCameras = [] }: ShownInSet,
  { imageWindows }: StoredHeldoutSet,
): ShownInSet => ({ hasRuns, history, imageCameras, imageWindows });

/** What rows need to have for all of them. */
const readByAll = (models: readonly GraphSession[], sizes: PolicySizes) => ({
  cameras: camerasOfAll(models, sizes),
  history: Math.max(...models.map(framesReadBy)),
  imageHistory: Math.max(...models.map(imagesReadBy)),
});

/** Whom the candidate is held against, by name. */
function othersOf(
  { champion, anchor, linear }: Readonly<Record<'champion' | 'anchor' | 'linear', { readonly session?: GraphSession }>>,
  type: RobotType,
): Readonly<Record<string, GraphSession>> {
  const copied = copiedState(type);
  return {
    ...(champion.session === undefined ? {} : { champion: champion.session }),
    ...(anchor.session === undefined ? {} : { anchor: anchor.session }),
    ...(linear.session === undefined ? {} : { linear: linear.session }),
    ...(copied === undefined ? {} : { copy: copied }),
  };
}

const heldoutFacts = (
  outcome: HeldoutAnswers,
  traffic: readonly number[],
  { champion, anchor }: Readonly<Record<'champion' | 'anchor', ComparedVersion>>,
): HeldoutFacts => ({
  singles: outcome.singles,
  episodes: outcome.episodes,
  frames: outcome.frames,
  agreeingFrames: outcome.agreeingFrames,
  champion: champion.partner(outcome.others['champion']?.sums),
  anchor: anchor.partner(outcome.others['anchor']?.sums),
  tasks: outcome.tasks.map((task, index) => taskFacts(task, traffic[index] ?? 0)),
  labels: outcome.labels,
  ...(outcome.errors === undefined ? {} : { errors: errorFacts(outcome.errors) }),
});

/** Share of the robots' work by active task. */
const trafficOf = ({ training }: ComparisonInput, tasks: readonly TaskOutcome[]): readonly number[] =>
  training === undefined
    ? heldoutTraffic(tasks)
    : taskTraffic(
        training.set.strata,
        tasks.map(({ task }) => task),
      );

function taskFacts(
  { task, episodes, discordant, agreement, unknownTo }: TaskOutcome,
  trafficFraction: number,
): TaskFacts {
  const { onlyNew = 0, onlyOld = 0 } = discordant['champion'] ?? {};
  const sums = agreement['champion'];
  return {
    task,
    episodes,
    onlyNewEpisodes: onlyNew,
    onlyOldEpisodes: onlyOld,
    ...(sums === undefined ? {} : { agreement: sums }),
    trafficFraction,
    ...(unknownTo.includes('champion') ? { isNew: true } : {}),
  };
}

function errorFacts({ byAction, paired }: ErrorOutcome): ErrorFacts {
  const [champion, copy, linear] = ['champion', 'copy', 'linear'].map((name) => paired.get(name));
  return {
    byAction,
    ...(champion === undefined ? {} : { champion }),
    ...(copy === undefined ? {} : { copy }),
    ...(linear === undefined ? {} : { linear }),
  };
}

async function openTraining(
  ports: ComparisonPorts,
  { training }: ComparisonInput,
  sizes: PolicySizes,
): Promise<Training | undefined> {
  if (training === undefined) return undefined;
  const path = (name: 'train.arrow' | 'validation.arrow'): Promise<string> =>
    setFilePath(ports.store, trainingSetFile(training.digest, name), training.set);
  const trainPath = await path('train.arrow');
  return {
    trainPath,
    validationPath: await path('validation.arrow'),
    validationRows: training.set.files['validation.arrow']?.rows ?? 0,
    rows: await ports.openRows(trainPath, sizes),
  };
}

type Sums = HeldoutOutcome['others'][string]['sums'];

interface ComparedVersion {
  readonly session?: GraphSession;
  readonly partner: (sums: Sums | undefined) => Partner;
}

/** A version that cannot run on this robot type's data is no reason to fail the activity, but its gates fail. */
async function tryPartner(
  version: VersionKey | undefined,
  openModel: OpenModel,
  shown: ShownInSet,
): Promise<ComparedVersion> {
  if (version === undefined) return { partner: () => ({ kind: 'none' }) };
  const broken = (reason: string): Partner => ({ kind: 'broken', version: version.version, reason });
  try {
    const session = await openModel(version.key, version.knownTasks, version.body);
    const blind = unseenBy(session, shown);
    if (blind !== undefined) return { partner: () => broken(blind) };
    return {
      session,
      partner: (sums) =>
        sums === undefined ? broken('it was not run') : { kind: 'compared', version: version.version, sums },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { partner: () => broken(reason) };
  }
}
