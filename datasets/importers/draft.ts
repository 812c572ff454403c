import type { Camera } from '../camera.ts';
import { ImportError } from './import-summary.ts';
import type { Measured, MeasuredColumn } from './measure-columns.ts';

/** A number of the recording that becomes a feature or an action: its column, and its name in the robot type. */
export interface DraftedNumber {
  readonly column: string;
  readonly name: string;
  /** As the recording says it; undefined: it does not. */
  readonly unit?: string;
}

/** Which columns play which part; whoever drafts from a format that says so fills it in, else names are guessed. */
export interface Parts {
  readonly observations: readonly DraftedNumber[];
  readonly actions: readonly DraftedNumber[];
  readonly discrete: string | undefined;
  readonly cameras?: readonly Camera[];
  readonly time: object;
  readonly rateHz: number;
  readonly episodes: object;
  /** About how many there are. */
  readonly episodesFound: number;
  readonly robot: object;
  readonly task: string | object;
  readonly tasks: readonly string[];
  readonly success: object;
  readonly demonstration: boolean;
  /** What the map says of rows that cannot be read; undefined: nothing. */
  readonly rows?: object;
  /** What was guessed, for a person to check. */
  readonly notes?: readonly string[];
}

/** A robot type and a map as documents, for a person to correct, and what that person should look at. */
export interface Draft {
  readonly robotType: object;
  /** Undefined for a format that has none. */
  readonly map?: object;
  readonly notes: readonly string[];
}

/** Over so many frames a sensor that keeps one value is taken for dead, unless the robot type lets it. */
const stillRows = 20;
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
  const range = ({ name, column: from, unit = '1' }: DraftedNumber): object => ({
    name,
    unit,
    ...rangeOf(column(from)),
  });
  const constant = parts.observations.filter(({ column: from }) => {
    const { min, max, longestStill } = column(from);
    return min === max || longestStill >= stillRows;
  });
  const names = parts.discrete === undefined ? [] : (column(parts.discrete).values ?? []);
  return {
    robotType: {
      id,
      version: 1,
      description: `Drafted from ${measured.rows} rows of a recording: correct units, ranges and limits.`,
      rateHz: parts.rateHz,
      observations: parts.observations.map(range),
      ...(parts.cameras === undefined || parts.cameras.length === 0 ? {} : { cameras: parts.cameras }),
      actions: actionsOf(parts, names, range),
      tasks: parts.tasks,
      split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: heldoutFractionOf(judgedEpisodes(parts)) },
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
      ...(parts.rows === undefined ? {} : { rows: parts.rows }),
    },
    notes: notesOf(parts, constant, column),
  };
}

/** Fewer held-out episodes prove nothing of a model. */
const heldoutEpisodes = 20;
/** Every episode is held out or not by its own hash: where so many are expected, 20 come out but once in fifty times. */
const expectedHeldout = 30;
const [usualHeldout, mostHeldout] = [0.2, 0.5] as const;

/** Episodes that a model can be judged on: of those that may fail half, unless failures have labels, too. */
const judgedEpisodes = ({ episodesFound, success, demonstration }: Parts): number =>
  demonstration || ('kind' in success && success.kind === 'always') ? episodesFound : Math.floor(episodesFound / 2);

/** A fifth of the episodes; of few ones as many as a model is judged on. */
const heldoutFractionOf = (episodes: number): number =>
  Math.min(mostHeldout, Math.max(usualHeldout, Math.ceil((expectedHeldout / Math.max(1, episodes)) * 100) / 100));

function heldoutNotes(episodes: number): readonly string[] {
  const enough = expectedHeldout / mostHeldout;
  if (episodes < enough)
    return [
      `about ${episodes} episodes with labels are expected: a model is judged on ${heldoutEpisodes} held-out ones, so its gates may hold until there are ${enough}`,
    ];
  const fraction = heldoutFractionOf(episodes);
  return fraction === usualHeldout
    ? []
    : [
        `about ${episodes} episodes with labels are expected: heldoutFraction is ${fraction}, so that a model is judged on ${heldoutEpisodes}`,
      ];
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
  const numbers = [...parts.observations, ...parts.actions];
  const named = (some: readonly DraftedNumber[]): string => some.map(({ name }) => name).join(', ');
  const listed = (text: string, some: readonly DraftedNumber[]): readonly string[] =>
    some.length === 0 ? [] : [`${text}: ${named(some)}`];
  const ofUnit = numbers.filter(({ unit }) => unit !== undefined);
  return [
    ...(ofUnit.length === 0 ? ['units are all "1": nothing in the recording says them'] : []),
    ...(ofUnit.length > 0 && ofUnit.length < numbers.length
      ? listed(
          'the recording says no unit of these',
          numbers.filter(({ unit }) => unit === undefined),
        )
      : []),
    'ranges are what was measured and a tenth more: put in what the sensor and the command can be',
    ...listed(
      'these kept one value over 20 rows or more and are listed in mayBeConstant: take out what must always change',
      constant,
    ),
    ...listed(
      'these have blanks, whose rows are left out',
      numbers.filter(({ column: from }) => column(from).blanks > 0),
    ),
    ...listed(
      'these hold something else than a number in a few rows, which are left out',
      numbers.filter(({ column: from }) => column(from).unreadable > 0),
    ),
    ...(parts.discrete === undefined && parts.actions.length === 0
      ? ['no actions were found: such a type serves the lake and validation, and cannot be learned from']
      : []),
    ...heldoutNotes(judgedEpisodes(parts)),
    ...(parts.notes ?? ['success is taken for granted unless the map says otherwise']),
  ];
}
