import { robotTypeName, type RobotType } from '../robot-type.ts';
import { goneFill, goneName, sourceOf } from './follows.ts';
import { lineageOf, type LineageStep } from './lineage.ts';
import { stepProblems } from './step-problems.ts';
import { stepSides, type StepSide } from './step-sides.ts';

/** One value: `factor` × the value of `from` + `offset`, or always `fill`. In doubles, then rounded to a 32-bit float. */
export type MappedValue =
  | { readonly from: string; readonly factor: number; readonly offset: number }
  | { readonly fill: number };

/** How frames of one body (version of a robot type) are read as frames of another. */
export interface BodyMap {
  readonly kind: 'map';
  /** One a feature of `to`, in its order. */
  readonly observations: readonly MappedValue[];
  readonly actions:
    /** One an action of `from`, by its index: its name in `to`; null where `to` has no such action. */
    | { readonly kind: 'discrete'; readonly names: readonly (string | null)[] }
    /** One a range of `to`, in its order, with the name it has there. */
    | { readonly kind: 'continuous'; readonly ranges: readonly (MappedValue & { readonly name: string })[] }
    | { readonly kind: 'none' };
}

/** Why there is no map. */
export interface BodyRefusal {
  readonly kind: 'refusal';
  readonly reason: string;
}

export interface BodyMapInput {
  readonly from: RobotType;
  readonly to: RobotType;
  /** Versions of the type that are known, in any order; `from` and `to` may be among them. */
  readonly chain: readonly RobotType[];
}

/** How one name came to its value; `none` where the body that it comes from has nothing to read it from. */
type Source = MappedValue | 'none';

/**
 * Composes the rules between two versions of a robot type, whichever is older: up to the newest version that both descend from, then
 * down. Going up undoes a rule: what was renamed or scaled is put back, what is new is dropped, what is gone reads as its
 * `fill`. Fails closed: a rule that does not account for everything, a version that is not known, a feature with nothing to
 * read it from and a number beyond a 32-bit float are a refusal with the reason. A version to itself is the identity.
 */
export function bodyMap(input: BodyMapInput): BodyMap | BodyRefusal {
  const observations = observationMap(input);
  if (!isMap(observations)) return observations;
  const actions = actionMap(input);
  return 'reason' in actions ? actions : { kind: 'map', observations, actions };
}

/** As {@link bodyMap}, of features alone. */
export function observationMap(input: BodyMapInput): readonly MappedValue[] | BodyRefusal {
  const observations = partialObservations(input);
  if (!isMap(observations)) return observations;
  const { from, to } = input;
  const mapped = wholeValues(observations, to.observations, `feature of ${robotTypeName(to)}`, from);
  return typeof mapped === 'string' ? refusal(mapped) : mapped;
}

/** As {@link bodyMap}, of actions alone: there is one where features have no way back, too. */
export function actionMap({ from, to, chain }: BodyMapInput): BodyMap['actions'] | BodyRefusal {
  const steps = soundSteps(from, to, chain);
  if (typeof steps === 'string') return refusal(steps);
  const actions = actionsOf(from, to, steps);
  return typeof actions === 'string' ? refusal(actions) : actions;
}

/** As {@link observationMap}; undefined for one that nothing can be read from. */
export function partialObservations({
  from,
  to,
  chain,
}: BodyMapInput): readonly (MappedValue | undefined)[] | BodyRefusal {
  const steps = soundSteps(from, to, chain);
  if (typeof steps === 'string') return refusal(steps);
  const sources = walk(
    steps,
    0,
    from.observations.map(({ name }) => name),
  );
  const values = valuesOf(sources, to.observations, `feature of ${robotTypeName(to)}`);
  return typeof values === 'string' ? refusal(values) : values;
}

const isMap = <T extends readonly unknown[]>(value: T | BodyRefusal): value is T => Array.isArray(value);

/** The steps between two bodies, each accounting for everything; else why there are none. */
function soundSteps(from: RobotType, to: RobotType, chain: readonly RobotType[]): readonly LineageStep[] | string {
  const steps = lineageOf(from, to, chain);
  if (typeof steps === 'string') return steps;
  const twice = steps.length === 0 ? undefined : nameTwice([from, to]);
  if (twice !== undefined) return `two features or actions of one body are called ${JSON.stringify(twice)}`;
  for (const { newer, older } of steps) {
    const [problem] = stepProblems(newer, older);
    if (problem !== undefined)
      return `${robotTypeName(newer)} does not say how it follows ${robotTypeName(older)}: ${problem.path}: expected ${problem.expected}, got ${problem.got}`;
  }
  return steps;
}

/** Older documents were not asked for names of their own. */
function nameTwice(types: readonly RobotType[]): string | undefined {
  for (const { observations, actions } of types) {
    const commands = actions.kind === 'continuous' ? actions.ranges.map(({ name }) => name) : [];
    const chosen = actions.kind === 'discrete' ? actions.names : [];
    for (const names of [observations.map(({ name }) => name), commands, chosen]) {
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) return twice;
    }
  }
  return undefined;
}

const refusal = (reason: string): BodyRefusal => ({ kind: 'refusal', reason });

