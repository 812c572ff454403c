import type { RobotType } from '../../datasets/robot-type.ts';
import { pairedRatioCounter, type LabelFacts, type PairedRatioSums, type PairedSums } from '../gates/index.ts';
import type { PolicySizes } from '../policy-io.ts';
import type { RowBlock } from '../rows.ts';
import { calibrationCounter, type CalibrationPoint } from './calibration.ts';
import { confusionCounter, type Confusion } from './confusion.ts';
import type { Answers } from './contestant.ts';
import { errorTally, type ErrorOutcome } from './error-tally.ts';
import { labelTally } from './label-tally.ts';
import { rocCounter, type RocCurve } from './roc.ts';
import { pairedCounter } from './paired-counter.ts';
import { robotTally, type RobotOutcome } from './robot-tally.ts';

/** Who is compared, and on what. */
export interface TallyInput {
  readonly type: RobotType;
  readonly sizes: PolicySizes;
  /** Names of the other policies. */
  readonly others: readonly string[];
  /** The one of them whose labels the candidate's are held against, usually the champion. */
  readonly reference?: string;
  /** What always the same answer would be, for the majority baseline; undefined for continuous actions. */
  readonly majorityLabel: number | undefined;
}

export interface TaskOutcome {
  readonly task: string;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Episodes whose agreement reaches the robot type's limit with the candidate only, or with the other only, by name of the other. */
  readonly discordant: Readonly<Record<string, { readonly onlyNew: number; readonly onlyOld: number }>>;
  /** Label agreement beside that of each other policy, by its name. */
  readonly agreement: Readonly<Record<string, PairedRatioSums>>;
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
  /** Recall and precision of each action, beside the reference's where there is one; empty for continuous actions. */
  readonly labels: readonly LabelFacts[];
  /** Errors of continuous actions; undefined for discrete ones. */
  readonly errors?: ErrorOutcome;
  /** Null for continuous actions. */
  readonly confusion: Confusion | null;
  readonly calibrationError: number | null;
  readonly calibrationCurve: readonly CalibrationPoint[];
  readonly roc: readonly RocCurve[];
}

/** Rows with the episode and, where the set says it, the robot of each. */
interface HeldoutRows {
  readonly block: RowBlock;
  readonly episodes: Int32Array;
  readonly robots: Int32Array | undefined;
}

interface OpenEpisode {
  readonly number: number;
  readonly task: number;
  readonly robot: number | undefined;
  frames: number;
  agreeing: number;
  readonly others: Record<string, number>;
}

/** Curves of more labels nobody looks at. */
const mostRocLabels = 32;

