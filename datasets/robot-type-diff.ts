import { canonicalJson } from '../domain/canonical-json.ts';
import { camerasOf } from './camera.ts';
import { robotTypeName, type RobotType } from './robot-type.ts';

/** One field that is not the same; undefined where a side has none. */
export interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What became of one feature or action, by its name. */
export interface NamedChange {
  readonly name: string;
  readonly is: 'same' | 'changed' | 'new' | 'gone';
  /** Fields of one that changed; its place in the list among them. */
  readonly changes: readonly FieldChange[];
}

export interface RobotTypeDiff {
  readonly from: string;
  readonly to: string;
  readonly features: readonly NamedChange[];
  readonly cameras: readonly NamedChange[];
  readonly actions: readonly NamedChange[];
  /** Everything else: rate, split, limits, the kind of the actions. */
  readonly other: readonly FieldChange[];
  /** What a policy's version does that goes from one to the other. */
  readonly step: 'major' | 'minor' | 'none';
  readonly why: string;
}

/**
 * Compares two robot types feature by feature, camera by camera and action by action, by name. A model reads features and writes actions
 * by their place, so a changed place is a change. `major`: features, cameras or actions changed, and a model of the one cannot run on the other;
 * `minor`: they are the same, and what is learned or judged is not; `none`: at most the words differ.
 */
export function diffRobotTypes(from: RobotType, to: RobotType): RobotTypeDiff {
  const features = namedChanges(from.observations, to.observations);
  const cameras = namedChanges(camerasOf(from), camerasOf(to));
  const actions = namedChanges(actionsOf(from), actionsOf(to));
  const kind = fieldChanges({ kind: from.actions.kind }, { kind: to.actions.kind }, 'actions.');
  const other = [
    ...kind,
    ...fieldChanges({ critical: criticalOf(from) }, { critical: criticalOf(to) }, 'actions.'),
    ...fieldChanges(restOf(from), restOf(to)),
    ...fieldChanges(from.limits, to.limits, 'limits.'),
  ];
  const changed = [
    ...features.map(named('feature')),
    ...cameras.map(named('camera')),
    ...actions.map(named('action')),
  ].filter((text) => text !== '');
  const names = { from: robotTypeName(from), to: robotTypeName(to) };
  const all = { ...names, features, cameras, actions, other };
  if (kind.length > 0 || changed.length > 0) {
    const listed = changed.slice(0, mostNamed).join(', ');
    const more = changed.length > mostNamed ? ` and ${changed.length - mostNamed} more` : '';
    return { ...all, step: 'major', why: kind.length > 0 ? 'the kind of the actions changed' : `${listed}${more}` };
  }
  const judged = other.filter(({ field }) => field !== 'description' && field !== 'follows');
  if (judged.length === 0) return { ...all, step: 'none', why: 'features, cameras, actions and limits are the same' };
  return {
    ...all,
    step: 'minor',
    why: `features, cameras and actions are the same; ${judged.map(({ field }) => field).join(', ')} changed`,
  };
}

const mostNamed = 5;
const named =
  (what: string) =>
  ({ name, is }: NamedChange): string =>
    is === 'same' ? '' : `${what} ${name} ${is}`;

interface Named {
  readonly name: string;
}

const actionsOf = ({ actions }: RobotType): readonly Named[] => {
  if (actions.kind === 'continuous') return actions.ranges;
  return actions.kind === 'discrete' ? actions.names.map((name) => ({ name })) : [];
};
const criticalOf = ({ actions }: RobotType): unknown => (actions.kind === 'discrete' ? actions.critical : undefined);

function restOf(type: RobotType): object {
  const {
    id: _id,
    version: _version,
    observations: _observations,
    cameras: _cameras,
    actions: _actions,
    limits: _limits,
    ...rest
  } = type;
  return rest;
}

function namedChanges(from: readonly Named[], to: readonly Named[]): NamedChange[] {
  const placed = (values: readonly Named[]) =>
    new Map(values.map((value, index) => [value.name, { ...value, place: index + 1 }]));
  const [before, after] = [placed(from), placed(to)];
  const kept = [...after.values()].map((value): NamedChange => {
    const old = before.get(value.name);
    if (old === undefined) return { name: value.name, is: 'new', changes: [] };
    const changes = fieldChanges(old, value);
    return { name: value.name, is: changes.length === 0 ? 'same' : 'changed', changes };
  });
  const gone = [...before.keys()].filter((name) => !after.has(name));
  return [...kept, ...gone.map((name): NamedChange => ({ name, is: 'gone', changes: [] }))];
}

function fieldChanges(from: object, to: object, prefix = ''): FieldChange[] {
  const [before, after] = [new Map(Object.entries(from)), new Map(Object.entries(to))];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((field) => {
    const [old, now]: unknown[] = [before.get(field), after.get(field)];
    return sameValue(old, now) ? [] : [{ field: `${prefix}${field}`, from: old, to: now }];
  });
}

const sameValue = (left: unknown, right: unknown): boolean =>
  left === undefined || right === undefined ? left === right : canonicalJson([left]) === canonicalJson([right]);
