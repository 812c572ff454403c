import { apportionWithFloor } from './apportion.ts';

/**
 * Frames of one origin and task that count alike. `lead`: one frame of every new failure that is labelled throughout,
 * so that no such failure is left out by chance; `failure`: other labelled frames of failures; `other`: the rest.
 * A cell gives all it has before the next kind of its task gives anything: failures first.
 */
export const cellKinds = ['lead', 'failure', 'other'] as const;
export type CellKind = (typeof cellKinds)[number];

export interface MixCell {
  readonly source: 'new' | 'history';
  readonly task: string;
  readonly kind: CellKind;
  /** Labelled frames. */
  readonly availableFrames: number;
}

export interface MixPlanInput {
  readonly targetFrames: number;
  /** Share of the target that should be new, 0–1. */
  readonly newFraction: number;
  readonly cells: readonly MixCell[];
  /** Tasks that are learned, the others being replayed only; default: every task. */
  readonly learnedTasks?: readonly string[] | undefined;
}

export interface PlannedCell extends MixCell {
  readonly quotaFrames: number;
}

export interface MixPlan {
  readonly cells: readonly PlannedCell[];
  readonly newFrames: number;
  readonly historyFrames: number;
  /** The side that had too little and was filled from the other; undefined when both had enough. */
  readonly shortSide: 'new' | 'history' | 'both' | undefined;
}

/** Half of each side is shared evenly among its tasks, the other half by what there is. */
const taskFloorFraction = 0.5;

/**
 * How many frames each cell gives. New frames hold `newFraction` of the target; a side that is short is filled from the
 * other, and when both are short everything is taken. Within a side tasks share with a floor, within a task failures
 * come first. With `learnedTasks` nothing new of another task is taken, and where these tasks have too little that is new, their own
 * history fills up first: together they hold at least `newFraction`, as far as they have it, and the rest is replay of all tasks.
 * Pure; the order of cells does not matter for the quotas.
 */
export function planMix(input: MixPlanInput): MixPlan {
  const { targetFrames, newFraction, learnedTasks } = input;
  const learned = learnedTasks && new Set(learnedTasks);
  const isLearned = ({ task }: MixCell): boolean => learned?.has(task) ?? true;
  const cells = input.cells.filter((cell) => cell.source === 'history' || isLearned(cell));
  const left = input.cells.filter((cell) => cell.source === 'new' && !isLearned(cell));
  const available = { new: supplyOf(cells, 'new'), history: supplyOf(cells, 'history') };
  const wantedNew = Math.round(targetFrames * newFraction);
  const wanted = { new: wantedNew, history: targetFrames - wantedNew };
  const own = {
    new: Math.min(wanted.new, available.new),
    history: Math.min(wanted.history, available.history),
  };
  const newFrames = Math.min(available.new, own.new + wanted.history - own.history);
  const historyFrames = Math.min(available.history, own.history + wanted.new - own.new);
  const isNewShort = own.new < wanted.new;
  const isHistoryShort = own.history < wanted.history;
  const history = cells.filter(({ source }) => source === 'history');
  const filling = learned === undefined ? [] : history.filter(isLearned);
  const first = taskQuotas(filling, Math.min(wanted.new - own.new, supplyOf(filling, 'history')));
  return {
    cells: [
      ...cellQuotas(
        cells.filter(({ source }) => source === 'new'),
        newFrames,
      ),
      ...cellQuotas(history, historyFrames, first),
      ...left.map((cell) => ({ ...cell, quotaFrames: 0 })),
    ],
    newFrames,
    historyFrames,
    shortSide: isNewShort && isHistoryShort ? 'both' : isNewShort ? 'new' : isHistoryShort ? 'history' : undefined,
  };
}

const supplyOf = (cells: readonly MixCell[], source: MixCell['source']): number =>
  cells.reduce((sum, cell) => (cell.source === source ? sum + cell.availableFrames : sum), 0);

/** What each task gives of `total`, half of it shared evenly, beyond what it has given `already`. */
function taskQuotas(
  cells: readonly MixCell[],
  total: number,
  already: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const supplies = new Map<string, number>();
  for (const { task, availableFrames } of cells) supplies.set(task, (supplies.get(task) ?? 0) + availableFrames);
  return apportionWithFloor(
    total,
    [...supplies].map(([name, available]) => ({ name, available: available - (already.get(name) ?? 0) })),
    taskFloorFraction,
  );
}

/** Cells of one side, which give `total` frames together; `first` of them are spoken for by task. */
function cellQuotas(
  cells: readonly MixCell[],
  total: number,
  first: ReadonlyMap<string, number> = new Map(),
): readonly PlannedCell[] {
  const spoken = [...first.values()].reduce((sum, quota) => sum + quota, 0);
  const rest = taskQuotas(cells, total - spoken, first);
  const left = new Map([...rest].map(([task, quota]) => [task, quota + (first.get(task) ?? 0)]));
  const byKind = cells.toSorted((a, b) => cellKinds.indexOf(a.kind) - cellKinds.indexOf(b.kind));
  return byKind.map((cell) => {
    const quotaFrames = Math.min(cell.availableFrames, left.get(cell.task) ?? 0);
    left.set(cell.task, (left.get(cell.task) ?? 0) - quotaFrames);
    return { ...cell, quotaFrames };
  });
}
