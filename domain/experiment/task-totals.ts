import { otherTask, rowSize, TaskRows, type RobotEvidence } from '../statistics/index.ts';

/** Sums of robots' blocks by task, a row for each robot and task: robot by robot, in each the tasks as they came up in its blocks. */
export interface TaskSums {
  /** Names of the tasks that came up; `task` holds places in it. */
  readonly names: readonly string[];
  readonly size: number;
  readonly task: Int32Array;
  /** Place of the robot in the list. */
  readonly robot: Int32Array;
  readonly successes: Float64Array;
  readonly episodes: Float64Array;
}

/**
 * Sums what every robot did in each task; a robot's blocks are added up in their order. Tasks are numbered as they come up, so that a week of a
 * fleet with hundreds of tasks costs no look-up by name a row, and no object of its own for each robot and task.
 */
export function sumByTask(robots: readonly RobotEvidence[]): TaskSums {
  const numbers = new TaskNumbers();
  const sums = new SumsByRobot();
  for (const { blocks } of robots) {
    sums.nextRobot();
    for (const { perTask } of blocks)
      if (perTask instanceof TaskRows) addRows(sums, numbers, perTask);
      else if (perTask !== undefined)
        for (const task of Object.keys(perTask)) {
          const counts = perTask[task];
          const number = numbers.of(task);
          if (counts !== undefined && number !== noTask) sums.add(number, counts.successes, counts.episodes);
        }
  }
  return { names: numbers.names, ...sums.rows() };
}

function addRows(sums: SumsByRobot, numbers: TaskNumbers, { table, start, end }: TaskRows): void {
  const { names, rows } = table;
  const known = numbers.ofTable(names);
  for (let at = start * rowSize; at < end * rowSize; at += rowSize) {
    const place = rows[at] ?? 0;
    let number = known[place] ?? notSeen;
    if (number === notSeen) {
      number = numbers.of(names[place] ?? otherTask);
      known[place] = number;
    }
    if (number !== noTask) sums.add(number, rows[at + 1] ?? 0, rows[at + 2] ?? 0);
  }
}

/** Numbers of what is no task of its own, and of a name of a table that did not come up yet. */
const [noTask, notSeen] = [-1, -2];

class TaskNumbers {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>([[otherTask, noTask]]);
  readonly #tables = new Map<readonly string[], Int32Array>();

  of(task: string): number {
    const known = this.#numbers.get(task);
    if (known !== undefined) return known;
    this.#numbers.set(task, this.names.length);
    return this.names.push(task) - 1;
  }

  /** Numbers by place in the names of a table, for the caller to fill. */
  ofTable(names: readonly string[]): Int32Array {
    const known = this.#tables.get(names);
    if (known !== undefined) return known;
    const made = new Int32Array(names.length).fill(notSeen);
    this.#tables.set(names, made);
    return made;
  }
}

/** The sums of the present robot are the last rows. */
class SumsByRobot {
  #size = 0;
  #task = new Int32Array(4_096);
  #robot = new Int32Array(4_096);
  #successes = new Float64Array(4_096);
  #episodes = new Float64Array(4_096);
  /** Each task's row of the robot that had it last. */
  #rowOf = new Int32Array(1_024).fill(-1);
  #present = -1;
  #firstRow = 0;

  nextRobot(): void {
    this.#present += 1;
    this.#firstRow = this.#size;
  }

  add(task: number, successes: number, episodes: number): void {
    let row = this.#rowOf[task] ?? -1;
    if (row < this.#firstRow) row = this.#newRow(task);
    this.#successes[row] = (this.#successes[row] ?? 0) + successes;
    this.#episodes[row] = (this.#episodes[row] ?? 0) + episodes;
  }

  #newRow(task: number): number {
    if (this.#size === this.#task.length) this.#growRows();
    while (task >= this.#rowOf.length)
      this.#rowOf = grown(this.#rowOf, new Int32Array(2 * this.#rowOf.length).fill(-1));
    const row = this.#size++;
    this.#rowOf[task] = row;
    this.#task[row] = task;
    this.#robot[row] = this.#present;
    return row;
  }

  #growRows(): void {
    const size = 2 * this.#task.length;
    this.#task = grown(this.#task, new Int32Array(size));
    this.#robot = grown(this.#robot, new Int32Array(size));
    this.#successes = grown(this.#successes, new Float64Array(size));
    this.#episodes = grown(this.#episodes, new Float64Array(size));
  }

  rows(): Omit<TaskSums, 'names'> {
    const size = this.#size;
    return { size, task: this.#task, robot: this.#robot, successes: this.#successes, episodes: this.#episodes };
  }
}

function grown<Numbers extends Int32Array | Float64Array>(of: Numbers, larger: Numbers): Numbers {
  larger.set(of);
  return larger;
}
