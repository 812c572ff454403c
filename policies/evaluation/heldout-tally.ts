import type { RobotType } from '../../datasets/robot-type.ts';
import type { LabelFacts, PairedSums } from '../gates/index.ts';
import type { PolicySizes } from '../policy-io.ts';
import type { RowBlock } from '../rows.ts';
import { bodyTally, type BodyOutcome } from './body-tally.ts';
import { calibrationCounter, type CalibrationPoint } from './calibration.ts';
import { comparedTally, type ComparedEpisode } from './compared-tally.ts';
import { confusionCounter, type Confusion } from './confusion.ts';
import type { Answers } from './contestant.ts';
import { errorTally, type ErrorOutcome } from './error-tally.ts';
import { labelTally } from './label-tally.ts';
import type { PrecisionRecallCurve } from './precision-recall.ts';
import { rocCounter, type RocCurve } from './roc.ts';
import { pairedCounter } from './paired-counter.ts';
import { taskTally, type TaskOutcome } from './task-tally.ts';
import { robotTally, type RobotOutcome } from './robot-tally.ts';

/** Who is compared, and on what. */
export interface TallyInput {
  readonly type: RobotType;
  readonly sizes: PolicySizes;
  /** Names of the other policies. */
  readonly others: readonly string[];
  /** The one of them whose labels the candidate's are held against, usually the champion. */
  readonly reference?: string;
  /** How many of the first indexes of the tasks another policy knows; undefined: all. What it does not know, it is not held against. */
  readonly knownTasks?: Readonly<Record<string, number | undefined>>;
  /** What always the same answer would be, for the majority baseline; undefined for continuous actions. */
  readonly majorityLabel: number | undefined;
}

export interface HeldoutOutcome {
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  readonly majorityFrames: number;
  /** Agreeing frames of each other policy. */
  readonly others: Readonly<Record<string, { readonly agreeingFrames: number; readonly sums: PairedSums }>>;
  readonly tasks: readonly TaskOutcome[];
  /** By number of the robot; empty where the set does not say whose episodes they are. */
  readonly robots: readonly RobotOutcome[];
  /** By number of the body; empty where the set has one only. */
  readonly bodies: readonly BodyOutcome[];
  /** Episodes that the reference was asked too, by number; a set has at most 20,000. Empty without a reference. */
  readonly compared: readonly ComparedEpisode[];
  /** Recall and precision of each action, beside the reference's where there is one; empty for continuous actions. */
  readonly labels: readonly LabelFacts[];
  /** Errors of continuous actions; undefined for discrete ones. */
  readonly errors?: ErrorOutcome;
  /** Null for continuous actions. */
  readonly confusion: Confusion | null;
  readonly calibrationError: number | null;
  readonly calibrationCurve: readonly CalibrationPoint[];
  readonly roc: readonly RocCurve[];
  readonly precisionRecall: readonly PrecisionRecallCurve[];
}

/** Rows with the episode and, where the set says it, the robot of each. */
interface HeldoutRows {
  readonly block: RowBlock;
  readonly episodes: Int32Array;
  readonly robots: Int32Array | undefined;
  readonly bodies?: Int32Array | undefined;
}

interface OpenEpisode {
  readonly number: number;
  readonly task: number;
  readonly robot: number | undefined;
  readonly body: number | undefined;
  frames: number;
  agreeing: number;
  readonly others: Record<string, number>;
  /** Names of the other policies that know the task. */
  readonly knownBy: readonly string[];
}

/** Curves of more labels nobody looks at. */
const mostRocLabels = 32;

export const heldoutTally = (input: TallyInput): HeldoutTally => new HeldoutTally(input);

/** Adds up the answers of all policies, row after row; holds one episode and sums, nothing that grows with the rows. */
class HeldoutTally {
  readonly #input: TallyInput;
  readonly #confusion: ReturnType<typeof confusionCounter>;
  readonly #labels: ReturnType<typeof labelTally>;
  readonly #roc: ReturnType<typeof rocCounter>;
  readonly #errors: ReturnType<typeof errorTally> | undefined;
  readonly #calibration = calibrationCounter();
  readonly #paired: ReadonlyMap<string, ReturnType<typeof pairedCounter>>;
  readonly #agreeing: Map<string, number>;
  readonly #tasks: ReturnType<typeof taskTally>;
  readonly #robots = robotTally();
  readonly #bodies: ReturnType<typeof bodyTally>;
  readonly #total = { episodes: 0, frames: 0, agreeingFrames: 0, majorityFrames: 0 };
  /** By index of the task. */
  readonly #knownBy: readonly (readonly string[])[];
  readonly #compared = comparedTally();
  #open: OpenEpisode | undefined;

  constructor(input: TallyInput) {
    const { type, sizes, others } = input;
    const actionNames = type.actions.kind === 'discrete' ? type.actions.names : [];
    this.#input = input;
    this.#confusion = confusionCounter(actionNames);
    this.#labels = labelTally(actionNames);
    this.#roc = rocCounter(actionNames.slice(0, mostRocLabels));
    this.#errors = sizes.head === 'continuous' ? errorTally(type, others) : undefined;
    this.#paired = new Map(others.map((name) => [name, pairedCounter()]));
    this.#agreeing = new Map(others.map((name) => [name, 0]));
    this.#knownBy = type.tasks.map((_, task) => namesThatKnow(input, task));
    this.#tasks = taskTally(type, others, this.#knownBy);
    this.#bodies = bodyTally(input.reference !== undefined);
  }

  frames(): number {
    return this.#total.frames;
  }

