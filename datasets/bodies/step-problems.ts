import { goneFill, goneName, sourceOf, type FollowRule } from './follows.ts';
import { stepSides, type BodyPart, type SideName, type StepSide } from './step-sides.ts';

/** Something wrong with how a version follows another: where in its document, what was expected, what is there. */
export interface StepProblem {
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

const quoted = (name: string): string => JSON.stringify(name);

/**
 * Everything that keeps the rules of `newer` from saying how it follows `older`: names that are not there, names without a rule,
 * names read twice, units that changed without a factor, fills beyond a range. None: the step is sound. Linear in features and rules.
 */
export function stepProblems(newer: BodyPart, older: BodyPart): readonly StepProblem[] {
  const { follows } = newer;
  const oldName = `${older.id}@${older.version}`;
  if (follows === undefined || older.id !== newer.id || older.version !== follows.version)
    return [{ path: 'follows.version', expected: `the version of ${oldName}`, got: String(follows?.version) }];
  if (follows.version >= newer.version)
    return [{ path: 'follows.version', expected: `less than version, ${newer.version}`, got: `${follows.version}` }];
  if (newer.actions.kind !== older.actions.kind)
    return [
      {
        path: 'actions.kind',
        expected: `${quoted(older.actions.kind)} as in ${oldName}: commands of another kind cannot be read`,
        got: quoted(newer.actions.kind),
      },
    ];
  return stepSides(newer, older, follows).flatMap((side) => [...sideProblems(side, oldName)]);
}

function* sideProblems(side: StepSide, oldName: string): Generator<StepProblem> {
  const older = new Map(side.older.map((one) => [one.name, one]));
  const newer = new Map(side.newer.map((one) => [one.name, one]));
  yield* rulesAreOfThisVersion(side, newer);
  const users = new Map<string, string>();
  yield* sourcesAreThere(side, older, oldName, users);
  yield* goneAreThere(side, older, oldName, users);
  yield* everyNameHasARule(side, older, oldName, users);
  yield* nothingIsForgotten(side, oldName, users);
}

function* rulesAreOfThisVersion(side: StepSide, newer: ReadonlyMap<string, SideName>): Generator<StepProblem> {
  const seen = new Set<string>();
  for (const [index, rule] of side.rules.entries()) {
    const path = `${side.paths.rules}[${index}]`;
    const own = newer.get(rule.name);
    if (own === undefined)
      yield { path: `${path}.name`, expected: `the name of a ${side.what} of this version`, got: quoted(rule.name) };
    else yield* ruleFitsKind(rule, own, path);
    if (seen.has(rule.name)) yield { path: `${path}.name`, expected: 'one rule a name', got: quoted(rule.name) };
    seen.add(rule.name);
  }
}

function* ruleFitsKind(rule: FollowRule, { range }: SideName, path: string): Generator<StepProblem> {
  const isDiscrete = range === undefined;
  if (rule.is === 'scaled' && isDiscrete)
    yield { path: `${path}.is`, expected: '"renamed" or "new": a discrete action has no scale', got: '"scaled"' };
  if (rule.is !== 'new') return;
  if (isDiscrete && rule.fill !== undefined)
    yield { path: `${path}.fill`, expected: 'no such field: older frames chose other actions', got: `${rule.fill}` };
  if (!isDiscrete && rule.fill === undefined)
    yield { path: `${path}.fill`, expected: 'a number: what older data is read to have commanded', got: 'nothing' };
  yield* fillIsInRange(rule.fill, range, `${path}.fill`);
}

function* fillIsInRange(fill: number | undefined, range: SideName['range'], path: string): Generator<StepProblem> {
  if (fill !== undefined && range !== undefined && !(fill >= range.min && fill <= range.max))
    yield { path, expected: `from ${range.min} to ${range.max}, within the range`, got: `${fill}` };
}

/** Every name of the followed version is used once at most; `users` says by what. */
function* usedOnce(users: Map<string, string>, name: string, path: string): Generator<StepProblem> {
  const user = users.get(name);
  if (user === undefined) users.set(name, path);
  else yield { path, expected: `a name that ${user} does not use`, got: quoted(name) };
}

function* sourcesAreThere(
  side: StepSide,
  older: ReadonlyMap<string, SideName>,
  oldName: string,
  users: Map<string, string>,
): Generator<StepProblem> {
  const units = new Map(side.newer.map(({ name, range }) => [name, range?.unit]));
  for (const [index, rule] of side.rules.entries()) {
    const source = sourceOf(rule);
    if (source === undefined) continue;
    const hasFrom = rule.is === 'renamed' || (rule.is === 'scaled' && rule.from !== undefined);
    const path = `${side.paths.rules}[${index}].${hasFrom ? 'from' : 'name'}`;
    const from = older.get(source);
    if (from === undefined) yield { path, expected: `the name of a ${side.what} of ${oldName}`, got: quoted(source) };
    else yield* usedOnce(users, source, path);
    if (rule.is === 'renamed' && from !== undefined) yield* unitIsKept(path, units.get(rule.name), from, oldName);
  }
}

function* unitIsKept(
  path: string,
  unit: string | undefined,
  { name, range }: SideName,
  oldName: string,
): Generator<StepProblem> {
  if (unit === undefined || range === undefined || unit === range.unit) return;
  yield {
    path,
    expected: `the unit of ${quoted(name)} in ${oldName}, ${quoted(range.unit)}, or a rule "scaled"`,
    got: quoted(unit),
  };
}

function* goneAreThere(
  side: StepSide,
  older: ReadonlyMap<string, SideName>,
  oldName: string,
  users: Map<string, string>,
): Generator<StepProblem> {
  for (const [index, gone] of side.gone.entries()) {
    const path = `${side.paths.gone}[${index}]`;
    const name = goneName(gone);
    const old = older.get(name);
    if (old === undefined) {
      yield { path, expected: `the name of a ${side.what} of ${oldName}`, got: quoted(name) };
      continue;
    }
    yield* usedOnce(users, name, path);
    const fill = goneFill(gone);
    if (fill !== undefined && old.range === undefined)
      yield { path: `${path}.fill`, expected: 'no such field: a discrete action has no value', got: `${fill}` };
    yield* fillIsInRange(fill, old.range, `${path}.fill`);
  }
}

function* everyNameHasARule(
  side: StepSide,
  older: ReadonlyMap<string, SideName>,
  oldName: string,
  users: Map<string, string>,
): Generator<StepProblem> {
  const ruled = new Set(side.rules.map(({ name }) => name));
  for (const [index, { name, range }] of side.newer.entries()) {
    if (ruled.has(name)) continue;
    const path = range === undefined ? `${side.paths.newer}[${index}]` : `${side.paths.newer}[${index}].name`;
    const old = older.get(name);
    if (old === undefined)
      yield { path, expected: `a rule in ${side.paths.rules}: ${oldName} has no such ${side.what}`, got: quoted(name) };
    else if (users.has(name))
      yield {
        path,
        expected: `a rule of its own: what ${oldName} calls so is used by ${users.get(name)}`,
        got: quoted(name),
      };
    else {
      users.set(name, path);
      yield* unitIsKept(path.replace(/\.name$/, '.unit'), range?.unit, old, oldName);
    }
  }
}

function* nothingIsForgotten(
  side: StepSide,
  oldName: string,
  users: ReadonlyMap<string, string>,
): Generator<StepProblem> {
  for (const { name } of side.older)
    if (!users.has(name))
      yield {
        path: side.paths.gone,
        expected: `${quoted(name)} of ${oldName}, which nothing here reads`,
        got: 'nothing of it',
      };
}
