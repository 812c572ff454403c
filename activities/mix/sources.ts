import { bodyIndexSql, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { activeTasks } from '../../datasets/taught-type.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import type { Source } from './source-schema.ts';

/** A source whose robot type was read and fits. */
export interface ResolvedSource extends Source {
  readonly type: Pick<RobotType, 'id' | 'version'>;
  /** No robot type was named: every body that is read as the policy's own. */
  readonly isOwn: boolean;
}

/** `robot type scitos-g5@1, site hall 3` */
export const sourceName = ({ type, site }: ResolvedSource): string =>
  `robot type ${robotTypeName(type)}${site === undefined ? '' : `, site ${site}`}`;

/**
 * Reads the robot types of the sources. `NotFound` for one that nobody published; `InvalidInput` for one whose observations or actions
 * are not the policy's, in the same order, and not mapped to it, for a task that the policy does not have, and for the same source twice.
 */
export async function resolveSources(
  store: ObjectStore,
  own: RobotType,
  sources: readonly Source[],
  bodies: readonly NumberedBody[],
): Promise<readonly ResolvedSource[]> {
  const resolved: ResolvedSource[] = [];
  for (const source of sources) {
    const [id = own.id, version = String(own.version)] = source.robotType?.split('@') ?? [];
    const type = await readRobotType(store, id, Number(version));
    const isBody = bodies.some((body) => robotTypeName(body.type) === robotTypeName(type));
    const problem = (isBody ? undefined : layoutProblem(own, type)) ?? taskProblem(own, source);
    const one = { ...source, type: { id: type.id, version: type.version }, isOwn: source.robotType === undefined };
    if (problem !== undefined) throw failure('InvalidInput', `training.sources: ${sourceName(one)}: ${problem}`);
    if (resolved.some((other) => sourceName(other) === sourceName(one)))
      throw failure('InvalidInput', `training.sources: expected each source once, got ${sourceName(one)} twice`);
    resolved.push(one);
  }
  return resolved;
}

function layoutProblem(own: RobotType, other: RobotType): string | undefined {
  const found =
    firstDifference('observation', own.observations.map(named), other.observations.map(named)) ??
    firstDifference('action', actionsOf(own), actionsOf(other));
  return found === undefined
    ? undefined
    : `expected the observations and actions of ${robotTypeName(own)} in the same order, ${found}; or a version that follows`;
}

const named = ({ name, unit }: { readonly name: string; readonly unit: string }): string => `${name} [${unit}]`;
const actionsOf = ({ actions }: RobotType): readonly string[] =>
  actions.kind === 'discrete' ? actions.names : actions.kind === 'continuous' ? actions.ranges.map(named) : [];

function firstDifference(what: string, own: readonly string[], other: readonly string[]): string | undefined {
  for (let index = 0; index < Math.max(own.length, other.length); index += 1)
    if (own[index] !== other[index])
      return `${what} ${index + 1} is ${own[index] ?? 'missing'} there and ${other[index] ?? 'missing'} here`;
  return undefined;
}

function taskProblem(own: RobotType, source: Source): string | undefined {
  const tasks = activeTasks(own);
  const unknown = source.tasks.find(({ as }) => !tasks.includes(as));
  return unknown === undefined
    ? undefined
    : `expected tasks as one of ${tasks.slice(0, 20).join(', ')}, got ${unknown.as}`;
}

/** SQL over the columns of an episode: the index of the first source that it belongs to, or NULL. */
export const sourceIndexSql = (sources: readonly ResolvedSource[], bodies: readonly NumberedBody[]): string =>
  `CASE ${sources
    .map(
      ({ type, site, isOwn }, index) =>
        `WHEN ${isOwn ? `(${bodyIndexSql(bodies)}) IS NOT NULL` : `robot_type = ${sqlText(type.id)} AND robot_type_version = ${type.version}`}` +
        `${site === undefined ? '' : ` AND site = ${sqlText(site)}`} THEN ${index}`,
    )
    .join(' ')} END`;

/** SQL over `task` and `set_index`: the task under the policy's name. */
export function sourceTaskSql(sources: readonly ResolvedSource[]): string {
  const renamed = sources.flatMap(({ tasks }, index) =>
    tasks.map(({ from, as }) => `WHEN set_index = ${index} AND task = ${sqlText(from)} THEN ${sqlText(as)}`),
  );
  return renamed.length === 0 ? 'task' : `CASE ${renamed.join(' ')} ELSE task END`;
}
