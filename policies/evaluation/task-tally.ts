import type { RobotType } from '../../datasets/robot-type.ts';
import { pairedRatioCounter, type PairedRatioSums } from '../gates/index.ts';

export interface TaskOutcome {
  readonly task: string;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Episodes whose agreement reaches the robot type's limit with the candidate only, or with the other only, by name of the other. */
  readonly discordant: Readonly<Record<string, { readonly onlyNew: number; readonly onlyOld: number }>>;
  /** Label agreement beside that of each other policy, by its name. */
  readonly agreement: Readonly<Record<string, PairedRatioSums>>;
  /** Other policies that do not know the task. */
  readonly unknownTo: readonly string[];
}

interface EndedEpisode {
  readonly task: number;
  readonly frames: number;
  readonly agreeing: number;
  readonly others: Readonly<Record<string, number>>;
  /** Names of the other policies that know the task. */
  readonly knownBy: readonly string[];
}

/** Episodes by task, and which of them only one of two policies brought to success: agreement at or above the type's limit. */
export function taskTally(type: RobotType, names: readonly string[], knownBy: readonly (readonly string[])[]) {
  const tasks = type.tasks.map((task, index) => ({
    task,
    unknownTo: names.filter((name) => knownBy[index]?.includes(name) === false),
    episodes: 0,
    frames: 0,
    agreeingFrames: 0,
    discordant: Object.fromEntries(names.map((name) => [name, { onlyNew: 0, onlyOld: 0 }])),
    agreement: new Map(names.map((name) => [name, pairedRatioCounter()])),
  }));
  const succeeds = (agreeing: number, frames: number): boolean => agreeing / frames >= type.limits.minAgreementFraction;
  return {
    endEpisode(episode: EndedEpisode): void {
      const task = tasks[episode.task];
      if (task === undefined) return;
      task.episodes += 1;
      task.frames += episode.frames;
      task.agreeingFrames += episode.agreeing;
      for (const name of episode.knownBy)
        task.agreement
          .get(name)
          ?.endEpisode(episode.agreeing, episode.frames, episode.others[name] ?? 0, episode.frames);
      const isSuccess = succeeds(episode.agreeing, episode.frames);
      for (const [name, counts] of Object.entries(task.discordant))
        if (episode.knownBy.includes(name) && isSuccess !== succeeds(episode.others[name] ?? 0, episode.frames))
          counts[isSuccess ? 'onlyNew' : 'onlyOld'] += 1;
    },
    finish: (): readonly TaskOutcome[] =>
      tasks.map((task) => ({
        ...task,
        agreement: Object.fromEntries([...task.agreement].map(([name, counter]) => [name, counter.finish()])),
      })),
  };
}
