import { lookedUp } from './column-name.ts';
import type { MeasuredColumn as Measured } from './measure-columns.ts';

/** A column with the unit that the recording says of it. */
export type MeasuredColumn = Measured & { readonly unit: string | undefined };

/** What a person gives where nothing in a recording says when it was. */
export const unknownStart = '2020-01-01T00:00:00Z';

const time =
  /^(?:t|time|times?tamps?|stamp|date|datetime|date_time|seconds|secs?|ms|us|ns|ts|epoch|elapsed|clock|utc|zeit|uhrzeit|datum|zeitpunkt|zeitstempel|heure|fecha|hora|(?:unix|log|ros|sim|wall|sample|system|elapsed|header|recording|relative)_?(?:time|stamp|timestamp)|(?:time|timestamp|ts|t|epoch|elapsed|stamp)_(?:s|secs?|seconds|ms|us|ns|msec|usec|nsec|utc|stamp)|(?:recorded|created|captured|logged)_at)$/;

/** Whether a column is called as times are. */
export const isTimeName = (header: string): boolean => time.test(lookedUp(header));

/**
 * The column that says when rows were recorded: one with times in it that go on, by its name, or else by its unit. A time of day counts where a date stands
 * beside it.
 */
export function timeColumnOf(columns: readonly MeasuredColumn[]): MeasuredColumn | undefined {
  const goesOn = ({ middleStep }: MeasuredColumn): boolean => !Number.isNaN(middleStep);
  const named = columns.filter((column) => isTimeName(column.name) && goesOn(column));
  const byDay = dateBeside(columns) === undefined ? undefined : named.find(({ kind }) => kind === 'clock');
  return (
    byDay ??
    named.find(({ kind }) => kind === 'instant' || kind === 'number') ??
    columns.find((column) => column.kind === 'number' && goesOn(column) && isClockLike(column))
  );
}

/** A number with a unit of time that rises with every row. */
const isClockLike = ({ unit, repeats, falls }: MeasuredColumn): boolean =>
  repeats === 0 && falls === 0 && unit !== undefined && isTimeUnit(unit);

/** A column of dates without a time. */
export const dateBeside = (columns: readonly MeasuredColumn[]): MeasuredColumn | undefined =>
  columns.find(({ kind, name, example }) => kind === 'instant' && isTimeName(name) && !example.includes(':'));

export interface Timing {
  readonly rateHz: number;
  /** As the map says it. */
  readonly map: object;
  readonly notes: readonly string[];
}

/** More of the rows have the time of the row before: it is too coarse to tell frames apart. */
const coarseFraction = 0.2;
/** Episodes that begin again at zero. */
const restart = (startsAt: string, restarts: boolean): object => ({ startsAt, restarts });

export interface TimedRows {
  readonly rows: number;
  /** Rows of several robots may share a time. */
  readonly hasRobots: boolean;
  /** Column of dates, for a time of day. */
  readonly date: MeasuredColumn | undefined;
}

/** How a map reads the time, and the rate that follows. */
export function timingOf(column: MeasuredColumn | undefined, { rows, hasRobots, date }: TimedRows): Timing {
  if (column === undefined)
    return {
      rateHz: 10,
      map: { kind: 'rows', startsAt: unknownStart },
      notes: [
        `no column was found that says the time: rows are taken to come at 10 Hz from ${unknownStart} on; put in what is true`,
      ],
    };
  const isText = column.kind !== 'number';
  const unit = isText ? 'us' : unitOf(column);
  const perSecond = { s: 1, ms: 1e3, us: 1e6, ns: 1e9 }[unit];
  const isSince1970 = isText || column.first / perSecond > 5e8;
  const isCoarse = !hasRobots && column.falls === 0 && column.repeats > coarseFraction * rows;
  if (isCoarse && column.kind !== 'clock') return coarseTiming(column, rows, perSecond, isSince1970);
  const rateHz = rateOf(column.middleStep / perSecond);
  if (isText) return { rateHz, ...written(column, date) };
  return {
    rateHz,
    map: { column: column.name, kind: unit, ...(isSince1970 ? {} : restart(unknownStart, column.min >= 0)) },
    notes: isSince1970 ? [] : [`times of ${column.name} begin at ${unknownStart}: put in when it was recorded`],
  };
}

function written(column: MeasuredColumn, date: MeasuredColumn | undefined): Pick<Timing, 'map' | 'notes'> {
  const dated = column.kind === 'clock' ? date : undefined;
  const { orders, name } = dated ?? column;
  const [order = 'ymd', other] = orders.toSorted((a, b) => likely.indexOf(a) - likely.indexOf(b));
  return {
    map: {
      column: column.name,
      kind: 'iso',
      ...(dated === undefined ? {} : { date: dated.name }),
      ...(order === 'ymd' ? {} : { order }),
    },
    notes: [
      ...zoneNotes(column),
      ...(other === undefined || order === 'ymd'
        ? []
        : [
            `day and month of ${name} cannot be told apart: read as ${order}; put ${other} into time.order if it is that`,
          ]),
    ],
  };
}
const likely = ['ymd', 'mdy', 'dmy'] as const;

function coarseTiming(column: MeasuredColumn, rows: number, perSecond: number, isSince1970: boolean): Timing {
  const { name, first, repeats, middleStep } = column;
  const startsAt = isSince1970 ? new Date((first / perSecond) * 1000).toISOString() : unknownStart;
  return {
    rateHz: rateOf((((rows - repeats) / rows) * middleStep) / perSecond),
    map: { kind: 'rows', startsAt },
    notes: [`many rows in a row have the same ${name}, so that frames are placed by their number, at the mean rate`],
  };
}

const zoneNotes = ({ example, name }: MeasuredColumn): readonly string[] =>
  /(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$/.test(example)
    ? []
    : [`times of ${name} are read as UTC where they say no offset: put in time.zone`];

const isTimeUnit = (unit: string | undefined): unit is 's' | 'ms' | 'us' | 'ns' =>
  unit === 's' || unit === 'ms' || unit === 'us' || unit === 'ns';

/** The unit of a number that is a time: by its size, by what its name says, or by its steps. */
function unitOf(column: MeasuredColumn): 's' | 'ms' | 'us' | 'ns' {
  // Seconds since 1970 have ten digits until the year 2286, milliseconds thirteen, and so on.
  if (column.max > 1e17) return 'ns';
  if (column.max > 1e14) return 'us';
  if (column.max > 1e11) return 'ms';
  const said = column.unit ?? /(?:^|_)([mun]?s)(?:ecs?)?$/.exec(lookedUp(column.name))?.[1];
  if (isTimeUnit(said)) return said;
  // A number that counts from the beginning: robots record at 0.1 to 1,000 Hz.
  if (column.middleStep >= 1e6) return 'ns';
  if (column.middleStep >= 2_000) return 'us';
  return column.middleStep > 10 ? 'ms' : 's';
}

function rateOf(periodS: number): number {
  const rate = 1 / periodS;
  return Number.isFinite(rate) && rate > 0 ? Number(rate.toPrecision(3)) : 10;
}
