import type { RobotType } from '../../datasets/robot-type.ts';
import type { CurvePoint } from '../../policies/checkpoint.ts';
import type { ObjectBody } from '../../store/object-store.ts';
import type { GrownBody } from '../../policies/grown-body.ts';
import type { Progress } from './progress.ts';

/** Where a training keeps its state so that another attempt, perhaps on another machine, goes on from there. */
export interface CheckpointStore {
  /** Keeps the state after `step` steps; whole or not at all. Older ones go away by themselves. */
  save(step: number, body: ObjectBody): Promise<void>;
  /** The newest undamaged one as a local, read-only file. */
  latest(): Promise<{ readonly step: number; readonly filePath: string } | undefined>;
}

export interface TrainingJob {
  /** Arrow IPC files as described in datasets/training-set.ts. */
  readonly trainPath: string;
  readonly validationPath: string;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly robotType: RobotType;
  /** What was asked for, in the trainer's own words; it fills in its defaults, refuses what it does not know and reports what it used. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Cameras whose images it learns from, by name; the set has a column of each. Not there: readings alone. */
  readonly cameras?: readonly string[];
  /** Frames that it reads at once, the present included; the set has the readings before. Not there: the present alone. */
  readonly history?: number;
  /** Actions that it learns at once, the present one included; the set has the labels after. Not there: the present one alone. */
  readonly horizon?: number;
  /** How many of them the model answers; not there: all. */
  readonly execute?: number;
  /** Ends at the first measurement at or after this step, with a checkpoint from which it can go on; not there: trains to its end. */
  readonly untilStep?: number;
  /** Images of each camera that it sees at once, that of the present frame included; the set has those before. Not there: that alone. */
  readonly imageHistory?: number;
  /** A model.onnx to start from, where the trainer can. */
  readonly startFromPath?: string;
  /** Its body, where it was made for another version of the robot type. */
  readonly startFromBody?: GrownBody;
  readonly checkpoints: CheckpointStore;
  /** A local folder of this job alone; the model is written here. */
  readonly scratchDirectory: string;
}

export interface TrainingOutcome {
  /** A file that will not change any more. */
  readonly modelPath: string;
  readonly steps: number;
  /** Of the model that was written. */
  readonly validationLoss: number;
  readonly validationAgreementFraction: number | null;
  readonly curve: readonly CurvePoint[];
  /** Everything that shaped the model, defaults included. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** `warm`, or why the start was cold; undefined when nobody asked for a warm one. */
  readonly warmStart?: string;
  /** Share of training time spent waiting for rows, where the trainer knows. */
  readonly dataWaitFraction?: number;
}

/**
 * Makes a policy from a training set. Deterministic by seed on one machine and thread count; killed and started again with
 * the same checkpoints it gives the same model. Calls `progress` at least every few seconds and stops soon after it throws.
 * Fails with `TrainerFailed` (trying again may help) or `TrainingImpossible`.
 */
export interface Trainer {
  train(job: TrainingJob, progress: Progress): Promise<TrainingOutcome>;
}

/** The trainers a worker has, by what was chosen. */
export interface Trainers {
  readonly onnx: Trainer;
  command(command: readonly string[]): Trainer;
}
