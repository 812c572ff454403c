import type { BodyMapInput, BodyMap, BodyRefusal, MappedValue } from '../datasets/bodies/body-map.ts';
import { goneFill, goneName, sourceOf, type FollowRule, type Gone } from '../datasets/bodies/follows.ts';
import type { FieldChange, NamedChange, RobotTypeDiff } from '../datasets/robot-type-diff.ts';
import type { RobotTypeCheck } from '../datasets/robot-type-check/check-robot-type.ts';
import { camerasOf } from '../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { printTable, say } from './print.ts';

/** Rows of one table; the rest is counted. */
const mostRows = 100;
const longestCell = 60;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  printTable(head, rows.slice(0, mostRows));
  if (rows.length > mostRows) say(`and ${rows.length - mostRows} more: --json has all`);
}

const cell = (value: unknown): string => {
  const text = value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= longestCell ? text : `${text.slice(0, longestCell - 1)}…`;
};

/** What is wrong with a document, for a person. */
export function printProblems(file: string, { problems, problemsNotListed }: RobotTypeCheck): void {
  say(`${file}: ${problems.length + problemsNotListed} problems`);
  printTable(
    ['where', 'expected', 'got', 'what to do'],
    problems.map(({ path, expected, got, advice }) => [path === '' ? 'the document' : path, expected, got, advice]),
  );
  if (problemsNotListed > 0) say(`and ${problemsNotListed} more: correct these first`);
}

/** One robot type, for a person. */
export function printRobotType(type: RobotType): void {
  const { observations, actions, limits, split, tasks } = type;
  say(`${robotTypeName(type)}: ${type.description}`);
  say(`${type.rateHz} frames a second, ${observations.length} features, actions ${actions.kind}, tasks ${cell(tasks)}`);
  table(
    ['feature', 'unit', 'min', 'max', 'saturates at'],
    observations.map(({ name, unit, min, max, saturatesAt }) => [name, unit, min, max, saturatesAt ?? '']),
  );
  const cameras = camerasOf(type);
  if (cameras.length > 0)
    table(
      ['camera', 'image', 'images a second', 'colour', 'codec', 'a model sees', 'may leave the robot'],
      cameras.map(({ name, width, height, rateHz, colour, codec, learned, mayLeaveRobot }) => [
        name,
        `${width} × ${height}`,
        rateHz,
        colour,
        codec,
        `${learned.width} × ${learned.height}`,
        mayLeaveRobot ? 'yes' : 'no',
      ]),
    );
  if (actions.kind === 'continuous')
    table(
      ['action', 'unit', 'min', 'max', 'measured by'],
      actions.ranges.map(({ name, unit, min, max, measuredBy }) => [name, unit, min, max, measuredBy ?? '']),
    );
  if (actions.kind === 'discrete')
    table(
      ['action', 'least recall'],
      actions.names.map((name) => [name, actions.critical?.find((one) => one.name === name)?.minRecallFraction ?? '']),
    );
  printFollows(type);
  printMirror(type);
  table(
    ['limit', 'value'],
    Object.entries({ ...limits, split }).map(([name, value]) => [name, cell(value)]),
  );
}

const ruleRows = (what: string, rules: readonly FollowRule[]): (readonly string[])[] =>
  rules.map((rule) => [what, rule.name, rule.is, ruleText(rule)]);
const goneRows = (what: string, gone: readonly Gone[]): (readonly string[])[] =>
  gone.map((one) => [what, goneName(one), 'gone', goneFill(one) === undefined ? '' : `reads as ${goneFill(one)}`]);

function printFollows({ id, follows }: RobotType): void {
  if (follows === undefined) return;
  const { version, observations = [], gone = [], actions = [], goneActions = [] } = follows;
  say(`follows ${id}@${version}; what is not listed is the same:`);
  table(
    ['what', 'name', 'is', 'how'],
    [
      ...ruleRows('feature', observations),
      ...goneRows('feature', gone),
      ...ruleRows('action', actions),
      ...goneRows('action', goneActions),
    ],
  );
}

function printMirror({ mirror }: RobotType): void {
  if (mirror === undefined) return;
  say('in a mirror; what is not listed stays:');
  table(
    ['what', 'change places', 'change their sign'],
    Object.entries(mirror).map(([what, { swapped = [], ...signs }]) => [
      what,
      cell(swapped.map((pair) => pair.join(' ↔ ')).join(', ')),
      cell('negated' in signs ? signs.negated.join(', ') : ''),
    ]),
  );
}

function ruleText(rule: FollowRule): string {
  if (rule.is === 'new') return rule.fill === undefined ? '' : `older data reads as ${rule.fill}`;
  return valueText({
    from: sourceOf(rule) ?? rule.name,
    ...(rule.is === 'scaled' ? { factor: rule.factor, offset: rule.offset ?? 0 } : { factor: 1, offset: 0 }),
  });
}

function valueText(value: MappedValue): string {
  if ('fill' in value) return `always ${value.fill}`;
  const { from, factor, offset } = value;
  const scaled = factor === 1 ? from : `${factor} × ${from}`;
  return offset === 0 ? scaled : `${scaled} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`;
}

/** How data of one version is read as data of another, for a person; what reads as itself is counted. */
export function printReading(types: Omit<BodyMapInput, 'chain'>, reading: BodyMap | BodyRefusal): void {
  const [from, to] = [robotTypeName(types.from), robotTypeName(types.to)];
  if (reading.kind === 'refusal') return say(`data of ${from} cannot be read as ${to}: ${reading.reason}`);
  const { observations, actions } = reading;
  const commands = types.from.actions.kind === 'discrete' ? types.from.actions.names : [];
  const rows = [
    ...observations.map((value, index) => ['feature', types.to.observations[index]?.name ?? '', valueText(value)]),
    ...(actions.kind === 'continuous' ? actions.ranges.map((value) => ['action', value.name, valueText(value)]) : []),
    ...(actions.kind === 'discrete'
      ? actions.names.map((name, index) => ['action', name ?? 'left out', commands[index] ?? ''])
      : []),
  ];
  say(`data of ${from} is read as ${to}; what is not listed is the same:`);
  table(
    [to, 'name', `from ${from}`],
    rows.filter(([, name, value]) => name !== value),
  );
}

const changedText = (changes: readonly FieldChange[]): string =>
  changes.map(({ field, from, to }) => `${field} ${cell(from)} → ${cell(to)}`).join(', ');

const rowsOf = (what: string, changes: readonly NamedChange[]): (readonly string[])[] =>
  changes.filter(({ is }) => is !== 'same').map(({ name, is, changes: of }) => [what, name, is, changedText(of)]);

/** What two robot types differ in, for a person. */
export function printDiff({ from, to, features, cameras, actions, other, step, why }: RobotTypeDiff): void {
  const same = [...features, ...cameras, ...actions].filter(({ is }) => is === 'same').length;
  table(
    ['what', 'name', 'is', 'how'],
    [
      ...rowsOf('feature', features),
      ...rowsOf('camera', cameras),
      ...rowsOf('action', actions),
      ...other.map((change) => ['other', change.field, 'changed', `${cell(change.from)} → ${cell(change.to)}`]),
    ],
  );
  say(`${same} features, cameras and actions are the same`);
  say(
    step === 'none'
      ? `${from} → ${to}: no new policy version, ${why}`
      : `${from} → ${to}: a ${step} version step, ${why}`,
  );
}
