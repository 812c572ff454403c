import { holm, mcnemarExact } from '../../domain/statistics/index.ts';
import { measured, notApplicable, percent, points, type GateResult } from './gate.ts';
import { pairedRatio, type PairedRatioSums } from './paired-ratio.ts';

/** A task's held-out episodes; an episode succeeds when its label agreement reaches the robot type's limit. */
export interface TaskFacts {
  readonly task: string;
  readonly episodes: number;
  /** Episodes that only the candidate, and that only the champion brought to success; 0 without a champion. */
  readonly onlyNewEpisodes: number;
  readonly onlyOldEpisodes: number;
  /** Label agreement of candidate and champion on the task's frames; undefined without a champion. */
  readonly agreement?: PairedRatioSums;
  /** Share of the robots' recent work, 0–1. */
  readonly trafficFraction: number;
  /** The champion does not know the task: there is nothing to compare with. */
  readonly isNew?: boolean;
}

/** Fewer held-out episodes leave a task unproven. The only task of a robot type is proved by the whole set. */
export const leastTaskEpisodes = 30;
/** The only task of a robot type needs as many as the whole set. */
const leastOnlyTaskEpisodes = 20;
export const taskSignificance = 0.01;
/** A task's label agreement may be so much lower than the champion's before that counts as harm. */
export const taskMargin = 0.02;
export const maxUnprovenTraffic = 0.2;

const leastEpisodesOfTask = (tasks: readonly TaskFacts[]): number =>
  tasks.length === 1 ? leastOnlyTaskEpisodes : leastTaskEpisodes;

/**
 * No task may be proved worse than with the champion, by its episodes that succeed (McNemar) or by the label agreement of its
 * frames, all tested together (Holm).
 */
export function taskHarm(tasks: readonly TaskFacts[]): GateResult {
  const least = leastEpisodesOfTask(tasks);
  const proven = tasks.filter((task) => task.episodes >= least && task.isNew !== true);
  const byEpisodes = proven.map((task) => ({
    harm: mcnemarExact({ onlyNew: task.onlyNewEpisodes, onlyOld: task.onlyOldEpisodes }).oneSidedHarm,
    said: `${task.task} (${task.onlyOldEpisodes} episodes lost, ${task.onlyNewEpisodes} won)`,
  }));
  const byFrames = tasks.flatMap(({ task, agreement }) => {
    if (agreement === undefined || agreement.episodes === 0) return [];
    const { candidate, other, harm } = pairedRatio(agreement, { margin: taskMargin });
    const fall = points((candidate ?? 0) - (other ?? 0));
    return [{ harm, said: `${task} (label agreement ${fall} in ${agreement.episodes} episodes)` }];
  });
  const tested = [...byEpisodes, ...byFrames];
  const { rejected, adjusted } = holm(
    tested.map(({ harm }) => harm),
    taskSignificance,
  );
  const worse = tested.filter((_, index) => rejected[index] === true);
  return measured({
    id: 'champion.tasks',
    value: Math.min(1, ...adjusted),
    limit: taskSignificance,
    unit: 'p-value',
    sampleSize: tasks.reduce((sum, { episodes }) => sum + episodes, 0),
    passes: worse.length === 0,
    sentence:
      worse.length === 0
        ? `no task of ${tasks.length} is proved worse than with the champion (least adjusted p; ${taskSignificance} is the limit)`
        : `worse than the champion: ${worse
            .slice(0, 5)
            .map(({ said }) => said)
            .join(', ')}`,
  });
}

/**
 * Most of the robots' work must be on tasks with enough held-out episodes to judge by. In bootstrap a policy has little data and a
 * champion that nobody trained: each task is judged by what there is, and the gate says how much that leaves open.
 */
export function unprovenTraffic(tasks: readonly TaskFacts[], bootstrap: boolean): GateResult {
  const least = leastEpisodesOfTask(tasks);
  const unproven = tasks.filter((task) => task.episodes < least);
  const value = unproven.reduce((sum, task) => sum + task.trafficFraction, 0);
  const names = unproven.slice(0, 5).map(({ task }) => task);
  if (bootstrap && value > maxUnprovenTraffic)
    return {
      ...notApplicable('champion.unproven', 'fraction', maxUnprovenTraffic, 'champion that was trained'),
      value,
      sampleSize: tasks.length,
      sentence: `bootstrap: ${percent(value)} of the work is on ${unproven.length} of ${tasks.length} tasks with fewer than ${least} held-out episodes, judged by what there is; the next candidate needs at most ${percent(maxUnprovenTraffic)}`,
    };
  return measured({
    id: 'champion.unproven',
    value,
    limit: maxUnprovenTraffic,
    unit: 'fraction',
    sampleSize: tasks.length,
    passes: value <= maxUnprovenTraffic,
    sentence: `${percent(value)} of the work is on ${unproven.length} of ${tasks.length} tasks with fewer than ${least} held-out episodes${names.length === 0 ? '' : ` (${names.join(', ')}${unproven.length > names.length ? ', …' : ''})`}; at most ${percent(maxUnprovenTraffic)} is allowed`,
  });
}
