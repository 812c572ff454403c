import type { RobotType } from '../robot-type.ts';
import { robotTypeName } from '../robot-type.ts';
import type { ImportMap, MappedValue } from './import-map.ts';
import { ImportError, quoted } from './import-summary.ts';
import { logTimeColumn, type WantedCell } from './table.ts';
import { conversionOf } from './units.ts';

/** Where the value of one feature or action comes from: a cell and how it is converted, or a value for every frame. */
export type ValueRule =
  | { readonly name: string; readonly cell: number; readonly factor: number; readonly offset: number }
  | { readonly name: string; readonly fill: number };

/** A map held against a robot type: every name stands for a place. */
export interface ResolvedMap {
  /** The cells that are read of every row. */
  readonly wanted: readonly WantedCell[];
  /** One a feature of the robot type, in its order. */
  readonly observations: readonly ValueRule[];
  /** One a range, in the type's order; empty unless continuous. */
  readonly ranges: readonly ValueRule[];
  readonly discrete: { readonly cell: number; readonly indexOf: ReadonlyMap<string, number> } | undefined;
  readonly robotCell: number | undefined;
  readonly taskCell: number | undefined;
  readonly siteCell: number | undefined;
  readonly timeCell: number | undefined;
  /** Of the date, where it stands beside the time. */
  readonly dateCell: number | undefined;
  readonly boundaryCell: number | undefined;
  readonly idCell: number | undefined;
  /** Cells of the success rule, in its order. */
  readonly successCells: readonly number[];
}

/** Holds a map against a robot type. Throws `ImportError` with the field of the map, what was expected and what stands there. */
export function resolveMap(map: ImportMap, type: RobotType): ResolvedMap {
  const cells = new Cells();
  const observations = valueRules(cells, 'observations', map.observations, type.observations, type);
  const { actions, success } = map;
  if (actions.kind !== type.actions.kind) {
    throw wrong('actions.kind', `${type.actions.kind}, as ${robotTypeName(type)} says`, actions.kind);
  }
  const ranges =
    actions.kind === 'continuous' && type.actions.kind === 'continuous'
      ? valueRules(cells, 'actions.ranges', actions.ranges, type.actions.ranges, type)
      : [];
  const { robot, task, site, time, episodes } = map;
  if (typeof task === 'string') checkTask('task', task, type);
  else for (const [index, { is }] of task.values.entries()) checkTask(`task.values[${index}].is`, is, type);
  return {
    observations,
    ranges,
    discrete: discreteOf(cells, map, type),
    robotCell: 'column' in robot ? cells.text(robot.column) : undefined,
    taskCell: typeof task === 'string' ? undefined : cells.text(task.column),
    siteCell: typeof site === 'string' ? undefined : cells.text(site.column),
    timeCell: timeCellOf(cells, time),
    dateCell: time.kind === 'iso' && time.date !== undefined ? cells.add(time.date, 'text') : undefined,
    boundaryCell: episodes.by.kind === 'column' ? cells.text(episodes.by.column) : undefined,
    idCell: episodes.idColumn === undefined ? undefined : cells.text(episodes.idColumn),
    successCells: successColumns(success).map((column) => cells.text(column)),
    wanted: cells.wanted,
  };
}

function timeCellOf(cells: Cells, time: ImportMap['time']): number | undefined {
  if (time.kind === 'log') return cells.add(logTimeColumn, 'number');
  return 'column' in time ? cells.add(time.column, time.kind === 'iso' ? 'text' : 'number') : undefined;
}

function successColumns(success: ImportMap['success']): readonly string[] {
  if (success.kind === 'failedWhen') return success.any.map(({ column }) => column);
  if (success.kind === 'said') return [success.outcome, success.reason];
  return success.kind === 'succeededWhen' ? [success.column] : [];
}

class Cells {
  readonly wanted: WantedCell[] = [];
  readonly #places = new Map<string, number>();

  /** A text that holds until the recording says another. */
  text = (column: string): number => this.add(column, 'text', true);

  add(column: string, as: WantedCell['as'], isHeld = false): number {
    const name = `${as} ${isHeld} ${column}`;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = this.wanted.push(isHeld ? { column, as, isHeld } : { column, as }) - 1;
    this.#places.set(name, place);
    return place;
  }
}

const wrong = (field: string, expected: string, got: string): ImportError =>
  new ImportError(`map, ${field}: expected ${expected}, got ${quoted(got)}`);

function valueRules(
  cells: Cells,
  field: string,
  mapped: readonly MappedValue[],
  features: readonly { readonly name: string; readonly unit: string }[],
  type: RobotType,
): readonly ValueRule[] {
  const places = new Map(mapped.map(({ name }, place) => [name, place]));
  if (places.size < mapped.length) {
    const twice = mapped.find(({ name }, place) => places.get(name) !== place);
    throw wrong(field, 'every name once', twice?.name ?? '');
  }
  const known = new Set(features.map(({ name }) => name));
  const unknown = mapped.find(({ name }) => !known.has(name));
  if (unknown !== undefined) throw wrong(field, `names of ${robotTypeName(type)}`, unknown.name);
  const missing = features.filter(({ name }) => !places.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const names = missing.slice(0, 10).join(', ');
    throw wrong(field, `every name of ${robotTypeName(type)}, each with a column or a fill`, `none for ${names}`);
  }
  return features.map(({ name, unit }) => {
    const place = places.get(name) ?? -1;
    const value = mapped[place];
    if (value === undefined) throw wrong(field, `a rule for ${name}`, 'none');
    if ('fill' in value) return { name, fill: value.fill };
    const own = { factor: value.scale ?? 1, offset: value.offset ?? 0 };
    const isPlain = value.scale === undefined && value.offset === undefined;
    const byUnit = value.unit === undefined || !isPlain ? own : conversionOf(value.unit, unit);
    if (byUnit === undefined)
      throw wrong(
        `${field}[${place}].unit`,
        `a unit that is known to become ${unit}, or scale and offset`,
        value.unit ?? '',
      );
    if (byUnit.factor === 0) throw wrong(`${field}[${place}].scale`, 'another scale than 0', '0');
    return { name, cell: cells.add(value.column, 'number'), ...byUnit };
  });
}

function discreteOf(cells: Cells, { actions }: ImportMap, type: RobotType): ResolvedMap['discrete'] {
  if (actions.kind !== 'discrete' || type.actions.kind !== 'discrete') return undefined;
  const { names } = type.actions;
  const indexOf = new Map(names.map((name, index) => [name, index]));
  for (const [place, { value, is }] of actions.values.entries()) {
    const index = names.indexOf(is);
    if (index < 0) throw wrong(`actions.values[${place}].is`, `an action of ${robotTypeName(type)}`, is);
    indexOf.set(value, index);
  }
  return { cell: cells.add(actions.column, 'text'), indexOf };
}

/** Tasks of the catalogue may be more than those of the type: that is for validation to say. */
function checkTask(field: string, task: string, { tasks }: RobotType): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(task)) throw wrong(field, `a task, e.g. ${tasks[0] ?? ''}`, task);
}