/** Adds up the answers of all policies, row after row; holds one episode and sums, nothing that grows with the rows. */
export function heldoutTally({ type, sizes, others: names, reference, majorityLabel }: TallyInput) {
  const actionNames = type.actions.kind === 'discrete' ? type.actions.names : [];
  const confusion = confusionCounter(actionNames);
  const labels = labelTally(actionNames);
  const roc = rocCounter(actionNames.slice(0, mostRocLabels));
  const errors = sizes.head === 'continuous' ? errorTally(type, names) : undefined;
  const calibration = calibrationCounter();
  const paired = new Map(names.map((name) => [name, pairedCounter()]));
  const agreeing = new Map(names.map((name) => [name, 0]));
  const tasks = taskTally(type, names);
  const robots = robotTally();
  const total = { episodes: 0, frames: 0, agreeingFrames: 0, majorityFrames: 0 };
  let open: OpenEpisode | undefined;

  const close = (): void => {
    if (open === undefined) return;
    total.episodes += 1;
    for (const counter of paired.values()) counter.endEpisode();
    labels.endEpisode();
    errors?.endEpisode();
    tasks.endEpisode(open);
    robots.endEpisode(open, reference);
    open = undefined;
  };
  const episodeOf = (number: number, task: number, robot: number | undefined): OpenEpisode => {
    if (open !== undefined && open.number === number) return open;
    close();
    open = { number, task, robot, frames: 0, agreeing: 0, others: Object.fromEntries(names.map((name) => [name, 0])) };
    return open;
  };
  const addAction = (label: number, chosen: number, probability: number): void => {
    if (label === majorityLabel) total.majorityFrames += 1;
    confusion.count(label, chosen);
    calibration.count(probability, chosen === label);
  };

  return {
    frames: () => total.frames,
    add(
      { block, episodes, robots: robotOf }: HeldoutRows,
      candidate: Answers,
      answers: Readonly<Record<string, Answers>>,
    ): void {
      for (let row = 0; row < block.rows; row += 1) {
        const episode = episodeOf(episodes[row] ?? -1, block.task[row] ?? -1, robotOf?.[row]);
        const agrees = candidate.agrees[row] ?? 0;
        total.frames += 1;
        total.agreeingFrames += agrees;
        episode.frames += 1;
        episode.agreeing += agrees;
        for (const name of names) {
          const other = answers[name]?.agrees[row] ?? 0;
          paired.get(name)?.frame(agrees, other);
          agreeing.set(name, (agreeing.get(name) ?? 0) + other);
          episode.others[name] = (episode.others[name] ?? 0) + other;
        }
        if (errors !== undefined) {
          const at = row * sizes.actionSize;
          const values = (outputs: ArrayLike<number>): ArrayLike<number> =>
            (outputs as Float32Array).subarray(at, at + sizes.actionSize);
          errors.frame(values(block.label), values(candidate.outputs), (name) => values(answers[name]?.outputs ?? []));
          continue;
        }
        const chosen = candidate.chosen[row] ?? 0;
        const [start, end] = [row * sizes.actionSize, (row + 1) * sizes.actionSize];
        roc.frame(block.label[row] ?? 0, candidate.outputs.subarray(start, end));
        labels.frame(
          block.label[row] ?? 0,
          chosen,
          reference === undefined ? undefined : answers[reference]?.chosen[row],
        );
        addAction(block.label[row] ?? 0, chosen, candidate.outputs[row * sizes.actionSize + chosen] ?? 0);
      }
    },
    finish(): HeldoutOutcome {
      close();
      return {
        ...total,
        others: othersOf(paired, agreeing),
        tasks: tasks.finish(),
        robots: robots.finish(),
        labels: labels.finish(reference !== undefined && names.includes(reference)),
        ...(errors === undefined ? {} : { errors: errors.finish() }),
        ...(sizes.head === 'discrete' ? discreteOutcome(confusion, calibration, roc) : continuousOutcome),
      };
    },
  };
}

/** What there is of continuous actions instead. */
const continuousOutcome = { confusion: null, calibrationCurve: [], roc: [], calibrationError: null };

const discreteOutcome = (
  confusion: ReturnType<typeof confusionCounter>,
  calibration: ReturnType<typeof calibrationCounter>,
  roc: ReturnType<typeof rocCounter>,
) => ({
  confusion: confusion.finish(),
  calibrationCurve: calibration.curve(),
  roc: roc.finish(),
  calibrationError: calibration.finish(),
});

const othersOf = (
  paired: ReadonlyMap<string, ReturnType<typeof pairedCounter>>,
  agreeing: ReadonlyMap<string, number>,
): HeldoutOutcome['others'] =>
  Object.fromEntries(
    [...paired].map(([name, counter]) => [name, { agreeingFrames: agreeing.get(name) ?? 0, sums: counter.finish() }]),
  );

/** Episodes by task, and which of them only one of two policies brought to success: agreement at or above the type's limit. */
function taskTally(type: RobotType, names: readonly string[]) {
  const tasks = type.tasks.map((task) => ({
    task,
    episodes: 0,
    frames: 0,
    agreeingFrames: 0,
    discordant: Object.fromEntries(names.map((name) => [name, { onlyNew: 0, onlyOld: 0 }])),
    agreement: new Map(names.map((name) => [name, pairedRatioCounter()])),
  }));
  const succeeds = (agreeing: number, frames: number): boolean => agreeing / frames >= type.limits.minAgreementFraction;
  return {
    endEpisode(episode: OpenEpisode): void {
      const task = tasks[episode.task];
      if (task === undefined) return;
      task.episodes += 1;
      task.frames += episode.frames;
      task.agreeingFrames += episode.agreeing;
      for (const [name, counter] of task.agreement)
        counter.endEpisode(episode.agreeing, episode.frames, episode.others[name] ?? 0, episode.frames);
      const isSuccess = succeeds(episode.agreeing, episode.frames);
      for (const [name, counts] of Object.entries(task.discordant))
        if (isSuccess !== succeeds(episode.others[name] ?? 0, episode.frames))
          counts[isSuccess ? 'onlyNew' : 'onlyOld'] += 1;
    },
    finish: (): readonly TaskOutcome[] =>
      tasks.map((task) => ({
        ...task,
        agreement: Object.fromEntries([...task.agreement].map(([name, counter]) => [name, counter.finish()])),
      })),
  };
}
