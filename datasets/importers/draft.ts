import { ImportError } from './import-summary.ts';
import type { Measured, MeasuredColumn } from './measure-columns.ts';

/** A number of the recording that becomes a feature or an action: its column, and its name in the robot type. */
export interface DraftedNumber {
  readonly column: string;
  readonly name: string;
}

/** Which columns play which part; whoever drafts from a format that says so fills it in, else names are guessed. */
export interface Parts {
  readonly observations: readonly DraftedNumber[];
  readonly actions: readonly DraftedNumber[];
  readonly discrete: string | undefined;
  readonly time: object;
  readonly rateHz: number;
  readonly episodes: object;
  readonly robot: object;
  readonly task: string | object;
  readonly tasks: readonly string[];
  readonly success: object;
  readonly demonstration: boolean;
}

/** A robot type and a map as documents, for a person to correct, and what that person should look at. */
export interface Draft {
  readonly robotType: object;
  /** Undefined for a format that has none. */
  readonly map?: object;
  readonly notes: readonly string[];
}

/** Share of the measured range that is added at either end: a recording rarely holds the extremes. */
const margin = 0.1;

/** Writes down what was measured as a robot type and an import map. The draft passes `robot-types check`. */
export function draftOf(id: string, parts: Parts, measured: Measured, csv: object | undefined): Draft {
  const byName = new Map(measured.columns.map((column) => [column.name, column]));
  const column = (name: string): MeasuredColumn => {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw new ImportError(`expected column ${name} to be measured, it was not`);
  };
  if (parts.observations.length === 0)
    throw new ImportError('expected numbers that can be observations, got none: write robot type and map by hand');
  const range = ({ name, column: from }: DraftedNumber): object => ({ name, unit: '1', ...rangeOf(column(from)) });
  const constant = parts.observations.filter(({ column: from }) => column(from).min === column(from).max);
  const names = parts.discrete === undefined ? [] : (column(parts.discrete).values ?? []);
  return {
    robotType: {
      id,
      version: 1,
      description: `Drafted from ${measured.rows} rows of a recording: correct units, ranges and limits.`,
      rateHz: parts.rateHz,
      observations: parts.observations.map(range),
      actions: actionsOf(parts, names, range),
      tasks: parts.tasks,
      split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
      limits: {
        minEpisodeFrames: 2,
        maxEpisodeFrames: 200_000,
        maxFrameGapPeriods: 10,
        mayBeConstant: constant.map(({ name }) => name),
        minAgreementFraction: 0.5,
      },
    },
    map: {
      source: id,
      ...(csv === undefined ? {} : { csv }),
      robot: parts.robot,
      task: parts.task,
      time: parts.time,
      episodes: parts.episodes,
      observations: parts.observations.map(({ name, column: from }) => ({ name, column: from })),
      actions: mapActionsOf(parts, names),
      demonstration: parts.demonstration,
      success: parts.success,
    },
    notes: notesOf(parts, constant, column),
  };
}

function actionsOf(parts: Parts, names: readonly string[], range: (number: DraftedNumber) => object): object {
  if (parts.discrete !== undefined) return { kind: 'discrete', names };
  return parts.actions.length === 0 ? { kind: 'none' } : { kind: 'continuous', ranges: parts.actions.map(range) };
}

function mapActionsOf({ discrete, actions }: Parts, names: readonly string[]): object {
  if (discrete !== undefined)
    return { kind: 'discrete', column: discrete, values: names.map((value) => ({ value, is: value })) };
  if (actions.length === 0) return { kind: 'none' };
  return { kind: 'continuous', ranges: actions.map(({ name, column }) => ({ name, column })) };
}

/** The measured range and a margin, rounded outwards to three digits; a constant gets room at both sides. */
function rangeOf({ min, max }: MeasuredColumn): { readonly min: number; readonly max: number } {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return { min: -1, max: 1 };
  const room = max > min ? (max - min) * margin : Math.max(1, Math.abs(min) * margin);
  return { min: rounded(min - room, Math.floor), max: rounded(max + room, Math.ceil) };
}

function rounded(value: number, way: (value: number) => number): number {
  if (value === 0) return 0;
  const digit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
  return Number((way(value / digit) * digit).toPrecision(6));
}

function notesOf(
  parts: Parts,
  constant: readonly DraftedNumber[],
  column: (name: string) => MeasuredColumn,
): readonly string[] {
  const blanks = parts.observations.filter(({ column: from }) => column(from).blanks > 0);
  const named = (numbers: readonly DraftedNumber[]): string => numbers.map(({ name }) => name).join(', ');
  return [
    'units are all "1": nothing in the recording says them',
    'ranges are what was measured and a tenth more: put in what the sensor and the command can be',
    ...(constant.length === 0 ? [] : [`these never changed and are listed in mayBeConstant: ${named(constant)}`]),
    ...(blanks.length === 0 ? [] : [`these have blanks, whose rows are left out: ${named(blanks)}`]),
    ...(parts.discrete === undefined && parts.actions.length === 0
      ? ['no actions were found: such a type serves the lake and validation, and cannot be learned from']
      : []),
    'success is taken for granted unless the map says otherwise',
  ];
}
