import { isUnit } from './units.ts';

/** What a header says of a column: its name, and the unit beside it where there is one. */
export interface NamedColumn {
  readonly name: string;
  readonly unit: string | undefined;
}

/** `q1 [rad]`, `speed (m/s)`, `force / N`. */
const beside = /^(.*\S)\s(?:\[([^\][\d][^\][]{0,15})\]|\(([^()\d][^()]{0,15})\)|\/\s([^\s\d]\S{0,7}))$/u;
/** `q1[rad]`, `load, N`: only a unit that is known, because `position[elbow]` is a place in a list. */
const close = /^(.*[^\s[(,])(?:\[([^\][\d][^\][]{0,15})\]|\(([^()\d][^()]{0,15})\)|,\s?([^\s\d]\S{0,7}))$/u;
/** A longer header is no name: a map takes none of more characters. */
const longest = 300;
/** Units that names end in: `angle_deg`. */
const endings: ReadonlyMap<string, string> = new Map([
  ['deg', 'deg'],
  ['rad', 'rad'],
  ['mm', 'mm'],
  ['cm', 'cm'],
  ['rpm', 'rpm'],
  ['mps', 'm/s'],
  ['degc', 'degC'],
  ['celsius', 'degC'],
  ['kpa', 'kPa'],
]);
/** Other ways to write what `units.ts` knows. */
const written: ReadonlyMap<string, string> = new Map([
  ['°', 'deg'],
  ['degrees', 'deg'],
  ['degree', 'deg'],
  ['radians', 'rad'],
  ['m/s^2', 'm/s2'],
  ['m/s²', 'm/s2'],
  ['m/s/s', 'm/s2'],
  ['°/s', 'deg/s'],
  ['°c', 'degC'],
  ['c', 'degC'],
  ['°f', 'degF'],
  ['celsius', 'degC'],
  ['kelvin', 'K'],
  ['sec', 's'],
  ['secs', 's'],
  ['seconds', 's'],
  ['msec', 'ms'],
  ['milliseconds', 'ms'],
  ['usec', 'us'],
  ['µs', 'us'],
  ['μs', 'us'],
  ['nsec', 'ns'],
  ['nanoseconds', 'ns'],
  ['microseconds', 'us'],
  ['meters', 'm'],
  ['metres', 'm'],
  ['volts', 'V'],
  ['amps', 'A'],
  ['percent', '%'],
  ['n·m', 'Nm'],
  ['n*m', 'Nm'],
  ['n.m', 'Nm'],
  ['-', '1'],
]);

/** A unit as this program writes it: `°` → `deg`. What it does not know stays as it is. */
export const plainUnit = (unit: string): string => written.get(unit.trim().toLowerCase()) ?? unit.trim();

/** `q1 [rad]` → q1, rad; `angle_deg` → angle_deg, deg; `q1` → q1, undefined. */
export function namedColumn(header: string): NamedColumn {
  if (header.length > longest) return { name: header, unit: undefined };
  const [, spaced, ...units] = beside.exec(header) ?? [];
  const unit = units.find((found) => found !== undefined);
  if (spaced !== undefined && unit !== undefined) return { name: spaced.trim(), unit: plainUnit(unit) };
  const [, tight, ...tightUnits] = close.exec(header) ?? [];
  const tightUnit = plainUnit(tightUnits.find((found) => found !== undefined) ?? '');
  if (tight !== undefined && isUnit(tightUnit)) return { name: tight, unit: tightUnit };
  const ending = /[_ ]([a-z]+)$/i.exec(header)?.[1]?.toLowerCase();
  return { name: header, unit: ending === undefined ? undefined : endings.get(ending) };
}

/** A name as it is looked up among known ones: `Robot ID` → `robot_id`, `%time` → `time`, `frameIndex` → `frame_index`. */
export const lookedUp = (header: string): string =>
  namedColumn(header)
    .name.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, '_')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '');
