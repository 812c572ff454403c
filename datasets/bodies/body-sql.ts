import { sqlText } from '../sql-types.ts';
import type { RobotType } from '../robot-type.ts';
import type { BodyMap, MappedValue } from './body-map.ts';

/** A body whose rows are read as those of another, by its number in SQL; without `map` they are taken as they are. */
export interface NumberedBody {
  readonly index: number;
  readonly type: RobotType;
  readonly map: BodyMap | undefined;
}

/** SQL over the columns of an episode: the number of its body, NULL where it is none of these. */
export const bodyIndexSql = (bodies: readonly NumberedBody[]): string =>
  `CASE ${bodies
    .map(
      ({ type, index }) =>
        `WHEN robot_type = ${sqlText(type.id)} AND robot_type_version = ${type.version} THEN ${index}`,
    )
    .join(' ')} END::INTEGER`;

/** Whether frames of a body can have labels that the other body does not have. */
export const isPartial = ({ map }: NumberedBody): boolean =>
  map?.actions.kind === 'discrete' && map.actions.names.includes(null);

/** SQL of how many readings an observation of a body has; NULL where it is none of these. */
export const observationSizeSql = (bodies: readonly NumberedBody[], index: string): string =>
  `CASE ${index} ${bodies.map((body) => `WHEN ${body.index} THEN ${body.type.observations.length}`).join(' ')} END`;

/** SQL of the observation as the other body's, a list of floats; `index` and `observation` are SQL expressions. */
export const observationSql = (bodies: readonly NumberedBody[], index: string, observation: string): string =>
  byBody(bodies, index, observation, ({ type, map }) => {
    const names = type.observations.map(({ name }) => name);
    return map && listSql(observation, names, map.observations);
  });

/**
 * SQL of a label as the other body's: an index, NULL where that body has no such action, or a list of floats. `label` is an SQL
 * expression of the stored list; `names` are the other body's discrete actions, undefined for continuous ones.
 */
export function mappedLabelSql(
  bodies: readonly NumberedBody[],
  index: string,
  label: string,
  names: readonly string[] | undefined,
): string {
  if (names === undefined)
    return byBody(bodies, index, label, ({ type, map }) => {
      if (map?.actions.kind !== 'continuous' || type.actions.kind !== 'continuous') return undefined;
      return listSql(
        label,
        type.actions.ranges.map(({ name }) => name),
        map.actions.ranges,
      );
    });
  const place = new Map(names.map((name, at) => [name, at]));
  const chosen = `(${label})[1]::INTEGER`;
  return byBody(bodies, index, chosen, ({ map }) => {
    if (map?.actions.kind !== 'discrete') return undefined;
    const places = map.actions.names.map((name) => (name === null ? 'NULL' : String(place.get(name) ?? 'NULL')));
    return `([${places.join(', ')}]::INTEGER[])[${chosen} + 1]`;
  });
}

function byBody(
  bodies: readonly NumberedBody[],
  index: string,
  same: string,
  mapped: (body: NumberedBody) => string | undefined,
): string {
  const branches = bodies.flatMap((body) => {
    const sql = mapped(body);
    return sql === undefined ? [] : [`WHEN ${body.index} THEN ${sql}`];
  });
  return branches.length === 0 ? same : `CASE ${index} ${branches.join(' ')} ELSE ${same} END`;
}

/** A list of floats out of another one, value by value: in doubles, kept within a 32-bit float, rounded once. */
function listSql(list: string, names: readonly string[], values: readonly MappedValue[]): string {
  const place = new Map(names.map((name, at) => [name, at + 1]));
  const items = values.map((value) => {
    if ('fill' in value) return `${doubleSql(value.fill)}::FLOAT`;
    const item = `(${list})[${place.get(value.from) ?? 0}]`;
    if (value.factor === 1 && value.offset === 0) return item;
    const scaled = `${item}::DOUBLE * ${doubleSql(value.factor)} + ${doubleSql(value.offset)}`;
    return `greatest(${doubleSql(-greatestFloat)}, least(${doubleSql(greatestFloat)}, ${scaled}))::FLOAT`;
  });
  return `[${items.join(', ')}]`;
}

/** Largest 32-bit float. */
const greatestFloat = 3.4028234663852886e38;

/** A number as it is: a literal such as 0.1 would be a decimal. */
const doubleSql = (value: number): string => `CAST(${sqlText(String(value))} AS DOUBLE)`;