  add(rows: HeldoutRows, candidate: Answers, answers: Readonly<Record<string, Answers>>): void {
    const { block, episodes, robots, bodies } = rows;
    for (let row = 0; row < block.rows; row += 1) {
      const episode = this.#episodeOf(episodes[row] ?? -1, block.task[row] ?? -1, robots?.[row], bodies?.[row]);
      this.#addAgreement(episode, row, candidate, answers);
      if (this.#errors === undefined) this.#addLabel(block, row, candidate, answers);
      else this.#addError(this.#errors, episode, block, row, candidate, answers);
    }
  }

  finish(): HeldoutOutcome {
    this.#close();
    const { others, reference, sizes } = this.#input;
    return {
      ...this.#total,
      others: othersOf(this.#paired, this.#agreeing),
      tasks: this.#tasks.finish(),
      robots: this.#robots.finish(),
      bodies: this.#bodies.finish(),
      compared: this.#compared.finish(),
      labels: this.#labels.finish(reference !== undefined && others.includes(reference)),
      ...(this.#errors === undefined ? {} : { errors: this.#errors.finish() }),
      ...(sizes.head === 'discrete'
        ? discreteOutcome(this.#confusion, this.#calibration, this.#roc)
        : continuousOutcome),
    };
  }

  #episodeOf(number: number, task: number, robot: number | undefined, body: number | undefined): OpenEpisode {
    if (this.#open?.number === number) return this.#open;
    this.#close();
    const knownBy = this.#knownBy[task] ?? this.#input.others;
    const others = Object.fromEntries(knownBy.map((name) => [name, 0]));
    this.#open = { number, task, robot, body, frames: 0, agreeing: 0, others, knownBy };
    return this.#open;
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#total.episodes += 1;
    const { reference } = this.#input;
    for (const name of open.knownBy) this.#paired.get(name)?.endEpisode();
    this.#labels.endEpisode(reference === undefined || open.knownBy.includes(reference));
    this.#errors?.endEpisode(open.knownBy);
    this.#tasks.endEpisode(open);
    this.#robots.endEpisode(open, reference);
    this.#bodies.endEpisode(open, reference);
    this.#compared.endEpisode(open, reference);
    this.#open = undefined;
  }

  #addAgreement(
    episode: OpenEpisode,
    row: number,
    candidate: Answers,
    answers: Readonly<Record<string, Answers>>,
  ): void {
    const agrees = candidate.agrees[row] ?? 0;
    this.#total.frames += 1;
    this.#total.agreeingFrames += agrees;
    episode.frames += 1;
    episode.agreeing += agrees;
    for (const name of episode.knownBy) {
      const other = answers[name]?.agrees[row] ?? 0;
      this.#paired.get(name)?.frame(agrees, other);
      this.#agreeing.set(name, (this.#agreeing.get(name) ?? 0) + other);
      episode.others[name] = (episode.others[name] ?? 0) + other;
    }
  }

  #addError(
    errors: ReturnType<typeof errorTally>,
    { knownBy }: OpenEpisode,
    block: RowBlock,
    row: number,
    candidate: Answers,
    answers: Readonly<Record<string, Answers>>,
  ): void {
    const { actionSize } = this.#input.sizes;
    const values = (outputs: ArrayLike<number>): ArrayLike<number> =>
      (outputs as Float32Array).subarray(row * actionSize, (row + 1) * actionSize);
    errors.frame(values(block.label), values(candidate.outputs), knownBy, (name) =>
      values(answers[name]?.outputs ?? []),
    );
  }

  #addLabel(block: RowBlock, row: number, candidate: Answers, answers: Readonly<Record<string, Answers>>): void {
    const { reference, majorityLabel, sizes } = this.#input;
    const start = row * sizes.actionSize;
    const label = block.label[row] ?? 0;
    const chosen = candidate.chosen[row] ?? 0;
    this.#roc.frame(label, candidate.outputs.subarray(start, start + sizes.actionSize));
    this.#labels.frame(label, chosen, reference === undefined ? undefined : answers[reference]?.chosen[row]);
    if (label === majorityLabel) this.#total.majorityFrames += 1;
    this.#confusion.count(label, chosen);
    this.#calibration.count(candidate.outputs[start + chosen] ?? 0, chosen === label);
  }
}

/** Other policies that know the task of this index. */
const namesThatKnow = ({ others, knownTasks = {} }: TallyInput, task: number): readonly string[] =>
  others.filter((name) => task < (knownTasks[name] ?? Number.POSITIVE_INFINITY));

/** What there is of continuous actions instead. */
const continuousOutcome = {
  confusion: null,
  calibrationCurve: [],
  roc: [],
  precisionRecall: [],
  calibrationError: null,
};

const discreteOutcome = (
  confusion: ReturnType<typeof confusionCounter>,
  calibration: ReturnType<typeof calibrationCounter>,
  roc: ReturnType<typeof rocCounter>,
) => ({
  confusion: confusion.finish(),
  calibrationCurve: calibration.curve(),
  roc: roc.finish(),
  precisionRecall: roc.precisionRecall(),
  calibrationError: calibration.finish(),
});

const othersOf = (
  paired: ReadonlyMap<string, ReturnType<typeof pairedCounter>>,
  agreeing: ReadonlyMap<string, number>,
): HeldoutOutcome['others'] =>
  Object.fromEntries(
    [...paired].map(([name, counter]) => [name, { agreeingFrames: agreeing.get(name) ?? 0, sums: counter.finish() }]),
  );
