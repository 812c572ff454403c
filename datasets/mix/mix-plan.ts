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
 * come first. Pure; the order of cells does not matter for the quotas.
 */
export function planMix(input: MixPlanInput): MixPlan {
  const { targetFrames, newFraction, cells } = input;
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
  return {
    cells: [...quotasOf(cells, 'new', newFrames), ...quotasOf(cells, 'history', historyFrames)],
    newFrames,
    historyFrames,
    shortSide: isNewShort && isHistoryShort ? 'both' : isNewShort ? 'new' : isHistoryShort ? 'history' : undefined,
  };
}

const supplyOf = (cells: readonly MixCell[], source: MixCell['source']): number =>
  cells.reduce((sum, cell) => (cell.source === source ? sum + cell.availableFrames : sum), 0);

function quotasOf(cells: readonly MixCell[], source: MixCell['source'], total: number): readonly PlannedCell[] {
  const ofSource = cells.filter((cell) => cell.source === source);
  const supplies = new Map<string, number>();
  for (const { task, availableFrames } of ofSource) supplies.set(task, (supplies.get(task) ?? 0) + availableFrames);
  const left = new Map(
    apportionWithFloor(
      total,
      [...supplies].map(([name, available]) => ({ name, available })),
      taskFloorFraction,
    ),
  );
  const byKind = ofSource.toSorted((a, b) => cellKinds.indexOf(a.kind) - cellKinds.indexOf(b.kind));
  return byKind.map((cell) => {
    const quotaFrames = Math.min(cell.availableFrames, left.get(cell.task) ?? 0);
    left.set(cell.task, (left.get(cell.task) ?? 0) - quotaFrames);
    return { ...cell, quotaFrames };
  });
}