function actionsOf(from: RobotType, to: RobotType, steps: readonly LineageStep[]): BodyMap['actions'] | string {
  if (from.actions.kind === 'continuous' && to.actions.kind === 'continuous') {
    const { ranges } = to.actions;
    const sources = walk(
      steps,
      1,
      from.actions.ranges.map(({ name }) => name),
    );
    const what = `action of ${robotTypeName(to)}`;
    const found = valuesOf(sources, ranges, what);
    const values = typeof found === 'string' ? found : wholeValues(found, ranges, what, from);
    if (typeof values === 'string') return values;
    return {
      kind: 'continuous',
      ranges: values.map((value, index) => ({ ...value, name: ranges[index]?.name ?? '' })),
    };
  }
  if (from.actions.kind === 'discrete' && to.actions.kind === 'discrete') {
    const sources = walk(steps, 1, from.actions.names);
    const now = new Map<string, string>();
    for (const name of to.actions.names) {
      const source = sources.get(name);
      if (source !== undefined && source !== 'none' && 'from' in source) now.set(source.from, name);
    }
    if (now.size === 0) return `${robotTypeName(to)} has no action of ${robotTypeName(from)}`;
    return { kind: 'discrete', names: from.actions.names.map((name) => now.get(name) ?? null) };
  }
  return from.actions.kind === to.actions.kind ? { kind: 'none' } : 'their actions are of two kinds';
}

/** By name in the last body, from the identity of the first; `side` 0: features, 1: actions. */
function walk(steps: readonly LineageStep[], side: 0 | 1, names: readonly string[]): ReadonlyMap<string, Source> {
  let sources: ReadonlyMap<string, Source> = new Map(names.map((name) => [name, { from: name, factor: 1, offset: 0 }]));
  for (const { way, newer, older } of steps) {
    if (newer.follows === undefined) continue;
    const one = stepSides(newer, older, newer.follows)[side];
    sources = way === 'down' ? goneDown(one, sources) : goneUp(one, sources);
  }
  return sources;
}

function goneDown({ newer, rules }: StepSide, sources: ReadonlyMap<string, Source>): ReadonlyMap<string, Source> {
  const ruleOf = new Map(rules.map((rule) => [rule.name, rule]));
  return new Map(
    newer.map(({ name }) => {
      const rule = ruleOf.get(name);
      if (rule?.is === 'new') return [name, rule.fill === undefined ? 'none' : { fill: rule.fill }];
      const source = sources.get(rule === undefined ? name : (sourceOf(rule) ?? name)) ?? 'none';
      return [name, rule?.is === 'scaled' ? scaledBy(source, rule.factor, rule.offset ?? 0) : source];
    }),
  );
}

function goneUp(
  { older, newer, rules, gone }: StepSide,
  sources: ReadonlyMap<string, Source>,
): ReadonlyMap<string, Source> {
  const ruled = new Set(rules.map(({ name }) => name));
  const kept = new Map(
    newer.filter(({ name }) => !ruled.has(name)).map(({ name }) => [name, { name, factor: 1, offset: 0 }]),
  );
  for (const rule of rules) {
    const source = sourceOf(rule);
    if (source === undefined) continue;
    const [factor, offset] = rule.is === 'scaled' ? [rule.factor, rule.offset ?? 0] : [1, 0];
    kept.set(source, { name: rule.name, factor, offset });
  }
  const fills = new Map(gone.map((one) => [goneName(one), goneFill(one)]));
  return new Map(
    older.map(({ name }) => {
      const fill = fills.get(name);
      if (fill !== undefined) return [name, { fill }];
      const now = kept.get(name);
      if (fills.has(name) || now === undefined) return [name, 'none'];
      const source = sources.get(now.name) ?? 'none';
      const isSame = now.factor === 1 && now.offset === 0;
      return [name, isSame ? source : scaledBy(source, 1 / now.factor, 0 - now.offset / now.factor)];
    }),
  );
}

function scaledBy(source: Source, factor: number, offset: number): Source {
  if (source === 'none') return source;
  if ('fill' in source) return { fill: factor * source.fill + offset };
  return { from: source.from, factor: factor * source.factor, offset: factor * source.offset + offset };
}

const greatestFloat = 3.4028234663852886e38;
const fits = (value: number): boolean => Math.abs(value) <= greatestFloat;
const isSound = (value: MappedValue): boolean =>
  'fill' in value ? fits(value.fill) : fits(value.factor) && Math.fround(value.factor) !== 0 && fits(value.offset);

const mostNamed = 5;

function valuesOf(
  sources: ReadonlyMap<string, Source>,
  names: readonly { readonly name: string }[],
  what: string,
): readonly (MappedValue | undefined)[] | string {
  const values: (MappedValue | undefined)[] = [];
  for (const { name } of names) {
    const source = sources.get(name) ?? 'none';
    if (source !== 'none' && !isSound(source))
      return `${what} ${JSON.stringify(name)}: the rules together leave what a 32-bit float can hold`;
    values.push(source === 'none' ? undefined : source);
  }
  return values;
}

function wholeValues(
  values: readonly (MappedValue | undefined)[],
  names: readonly { readonly name: string }[],
  what: string,
  from: RobotType,
): readonly MappedValue[] | string {
  const missing = names.filter((_, index) => values[index] === undefined).map(({ name }) => name);
  if (missing.length === 0) return values.filter((value) => value !== undefined);
  const listed = missing.slice(0, mostNamed).map((name) => JSON.stringify(name));
  const more = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more` : '';
  return `${robotTypeName(from)} has nothing to read ${what} ${listed.join(', ')}${more} from, and no rule gives a fill`;
}
