import { setCurrentDetails, setHandler } from '@temporalio/workflow';

import type { ParsedInput, TrainingOptions } from '../activities/workflow-inputs.ts';
import type { TrainModelInput } from '../activities/training/train-model.ts';
import type { TrainingSetReference } from '../datasets/training-set.ts';
import { dataActivities, fleetActivities, trainingActivities } from './shared/activity-proxies.ts';
import { trainingStatusQuery, type TrainingStatus, type TrainPolicyResult } from './cycle/messages.ts';
import { outcomeTeller } from './shared/outcome.ts';
import { parsedInput } from './shared/parse-input.ts';
import { trainByHalving } from './cycle/search.ts';
import { describeTraining } from './cycle/status-page.ts';
import { operationId } from './shared/run-ids.ts';

/**
 * Retrains a policy on new and old experience and registers what passes every offline gate. A candidate that a gate
 * holds back is not registered; its evaluation stays readable.
 */
export async function trainPolicy(input?: unknown): Promise<TrainPolicyResult> {
  const outcome = outcomeTeller();
  let status: TrainingStatus = { stage: 'mixing' };
  setHandler(trainingStatusQuery, () => status);
  const show = (change: Partial<TrainingStatus>): void => {
    status = { ...status, ...change };
    setCurrentDetails(describeTraining(status));
  };
  const request = await parsedInput('trainPolicy', input);
  const { policy, training, bootstrap, newSince } = request;
  outcome.began(policy);
  const data = dataActivities();
  const fleet = fleetActivities();
  const cycleId = operationId();
  const { robotType, aliases, ...compared } = await fleet.readPolicy(policyAt(request));
  const datasetVersion = request.datasetVersion ?? (await data.readDatasetVersion({ cycleId }));

  show({ stage: 'mixing' });
  const trainingSet = await data.mixExperience({
    cycleId,
    robotType,
    datasetVersion,
    newSince: newSince ?? datasetVersion,
    ...mixOptions(policy, training, aliases),
  });
  const heldout = await data.exportHeldoutSet({
    robotType,
    datasetVersion,
    ...heldoutRows(training, compared),
  });

  show({ stage: 'training', trainRows: trainingSet.trainRows });
  const model = await trainBest({ ...request, cycleId, robotType, trainingSet, champion: aliases.champion }, show);

  show({ stage: 'judging', validationLoss: model.validationLoss });
  const judged = await trainingActivities().evaluateCandidate({
    modelKey: model.modelKey,
    policy,
    robotType,
    heldoutDigest: heldout.digest,
    trainingSetDigest: trainingSet.digest,
    bootstrap,
    evaluationKey: `evaluations/${cycleId}/evaluation.json`,
    ...yardsticksOf(aliases),
  });
  const result = factsOf(trainingSet, model, judged);
  if (judged.passed !== 'pass') {
    show({ stage: 'ended', gates: 'hold', failedGates: result.failedGates });
    outcome.ended('gatesHold');
    return { ...result, outcome: 'gatesHold' };
  }
  show({ stage: 'registering', gates: 'pass' });
  const { version } = await fleet.registerCandidate({
    operationId: cycleId,
    policy,
    robotType,
    modelKey: model.modelKey,
    modelSha256: model.modelSha256,
    evaluationKey: judged.evaluationKey,
    goldenKey: judged.goldenKey,
    datasetVersion,
    trainingSetDigest: trainingSet.digest,
    seed: training.seed,
    hyperparameters: model.hyperparameters,
  });
  show({ stage: 'ended', candidateVersion: version });
  outcome.ended('registered');
  return { ...result, outcome: 'registered', candidateVersion: version };
}

const policyAt = ({ policy, tasksSeq, training: { tasks } }: ParsedInput<'trainPolicy'>) => ({
  policy,
  ...(tasksSeq === undefined ? {} : { tasksSeq }),
  ...(tasks === undefined ? {} : { learnedTasks: tasks }),
});

type Trained = Awaited<ReturnType<ReturnType<typeof trainingActivities>['trainModel']>>;
type Judged = Awaited<ReturnType<ReturnType<typeof trainingActivities>['evaluateCandidate']>>;

const factsOf = ({ digest, trainRows }: TrainingSetReference, model: Trained, judged: Judged) => ({
  trainingSetDigest: digest,
  trainRows,
  metricsKey: model.metricsKey,
  evaluationKey: judged.evaluationKey,
  modelSha256: model.modelSha256,
  accuracyFraction: judged.accuracyFraction,
  failedGates: judged.gates.filter((gate) => gate.outcome === 'fail').map((gate) => gate.id),
});

/** Versions that a candidate is compared with. */
const yardsticksOf = ({ champion, anchor }: { readonly champion?: string; readonly anchor?: string }) => ({
  ...(champion === undefined ? {} : { champion }),
  ...(anchor === undefined ? {} : { anchor }),
});

