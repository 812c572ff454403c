import { otherTask, type RobotEvidence } from '../statistics/index.ts';

/**
 * Sums of robots' blocks by task. Tasks are numbered as they come up, so that a week of a fleet with hundreds of tasks costs one look-up
 * an entry, and no object of its own for each robot and task that is summed.
 */
export class TaskTotals {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #successes: number[] = [];
  readonly #episodes: number[] = [];
  /** Which robot's sums a task holds. */
  readonly #owner: number[] = [];
  #robots = 0;

  /** Names of the tasks that came up, by number. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Calls `take` with the number of every task of a robot, in the order in which they come up in its blocks; its sums are added up in that of the blocks. */
  of({ blocks }: RobotEvidence, take: (number: number, successes: number, episodes: number) => void): void {
    const robot = this.#robots++;
    const own: number[] = [];
    for (const { perTask } of blocks) {
      if (perTask === undefined) continue;
      for (const task of Object.keys(perTask)) {
        const counts = perTask[task];
        if (counts === undefined || task === otherTask) continue;
        const number = this.#numberOf(task);
        if (this.#owner[number] !== robot) {
          this.#owner[number] = robot;
          this.#successes[number] = 0;
          this.#episodes[number] = 0;
          own.push(number);
        }
        this.#successes[number] = (this.#successes[number] ?? 0) + counts.successes;
        this.#episodes[number] = (this.#episodes[number] ?? 0) + counts.episodes;
      }
    }
    for (const number of own) take(number, this.#successes[number] ?? 0, this.#episodes[number] ?? 0);
  }

  #numberOf(task: string): number {
    const known = this.#numbers.get(task);
    if (known !== undefined) return known;
    this.#names.push(task);
    this.#owner.push(-1);
    this.#successes.push(0);
    this.#episodes.push(0);
    this.#numbers.set(task, this.#names.length - 1);
    return this.#names.length - 1;
  }
}
