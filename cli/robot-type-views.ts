import type { FieldChange, NamedChange, RobotTypeDiff } from '../datasets/robot-type-diff.ts';
import type { RobotTypeCheck } from '../datasets/robot-type-check/check-robot-type.ts';
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
  table(
    ['limit', 'value'],
    Object.entries({ ...limits, split }).map(([name, value]) => [name, cell(value)]),
  );
}

const changedText = (changes: readonly FieldChange[]): string =>
  changes.map(({ field, from, to }) => `${field} ${cell(from)} → ${cell(to)}`).join(', ');

const rowsOf = (what: string, changes: readonly NamedChange[]): (readonly string[])[] =>
  changes.filter(({ is }) => is !== 'same').map(({ name, is, changes: of }) => [what, name, is, changedText(of)]);

/** What two robot types differ in, for a person. */
export function printDiff({ from, to, features, actions, other, step, why }: RobotTypeDiff): void {
  const same = [...features, ...actions].filter(({ is }) => is === 'same').length;
  table(
    ['what', 'name', 'is', 'how'],
    [
      ...rowsOf('feature', features),
      ...rowsOf('action', actions),
      ...other.map((change) => ['other', change.field, 'changed', `${cell(change.from)} → ${cell(change.to)}`]),
    ],
  );
  say(`${same} features and actions are the same`);
  say(step === 'none' ? `${from} → ${to}: no new policy version, ${why}` : `${from} → ${to}: a ${step} step, ${why}`);
}