/** Rows that the candidate and those it is compared with can run: images of the cameras that any of them sees, and as many frames and images as any reads while its chunk is executed. */
const heldoutRows = (
  { cameras: learned = [], history = 1, horizon = 1, execute = horizon, imageHistory = 1 }: TrainingOptions,
  compared: Pick<
    Awaited<ReturnType<ReturnType<typeof fleetActivities>['readPolicy']>>,
    'cameras' | 'history' | 'runs' | 'imageWindows'
  >,
) => {
  const cameras = [...learned, ...(compared.cameras ?? []).filter((name) => !learned.includes(name))];
  const looksBack = learned.length > 0 && (execute > 1 || imageHistory > 1);
  const looking = [...(looksBack ? [{ steps: execute, images: imageHistory }] : []), ...(compared.imageWindows ?? [])];
  const most = Math.max(history + execute - 1, compared.history ?? 1);
  return {
    ...(cameras.length === 0 ? {} : { cameras }),
    ...(most === 1 ? {} : { history: most }),
    ...(execute > 1 || compared.runs === true ? { runs: true } : {}),
    ...(looking.length === 0 ? {} : { imageWindows: looking }),
  };
};

const mixOptions = (
  policy: string,
  { seed, targetFrames, sources, tasks, favourMissed, doubtBy, ...options }: TrainingOptions,
  { champion }: { readonly champion?: string },
) => ({
  seed,
  targetFrames,
  ...camerasOf(options),
  ...historyOf(options),
  ...horizonOf(options),
  ...imageHistoryOf(options),
  ...(sources === undefined ? {} : { sources }),
  ...(tasks === undefined ? {} : { learnedTasks: tasks }),
  ...(favourMissed === true && champion !== undefined ? { favourMissed: { policy, version: champion } } : {}),
  ...(doubtBy === undefined ? {} : { doubtBy }),
});

const camerasOf = ({ cameras }: Pick<TrainingOptions, 'cameras'>) => (cameras === undefined ? {} : { cameras });
const horizonOf = ({ horizon }: Pick<TrainingOptions, 'horizon'>) => (horizon === undefined ? {} : { horizon });
const executeOf = ({ execute }: Pick<TrainingOptions, 'execute'>) => (execute === undefined ? {} : { execute });
const imageHistoryOf = ({ imageHistory }: Pick<TrainingOptions, 'imageHistory'>) =>
  imageHistory === undefined ? {} : { imageHistory };
const historyOf = ({ history }: Pick<TrainingOptions, 'history'>) => (history === undefined ? {} : { history });

interface BestOf {
  readonly cycleId: string;
  readonly policy: string;
  readonly robotType: TrainModelInput['robotType'];
  readonly trainingSet: TrainingSetReference;
  readonly training: TrainingOptions;
  readonly champion: string | undefined;
}

/**
 * One training, or with `search` several in parallel, of which the least validation loss wins, ties by order: true trains all of a grid to
 * their end, an object stops bad ones early.
 */
async function trainBest(wanted: BestOf, show: (change: Partial<TrainingStatus>) => void): Promise<Trained> {
  const { training: options, trainingSet } = wanted;
  const { trainModel, planTraining } = trainingActivities();
  const { trials: planned, rungs } = await planTraining({
    hyperparameters: options.hyperparameters,
    search: options.search,
    ...(typeof options.search === 'object' ? { seed: options.seed } : {}),
    trainRows: trainingSet.trainRows,
    ...(options.trainer.kind === 'command' ? { trainer: { kind: options.trainer.kind } } : {}),
    ...camerasOf(options),
  });
  const trials = planned.map(({ summary, hyperparameters }, index) => ({
    summary,
    input: trialInput(wanted, index, hyperparameters),
  }));
  if (rungs !== undefined) return trainByHalving(trials, rungs, (search) => show({ search }));
  const models = await Promise.all(
    trials.map(({ summary, input }) => trainModel.executeWithOptions({ summary }, [input])),
  );
  return models.reduce((best, model) => (model.validationLoss < best.validationLoss ? model : best));
}

const trialInput = (
  { cycleId, policy, robotType, trainingSet, training: options, champion }: BestOf,
  index: number,
  hyperparameters: TrainModelInput['hyperparameters'],
): TrainModelInput => ({
  runId: `${cycleId}-${index}`,
  trainingSetDigest: trainingSet.digest,
  robotType,
  seed: options.seed,
  trainer: options.trainer,
  hyperparameters,
  ...camerasOf(options),
  ...historyOf(options),
  ...horizonOf(options),
  ...executeOf(options),
  ...imageHistoryOf(options),
  ...(options.warmStart && champion !== undefined ? { startFromVersion: { policy, version: champion } } : {}),
});
