import { dictionary } from '../dictionary.ts';
import { otherTask, type Block, type TaskRows } from '../statistics/index.ts';

export { otherTask } from '../statistics/index.ts';

/** What one robot did in one time block on one policy version. Numbers that are 0 are left out. */
export interface Cell {
  readonly block: number;
  successes: number;
  episodes: number;
  onlineMinutes?: number;
  interventions?: number;
  /** Episodes with a latency, and Σ ln, Σ ln² of it. */
  latencies?: number;
  latencyLogSum?: number;
  latencyLogSquares?: number;
  safetyEvents?: number;
  perTask?: Record<string, { successes: number; episodes: number }>;
}

/** Cells by robot and policy version, both prototype-less; in each list every block once, in any order. */
export type Cells = Record<string, Record<string, Cell[]>>;

/** A cell that does not change any more, its tasks as rows of a table. */
export type PackedCell = Readonly<Omit<Cell, 'perTask'>> & { readonly perTask?: TaskRows };
export type PackedCells = Readonly<Record<string, Readonly<Record<string, readonly PackedCell[]>>>>;

/** What a robot reported, as far as it counts here. */
export type Report =
  | {
      readonly kind: 'episode';
      readonly task: string;
      readonly isSuccess: boolean;
      readonly intervened: boolean;
      readonly latencyMs: number | null;
    }
  | { readonly kind: 'online'; readonly minutes: number }
  | { readonly kind: 'safetyEvent' };

/** Tasks of one cell; a robot type has at most as many, and what comes beyond counts under {@link otherTask}. */
const mostTasks = 1_024;

/** Adds a report to the cell of its robot, version and block, whatever came before: late outcomes change their own block only. */
export function addReport(cells: Cells, at: { robotId: string; version: string; block: number }, report: Report): void {
  const cell = cellAt(cells, at);
  switch (report.kind) {
    case 'episode':
      addEpisode(cell, report);
      return;
    case 'online':
      cell.onlineMinutes = (cell.onlineMinutes ?? 0) + report.minutes;
      return;
    case 'safetyEvent':
      cell.safetyEvents = (cell.safetyEvents ?? 0) + 1;
      return;
    default:
      report satisfies never;
  }
}

function cellAt(cells: Cells, { robotId, version, block }: { robotId: string; version: string; block: number }): Cell {
  const versions = (cells[robotId] ??= dictionary());
  const list = (versions[version] ??= []);
  const known = list.findLast((cell) => cell.block === block);
  if (known !== undefined) return known;
  const cell = { block, successes: 0, episodes: 0 };
  list.push(cell);
  return cell;
}

function addEpisode(cell: Cell, episode: Extract<Report, { kind: 'episode' }>): void {
  const { task, isSuccess, intervened, latencyMs } = episode;
  cell.episodes += 1;
  if (isSuccess) cell.successes += 1;
  if (intervened) cell.interventions = (cell.interventions ?? 0) + 1;
  const tasks = (cell.perTask ??= dictionary());
  const name = task in tasks || Object.keys(tasks).length < mostTasks ? task : otherTask;
  const own = (tasks[name] ??= { successes: 0, episodes: 0 });
  own.episodes += 1;
  if (isSuccess) own.successes += 1;
  if (latencyMs === null) return;
  const log = Math.log(latencyMs);
  cell.latencies = (cell.latencies ?? 0) + 1;
  cell.latencyLogSum = (cell.latencyLogSum ?? 0) + log;
  cell.latencyLogSquares = (cell.latencyLogSquares ?? 0) + log * log;
}

const noTasks: NonNullable<Block['perTask']> = dictionary();

/**
 * The cell as the judges take it, its blocks `width` of ours wide. Latency has one value an episode there, so episodes
 * without one become an entry of their own; entries of one block add up. Every entry is spelled out: a tick makes a million
 * of them, and objects made by spreading are read thirty times slower.
 */
export function blocksOf(cell: Cell | PackedCell, width = 1): Block[] {
  const { successes, episodes, onlineMinutes = 0, interventions = 0, perTask = noTasks, latencies = 0 } = cell;
  const block = Math.floor(cell.block / width);
  if (latencies === 0) return [{ block, successes, episodes, onlineMinutes, interventions, perTask }];
  const { latencyLogSum = 0, latencyLogSquares = 0 } = cell;
  const timed = latencies === episodes ? successes : Math.min(successes, latencies);
  const entry: Block = {
    block,
    successes: timed,
    episodes: latencies,
    onlineMinutes,
    interventions,
    perTask,
    latencyLogSum,
    latencyLogSquares,
  };
  if (latencies === episodes) return [entry];
  return [entry, { block, successes: successes - timed, episodes: episodes - latencies }];
}
